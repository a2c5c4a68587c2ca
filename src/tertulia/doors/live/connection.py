"""One WebSocket on the sending side: in order, never waiting for a slow reader, closed with the right code."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import Receive, Scope, Send

from tertulia.doors.live import protocol
from tertulia.doors.live.direct import Direct, Sink
from tertulia.doors.live.domain import SessionMissingError, SessionOverError
from tertulia.doors.live.errors import Close, Code, LiveError
from tertulia.doors.live.formats import UnsupportedFormatError
from tertulia.identity.domain import Principal
from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import (
    ForbiddenError,
    NotSignedInError,
    StorageFullError,
    TertuliaError,
    UnavailableError,
)

log = logging.getLogger(__name__)

MOST_WAITING = 2_000
STUCK_SECONDS = 30.0
ACK_SECONDS = 0.025
"""Chunks that come faster share an acknowledgement."""


class Connection:
    """What a session sends goes through here; see `running.Outlet`."""

    def __init__(self, send: Send, clock: Clock, direct: Direct | None = None) -> None:
        self._send = send
        self._clock = clock
        self._direct = direct
        self._frames: deque[str] = deque()
        self._some = asyncio.Event()
        self._closing: Close | None = None
        self._sending_since: float | None = None
        self._acked_at = float("-inf")
        self._late_ack: asyncio.TimerHandle | None = None
        self._ack = (0, 0)
        self.busy = False
        """Whether a chunk is being read just now, which must not be broken off."""
        self.stuck = False
        self._reader = asyncio.current_task()
        self._writer = asyncio.create_task(self._write(), name="live: send")

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be taken from this connection."""
        return self._closing is not None

    def hand_to(self, sink: Sink | None) -> None:
        """Has binary messages offered to `sink` as they arrive, where the server can do so."""
        if self._direct is not None:
            self._direct.hand_to(sink)

    def tell(self, event: str, data: Mapping[str, Any]) -> None:
        self.post(protocol.frame(event, data))

    def post(self, frame: str) -> None:
        """Has a frame sent after those before it."""
        if self._closing is not None:
            return
        since = self._sending_since
        if since is None and not self._frames and self._direct and self._direct.send_text(frame):
            return
        self._frames.append(frame)
        self._some.set()
        late = since is not None and self._clock.monotonic() - since > STUCK_SECONDS
        if late or len(self._frames) > MOST_WAITING:
            self._give_up()

    def ack(self, received_seq: int, committed_seq: int, now: float | None = None) -> None:
        """Acknowledges at once, or a little later together with what follows."""
        self._ack = (received_seq, committed_seq)
        if self._late_ack is not None:
            return
        now = self._clock.monotonic() if now is None else now
        early_seconds = self._acked_at + ACK_SECONDS - now
        if early_seconds > 0:
            loop = asyncio.get_running_loop()
            self._late_ack = loop.call_later(early_seconds, self._ack_late)
            return
        self._acked_at = now
        frame = protocol.ack(received_seq, committed_seq)
        if (
            self._frames
            or self._sending_since is not None
            or self._closing is not None
            or self._direct is None
            or not self._direct.send_text(frame)
        ):
            self.post(frame)

    def _ack_late(self) -> None:
        self._late_ack = None
        self._acked_at = self._clock.monotonic()
        self.post(protocol.ack(*self._ack))

    def end(self, close: Close, event: str = "", data: Mapping[str, Any] | None = None) -> None:
        """Sends what waits and the last event, and closes."""
        if event:
            self.tell(event, data or {})
        if self._closing is None:
            self._closing = close
            self._some.set()

    def refuse(self, error: LiveError) -> None:
        """Says why and, where the error says so, closes."""
        data = protocol.error_data(error)
        if error.close is not None:
            self.end(error.close, "error", data)
        else:
            self.tell("error", data)

    def _give_up(self) -> None:
        """The peer does not read: nothing more can be said to it."""
        self._closing = Close.SLOW_READER
        self._frames.clear()
        self.stuck = True
        if self._reader is not None and not self.busy:
            self._reader.cancel()

    async def _write(self) -> None:
        try:
            while True:
                await self._some.wait()
                self._some.clear()
                while self._frames:
                    self._sending_since = self._clock.monotonic()
                    await self._send({"type": "websocket.send", "text": self._frames.popleft()})
                    self._sending_since = None
                if self._closing is not None:
                    await self._send({"type": "websocket.close", "code": int(self._closing)})
                    return
        except (OSError, RuntimeError):
            return  # the peer is gone, which the reading side learns of as well

    async def close(self) -> None:
        """Waits until the last frame and the close have gone out, unless the peer does not take them."""
        if self._late_ack is not None:
            self._late_ack.cancel()
        if self._closing is None:
            self._writer.cancel()
        await asyncio.wait({self._writer}, timeout=0.0 if self.stuck else STUCK_SECONDS)
        self._writer.cancel()


_CLOSES: tuple[tuple[type[TertuliaError], Code, Close], ...] = (
    (NotSignedInError, Code.NOT_AUTHORIZED, Close.NOT_AUTHORIZED),
    (ForbiddenError, Code.NOT_AUTHORIZED, Close.NOT_AUTHORIZED),
    (SessionOverError, Code.SESSION_EXPIRED, Close.OVER),
    (SessionMissingError, Code.INVALID_SESSION, Close.NO_SUCH_SESSION),
    (UnsupportedFormatError, Code.UNSUPPORTED_FORMAT, Close.BAD_ADDRESS),
    (StorageFullError, Code.STORAGE_ERROR, Close.FULL),
    (UnavailableError, Code.HARDWARE_ERROR, Close.FULL),
)


def explained(error: TertuliaError) -> LiveError:
    """A refusal of the server as a socket tells it."""
    known = [(code, close) for kind, code, close in _CLOSES if isinstance(error, kind)]
    if known:
        code, close = known[0]
    elif error.status < 500:
        code, close = Code.INVALID_MESSAGE, Close.BAD_ADDRESS
    else:
        code, close = Code.INTERNAL_ERROR, Close.FAULT
    return LiveError(code, error.detail, close=close, **_detail(error))


def _detail(error: TertuliaError) -> dict[str, Any]:
    retry = error.headers.get("Retry-After")
    found: dict[str, Any] = {"reason": error.extra.get("end_reason") or error.code}
    return {**found, "retry_after_ms": int(retry) * 1000} if retry else found


async def accepted(scope: Scope, receive: Receive, send: Send) -> bool:
    """Takes the handshake; False when the peer has gone already."""
    message = await receive()
    if message["type"] != "websocket.connect":
        return False
    offered = scope.get("subprotocols", ())
    chosen = protocol.SUBPROTOCOL if protocol.SUBPROTOCOL in offered else None
    await send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})
    return True


@asynccontextmanager
async def guarded(connection: Connection) -> AsyncIterator[None]:
    """Whatever goes wrong inside is told to the peer with the right close code; nothing of it leaves."""
    try:
        yield
    except LiveError as error:
        connection.refuse(error)
    except TertuliaError as error:
        connection.refuse(explained(error))
    except OSError:
        log.debug("a live connection broke off")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not connection.stuck or task is None or task.uncancel():
            raise
    except Exception:
        log.exception("a live connection broke")
        fault = LiveError(Code.INTERNAL_ERROR, "The server hit a fault.", close=Close.FAULT)
        connection.refuse(fault)
    finally:
        await connection.close()


async def until_revoked(principal: Principal, connection: Connection) -> None:
    """Closes the connection when what it was opened with is taken away."""
    await principal.revoked.wait()
    gone = "The right to be here was taken away. Sign in again."
    connection.refuse(LiveError(Code.NOT_AUTHORIZED, gone, close=Close.NOT_AUTHORIZED))
