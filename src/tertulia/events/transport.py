"""How events get from one process to the others, and what they look like on the way."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tertulia.events.domain import Event
from tertulia.kernel.database import Transaction


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where a transport hands what it hears."""

    message: Callable[[str], None]
    gap: Callable[[], None]
    """Called when messages may have been lost."""


class Transport(Protocol):
    """Carries messages to every process, this one included; at most once each, in order per sender."""

    async def start(self, receiver: Receiver) -> None:
        """Begins to listen; returns when it does, or after a few seconds if the other side is away."""
        ...

    async def stop(self) -> None: ...

    async def check(self) -> None:
        """Raises when the other side does not answer."""
        ...

    async def send_with(self, tx: Transaction, message: str) -> None:
        """Sends if and when `tx` is committed."""
        ...

    def send(self, message: str) -> None:
        """Sends soon; never waits. What cannot be kept until the other side is back is dropped."""
        ...


def encode(event: Event, sender: UUID) -> str:
    return json.dumps(
        {
            "from": sender.hex,
            "id": event.id.hex,
            "at": event.at.isoformat(),
            "topic": event.topic,
            "type": event.type,
            "data": event.data,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def decode(message: str) -> tuple[Event, UUID]:
    """The event and the process it comes from; raises `ValueError` for what is no event."""
    try:
        found = json.loads(message)
        event = Event(
            topic=found["topic"],
            type=found["type"],
            data=found["data"],
            at=datetime.fromisoformat(found["at"]),
            id=UUID(found["id"]),
        )
        return event, UUID(found["from"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an event") from error
