"""Queries about API keys."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update

from tertulia.identity.domain import ApiKey
from tertulia.identity.store.tables import ApiKeyRow
from tertulia.kernel.database import Transaction


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        user_id=row.user_id,
        space_id=row.space_id,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


class KeyStore:
    """API keys; revoked ones stay as rows and are never found."""

    async def add(self, tx: Transaction, key: ApiKey, key_hash: bytes) -> None:
        await tx.session.execute(
            insert(ApiKeyRow).values(
                id=key.id,
                user_id=key.user_id,
                space_id=key.space_id,
                name=key.name,
                prefix=key.prefix,
                key_hash=key_hash,
                scopes=list(key.scopes),
                created_at=key.created_at,
                expires_at=key.expires_at,
            )
        )

    async def list(
        self, tx: Transaction, user_id: UUID | None, space_id: UUID | None = None
    ) -> Sequence[ApiKey]:
        """Keys of one person, or of everybody; only those confined to `space_id` when given."""
        query = select(ApiKeyRow).where(ApiKeyRow.revoked_at.is_(None))
        if user_id is not None:
            query = query.where(ApiKeyRow.user_id == user_id)
        if space_id is not None:
            query = query.where(ApiKeyRow.space_id == space_id)
        rows = await tx.session.execute(query.order_by(ApiKeyRow.id.desc()))
        return [_key(row) for row in rows.scalars()]

    async def revoke(
        self,
        tx: Transaction,
        key_id: UUID,
        now: datetime,
        *,
        user_id: UUID | None = None,
        space_id: UUID | None = None,
    ) -> bool:
        """Revokes a key, if it is that person's and confined to that space where they are given."""
        statement = update(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
        if user_id is not None:
            statement = statement.where(ApiKeyRow.user_id == user_id)
        if space_id is not None:
            statement = statement.where(ApiKeyRow.space_id == space_id)
        revoked = await tx.session.execute(statement.values(revoked_at=now).returning(ApiKeyRow.id))
        return revoked.scalar_one_or_none() is not None
