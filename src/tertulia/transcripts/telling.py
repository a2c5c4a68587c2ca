"""What is told of a transcript: to the nodes that listen, and to those outside who asked."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from tertulia.kernel.database import Transaction
from tertulia.transcripts.appending import CHANGED, Announcer, topic_of
from tertulia.transcripts.domain import Transcript

OPENED = "transcript.opened"
FINAL = "transcript.final"
ERASED = "transcript.erased"
READ_AGAIN = "transcript.read_again"

_ID = "0199d3a0-0000-7000-8000-000000000000"
OUTSIDE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    OPENED: (
        "A conversation has begun.",
        {"id": _ID, "kind": "live", "source_id": None},
    ),
    FINAL: (
        "A conversation is whole. Fetch its text at /api/transcripts/{id}/segments.",
        {"id": _ID, "kind": "live", "source_id": None, "language": "es", "duration_seconds": 61.5},
    ),
    ERASED: (
        "A conversation is gone, with everything that hung on it.",
        {"id": _ID, "kind": "live", "source_id": None},
    ),
    READ_AGAIN: (
        "Another engine has read a conversation; its text waits beside the current one.",
        {"id": _ID, "kind": "calls", "source_id": None, "number": 2, "provider": "whisper"},
    ),
}
"""What those outside may ask to be told; what was said and who said it stay here."""


class Outside(Protocol):
    """Tells those outside the server who asked to know; webhooks/ does it."""

    async def emit(
        self, tx: Transaction, space_id: UUID, type_: str, data: Mapping[str, Any]
    ) -> None: ...


class Telling:
    """Says what became of a transcript, once it is durable."""

    def __init__(self, announcer: Announcer, outside: Outside | None) -> None:
        self._announcer = announcer
        self._outside = outside

    async def changed(self, tx: Transaction, found: Transcript, *, deleted: bool = False) -> None:
        """To whoever looks at it or at its space."""
        data = _state(found, deleted=deleted)
        for topic in (topic_of(found.id), f"space:{found.space_id}"):
            await self._announcer.publish(tx, topic, CHANGED, data)

    async def recorded(self, tx: Transaction, found: Transcript) -> None:
        """Of one that was whole when it came."""
        told = _state(found)
        tx.after_commit(lambda: self._announce(found, told))
        await self.outside(tx, OPENED, found)
        await self.ended(tx, found)

    def _announce(self, found: Transcript, told: Mapping[str, Any]) -> None:
        for topic in (topic_of(found.id), f"space:{found.space_id}"):
            self._announcer.publish_now(topic, CHANGED, told)

    async def ended(self, tx: Transaction, found: Transcript) -> None:
        """To webhooks: nothing more will be said in it."""
        said = {"language": found.language, "duration_seconds": found.duration_seconds}
        await self.outside(tx, FINAL, found, **said)

    async def outside(self, tx: Transaction, type_: str, found: Transcript, **more: Any) -> None:
        """To webhooks."""
        if self._outside is not None:
            data = {"id": str(found.id), "kind": found.kind.value, "source_id": found.source_id}
            await self._outside.emit(tx, found.space_id, type_, {**data, **more})


def _state(found: Transcript, *, deleted: bool = False) -> dict[str, Any]:
    return {
        "transcript_id": str(found.id),
        "state": found.state.value,
        "version": found.version,
        "deleted": deleted,
    }
