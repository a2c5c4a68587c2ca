"""Queries about sign-ins."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select

from tertulia.identity.domain import Session, SessionKind
from tertulia.identity.store.tables import UserSessionRow
from tertulia.kernel.database import Transaction


def _session(row: UserSessionRow) -> Session:
    return Session(
        id=row.id,
        user_id=row.user_id,
        kind=SessionKind(row.kind),
        user_agent=row.user_agent,
        address=row.address,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
    )


class SessionStore:
    """Sign-ins."""

    async def add(self, tx: Transaction, session: Session, token_hash: bytes) -> None:
        """Adds one, and clears this person's expired ones away."""
        await tx.session.execute(
            delete(UserSessionRow).where(
                UserSessionRow.user_id == session.user_id,
                UserSessionRow.expires_at <= session.created_at,
            )
        )
        await tx.session.execute(
            insert(UserSessionRow).values(
                id=session.id,
                user_id=session.user_id,
                kind=session.kind.value,
                token_hash=token_hash,
                user_agent=session.user_agent,
                address=session.address,
                created_at=session.created_at,
                last_seen_at=session.last_seen_at,
                expires_at=session.expires_at,
            )
        )

    async def list(self, tx: Transaction, user_id: UUID, now: datetime) -> Sequence[Session]:
        rows = await tx.session.execute(
            select(UserSessionRow)
            .where(UserSessionRow.user_id == user_id, UserSessionRow.expires_at > now)
            .order_by(UserSessionRow.last_seen_at.desc(), UserSessionRow.id.desc())
        )
        return [_session(row) for row in rows.scalars()]

    async def remove(self, tx: Transaction, user_id: UUID, session_id: UUID) -> bool:
        removed = await tx.session.execute(
            delete(UserSessionRow)
            .where(UserSessionRow.user_id == user_id, UserSessionRow.id == session_id)
            .returning(UserSessionRow.id)
        )
        return removed.scalar_one_or_none() is not None

    async def remove_all(
        self, tx: Transaction, user_id: UUID, *, keep: UUID | None = None
    ) -> Sequence[UUID]:
        """Removes all of a person's sign-ins but one; gives back which."""
        statement = delete(UserSessionRow).where(UserSessionRow.user_id == user_id)
        if keep is not None:
            statement = statement.where(UserSessionRow.id != keep)
        removed = await tx.session.execute(statement.returning(UserSessionRow.id))
        return removed.scalars().all()
