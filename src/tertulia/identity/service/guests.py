"""Guests: people without an account, in exactly one room."""

from datetime import timedelta
from uuid import UUID

from tertulia.identity.changes import ChangeKind, Changes
from tertulia.identity.domain import GuestToken, tidy_name
from tertulia.identity.store import GuestStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.ids import new_id, new_secret, secret_hash


class GuestService:
    """Guests' tokens: made by whoever may let people into the room, revoked one by one or all together."""

    def __init__(self, guests: GuestStore, changes: Changes, clock: Clock) -> None:
        self._guests = guests
        self._changes = changes
        self._clock = clock

    async def create(
        self, tx: Transaction, space_id: UUID, room: str, display_name: str, life: timedelta
    ) -> tuple[GuestToken, str]:
        """Lets somebody into one room for a while; gives back the token, which is never seen again."""
        now = self._clock.now()
        id_ = new_id()
        guest = GuestToken(
            id=id_,
            space_id=space_id,
            room=room,
            identity=f"guest-{id_}",
            display_name=tidy_name(display_name),
            expires_at=now + life,
        )
        secret = new_secret("tg")
        await self._guests.add(tx, guest, secret_hash(secret), now)
        return guest, secret

    async def revoke(
        self, tx: Transaction, space_id: UUID, room: str, guest_id: UUID | None = None
    ) -> int:
        """Sends one guest of a room away, or all of them; gives back how many."""
        revoked = await self._guests.revoke(tx, space_id, room, self._clock.now(), guest_id)
        await self._changes.tell(tx, ChangeKind.GUEST_REVOKED, revoked)
        return len(revoked)
