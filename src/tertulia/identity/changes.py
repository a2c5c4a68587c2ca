"""Tells every node when somebody's rights change, so that nothing taken away stays usable."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from tertulia.kernel.database import Transaction

TOPIC = "identity"

MEMBER_JOINED = "member.joined"
MEMBER_LEFT = "member.left"
MEMBER_ROLE_CHANGED = "member.role_changed"

OUTSIDE: Mapping[str, tuple[str, Mapping[str, str]]] = {
    MEMBER_JOINED: (
        "Somebody became a member of the space.",
        {"user_id": "0199d3a0-0000-7000-8000-000000000000", "role": "MEMBER"},
    ),
    MEMBER_LEFT: (
        "Somebody left the space or was taken out of it.",
        {"user_id": "0199d3a0-0000-7000-8000-000000000000"},
    ),
    MEMBER_ROLE_CHANGED: (
        "A member of the space was given another role.",
        {"user_id": "0199d3a0-0000-7000-8000-000000000000", "role": "ADMIN"},
    ),
}
"""What those outside may ask to be told, with an example of each."""


class ChangeKind(StrEnum):
    """What happened; the value is the event's type."""

    SESSION_ENDED = "identity.session_ended"
    KEY_REVOKED = "identity.key_revoked"
    GUEST_REVOKED = "identity.guest_revoked"
    USER_CHANGED = "identity.user_changed"


@dataclass(frozen=True, slots=True)
class Change:
    """Sessions, keys or guests that ended, or users whose rights may be others now."""

    kind: ChangeKind
    ids: frozenset[UUID]

    def data(self) -> dict[str, Any]:
        return {"ids": sorted(str(id_) for id_ in self.ids)}

    @classmethod
    def parse(cls, type_: str, data: Mapping[str, Any]) -> "Change | None":
        """Reads an event; None when it is about something else."""
        if type_ not in ChangeKind._value2member_map_:
            return None
        return cls(ChangeKind(type_), frozenset(UUID(id_) for id_ in data["ids"]))


class Announcer(Protocol):
    """Carries an event to every node once the transaction is durable; events/ does it."""

    async def publish(
        self, tx: Transaction, topic: str, type_: str, data: Mapping[str, Any]
    ) -> object: ...


class Outside(Protocol):
    """Tells those outside the server who asked to know; webhooks/ does it."""

    async def emit(
        self, tx: Transaction, space_id: UUID, type_: str, data: Mapping[str, Any]
    ) -> None: ...


class Unannounced:
    """For a process on its own: nobody else is told."""

    async def publish(
        self, tx: Transaction, topic: str, type_: str, data: Mapping[str, Any]
    ) -> None:
        """Forgets it."""


class Changes:
    """Says a change to the other nodes by an event, and to this one directly."""

    def __init__(self, announcer: Announcer | None = None, outside: Outside | None = None) -> None:
        self._announcer = announcer or Unannounced()
        self._outside = outside
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        self._listeners.append(listener)

    async def tell(self, tx: Transaction, kind: ChangeKind, ids: Iterable[UUID]) -> None:
        """Tells everyone, if the transaction goes through."""
        change = Change(kind, frozenset(ids))
        if not change.ids:
            return
        await self._announcer.publish(tx, TOPIC, kind.value, change.data())
        tx.after_commit(lambda: self._apply(change))

    async def tell_outside(
        self, tx: Transaction, space_id: UUID, type_: str, **data: object
    ) -> None:
        """Tells those outside who asked about this space, if the transaction goes through."""
        if self._outside is not None:
            said = {name: str(value) for name, value in data.items()}
            await self._outside.emit(tx, space_id, type_, said)

    def heard(self, type_: str, data: Mapping[str, Any]) -> None:
        """Takes in an event another node published under `TOPIC`."""
        change = Change.parse(type_, data)
        if change is not None:
            self._apply(change)

    def _apply(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)
