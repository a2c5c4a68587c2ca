"""What every live session of a server shares, and what it speaks to."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tertulia.doors.live.commits import Commits
from tertulia.doors.live.domain import EndReason
from tertulia.doors.live.errors import Close
from tertulia.doors.live.hearing import OpenLive
from tertulia.doors.live.intake import OpenDecoder
from tertulia.kernel.clock import Clock

if TYPE_CHECKING:
    from tertulia.doors.live.running import RunningSession


class Outlet(Protocol):
    """The connection of the client that speaks."""

    def tell(self, event: str, data: Mapping[str, Any]) -> None:
        """Has the event sent after those before it; never waits."""
        ...

    def ack(self, received_seq: int, committed_seq: int) -> None:
        """Says how far it is."""
        ...

    def end(self, close: Close, event: str = "", data: Mapping[str, Any] | None = None) -> None:
        """Sends what waits and the last event, and closes."""
        ...


Complete = Callable[["RunningSession", EndReason], Awaitable[None]]
Leave = Callable[["RunningSession"], None]


@dataclass(frozen=True, slots=True)
class Ports:
    """What every session of a server shares."""

    clock: Clock
    commits: Commits
    open_live: OpenLive
    open_decoder: OpenDecoder
    publish: Callable[["RunningSession", str, Mapping[str, Any]], None]
    """Tells listeners, on whatever server they are."""
    complete: Complete
    """Makes the end durable."""
    leave: Leave
    """The session is no longer held here."""
