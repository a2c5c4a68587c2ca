"""Queries about guests."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, update

from tertulia.identity.domain import GuestToken
from tertulia.identity.store.tables import GuestTokenRow
from tertulia.kernel.database import Transaction


class GuestStore:
    """Tokens for exactly one room."""

    async def add(
        self, tx: Transaction, guest: GuestToken, token_hash: bytes, now: datetime
    ) -> None:
        """Adds one, and clears the space's expired ones away."""
        await tx.session.execute(
            delete(GuestTokenRow).where(
                GuestTokenRow.space_id == guest.space_id, GuestTokenRow.expires_at <= now
            )
        )
        await tx.session.execute(
            insert(GuestTokenRow).values(
                id=guest.id,
                space_id=guest.space_id,
                room=guest.room,
                identity=guest.identity,
                display_name=guest.display_name,
                token_hash=token_hash,
                created_at=now,
                expires_at=guest.expires_at,
            )
        )

    async def revoke(
        self, tx: Transaction, space_id: UUID, room: str, now: datetime, guest_id: UUID | None
    ) -> list[UUID]:
        """Revokes one guest of a room, or all of them; gives back which."""
        statement = update(GuestTokenRow).where(
            GuestTokenRow.space_id == space_id,
            GuestTokenRow.room == room,
            GuestTokenRow.revoked_at.is_(None),
        )
        if guest_id is not None:
            statement = statement.where(GuestTokenRow.id == guest_id)
        revoked = await tx.session.execute(
            statement.values(revoked_at=now).returning(GuestTokenRow.id)
        )
        return list(revoked.scalars())
