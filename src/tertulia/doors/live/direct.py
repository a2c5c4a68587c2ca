"""What the server's own WebSocket protocol offers beyond ASGI: sound without a queue, a task and an event for each frame."""

from collections.abc import Callable
from typing import Protocol, cast

from starlette.types import Scope

EXTENSION = "tertulia.direct"

Sink = Callable[[bytes], bool]
"""Takes a whole binary message as it arrives; False leaves it to be received as usual."""


class Direct(Protocol):
    """One connection, spoken to without waiting. Under another server there is none, and plain ASGI does the same."""

    def hand_to(self, sink: Sink | None) -> None:
        """Offers every binary message to `sink` first, unless others wait to be received."""
        ...

    def send_text(self, frame: str) -> bool:
        """Sends a text message at once; False where it cannot go out just now."""
        ...


def direct_of(scope: Scope) -> Direct | None:
    """The connection itself, where the server offers it."""
    return cast(Direct | None, scope.get("extensions", {}).get(EXTENSION))
