"""Tells every node when somebody's rights change, so that nothing taken away stays usable."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from tertulia.kernel.database import Transaction

TOPIC = "identity"


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


class Unannounced:
    """For a process on its own: nobody else is told."""

    async def publish(
        self, tx: Transaction, topic: str, type_: str, data: Mapping[str, Any]
    ) -> None:
        """Forgets it."""


class Changes:
    """Says a change to the other nodes by an event, and to this one directly."""

    def __init__(self, announcer: Announcer | None = None) -> None:
        self._announcer = announcer or Unannounced()
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

    def heard(self, type_: str, data: Mapping[str, Any]) -> None:
        """Takes in an event another node published under `TOPIC`."""
        change = Change.parse(type_, data)
        if change is not None:
            self._apply(change)

    def _apply(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)
