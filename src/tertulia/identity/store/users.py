"""Queries about people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tertulia.identity.domain import Theme, User
from tertulia.identity.store.tables import OidcAttemptRow, OidcIdentityRow, OwnerLinkRow, UserRow
from tertulia.kernel.database import Transaction
from tertulia.kernel.pages import Position


def _user(row: UserRow) -> User:
    return User(
        id=row.id,
        email=row.email,
        name=row.name,
        is_owner=row.is_owner,
        language=row.language,
        theme=Theme(row.theme),
        active_space_id=row.active_space_id,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
    )


class UserStore:
    """People, the links that make the first of them, and who they are at a provider."""

    async def add(self, tx: Transaction, user: User, password_hash: str | None) -> bool:
        """Adds somebody; False when the e-mail has an account already."""
        added = await tx.session.execute(
            upsert(UserRow)
            .values(
                id=user.id,
                email=user.email,
                name=user.name,
                password_hash=password_hash,
                is_owner=user.is_owner,
                language=user.language,
                theme=user.theme.value,
                active_space_id=user.active_space_id,
                created_at=user.created_at,
            )
            .on_conflict_do_nothing(index_elements=[UserRow.email])
            .returning(UserRow.id)
        )
        return added.scalar_one_or_none() is not None

    async def find(self, tx: Transaction, user_id: UUID) -> User | None:
        row = (
            await tx.session.execute(select(UserRow).where(UserRow.id == user_id))
        ).scalar_one_or_none()
        return _user(row) if row else None

    async def find_by_email(self, tx: Transaction, email: str) -> tuple[User, str | None] | None:
        """The person and the hash of their password."""
        row = (
            await tx.session.execute(select(UserRow).where(UserRow.email == email))
        ).scalar_one_or_none()
        return (_user(row), row.password_hash) if row else None

    async def password_hash(self, tx: Transaction, user_id: UUID) -> str | None:
        return (
            await tx.session.execute(select(UserRow.password_hash).where(UserRow.id == user_id))
        ).scalar_one_or_none()

    async def list(self, tx: Transaction, after: Position | None, limit: int) -> Sequence[User]:
        query = select(UserRow).order_by(UserRow.created_at.desc(), UserRow.id.desc()).limit(limit)
        if after:
            query = query.where(tuple_(UserRow.created_at, UserRow.id) < (after.at, after.id))
        return [_user(row) for row in (await tx.session.execute(query)).scalars()]

    async def update(self, tx: Transaction, user_id: UUID, **values: Any) -> User | None:
        row = (
            await tx.session.execute(
                update(UserRow).where(UserRow.id == user_id).values(**values).returning(UserRow),
                execution_options={"populate_existing": True},
            )
        ).scalar_one_or_none()
        return _user(row) if row else None

    async def owners(self, tx: Transaction) -> Sequence[User]:
        """Owners of the server who may come in, held until the transaction ends."""
        rows = await tx.session.execute(
            select(UserRow)
            .where(UserRow.is_owner, UserRow.disabled_at.is_(None))
            .order_by(UserRow.id)
            .with_for_update()
        )
        return [_user(row) for row in rows.scalars()]

    async def is_claimed(self, tx: Transaction) -> bool:
        """Whether the server has an owner."""
        return bool(await tx.session.scalar(select(exists().where(UserRow.is_owner))))

    async def put_owner_link(self, tx: Transaction, token_hash: bytes, now: datetime) -> None:
        """Puts a link in the place of the one before it."""
        statement = upsert(OwnerLinkRow).values(only=True, token_hash=token_hash, created_at=now)
        await tx.session.execute(
            statement.on_conflict_do_update(
                index_elements=[OwnerLinkRow.only],
                set_={"token_hash": token_hash, "created_at": now},
            )
        )

    async def take_owner_link(self, tx: Transaction, token_hash: bytes) -> bool:
        """Uses the link up; of two who try at once, one gets True."""
        taken = await tx.session.execute(
            delete(OwnerLinkRow)
            .where(OwnerLinkRow.token_hash == token_hash)
            .returning(OwnerLinkRow.only)
        )
        return taken.scalar_one_or_none() is not None

    async def find_by_subject(self, tx: Transaction, issuer: str, subject: str) -> User | None:
        row = (
            await tx.session.execute(
                select(UserRow)
                .join(OidcIdentityRow, OidcIdentityRow.user_id == UserRow.id)
                .where(OidcIdentityRow.issuer == issuer, OidcIdentityRow.subject == subject)
            )
        ).scalar_one_or_none()
        return _user(row) if row else None

    async def link_subject(
        self, tx: Transaction, issuer: str, subject: str, user_id: UUID, now: datetime
    ) -> None:
        await tx.session.execute(
            upsert(OidcIdentityRow)
            .values(issuer=issuer, subject=subject, user_id=user_id, created_at=now)
            .on_conflict_do_nothing()
        )

    async def put_attempt(
        self,
        tx: Transaction,
        *,
        state_hash: bytes,
        nonce: str,
        code_verifier: str,
        return_to: str,
        now: datetime,
        expires_at: datetime,
    ) -> None:
        """Remembers a sign-on under way, and forgets those nobody came back from."""
        await tx.session.execute(delete(OidcAttemptRow).where(OidcAttemptRow.expires_at <= now))
        await tx.session.execute(
            insert(OidcAttemptRow).values(
                state_hash=state_hash,
                nonce=nonce,
                code_verifier=code_verifier,
                return_to=return_to,
                expires_at=expires_at,
            )
        )

    async def take_attempt(
        self, tx: Transaction, state_hash: bytes, now: datetime
    ) -> tuple[str, str, str] | None:
        """Nonce, code verifier and return address of a sign-on under way, once."""
        row = (
            await tx.session.execute(
                delete(OidcAttemptRow)
                .where(OidcAttemptRow.state_hash == state_hash, OidcAttemptRow.expires_at > now)
                .returning(
                    OidcAttemptRow.nonce, OidcAttemptRow.code_verifier, OidcAttemptRow.return_to
                )
            )
        ).one_or_none()
        return (row.nonce, row.code_verifier, row.return_to) if row else None
