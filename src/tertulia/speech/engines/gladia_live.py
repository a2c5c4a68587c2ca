"""One Live v2 session of Gladia: audio that is not acknowledged is sent again on a new socket at the same URL."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    WebSocketException,
)

from tertulia.kernel.clock import Clock
from tertulia.speech.domain import Hypothesis, HypothesisKind, Samples, Word
from tertulia.speech.engines.base import within
from tertulia.speech.engines.errors import (
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
    RecognitionError,
)

BYTES_A_SECOND = 32_000
LARGEST_FRAME_BYTES = 32_000
MOST_UNACKNOWLEDGED_BYTES = 300 * BYTES_A_SECOND
"""Past this Gladia has stopped listening, whatever its socket says."""
RECONNECT_WAITS = (0.0, 0.5, 1.0, 2.0, 4.0)
SILENT_SECONDS = 30.0
"""A socket that acknowledges nothing for so long while audio waits is as good as lost."""
CONNECT_SECONDS = 10.0
FOR_GOOD = range(4400, 4500)
"""Close codes by which Gladia ends a session that was refused; all others may be taken up again."""

# The URL holds the session's token, and websockets writes URLs into its log.
_unheard = logging.getLogger("tertulia.speech.gladia.socket")
_unheard.setLevel(logging.CRITICAL + 1)


class GladiaStream:
    """Sends in one task and listens in another; both outlive a lost socket."""

    def __init__(self, url: str, session: str, offset: float, clock: Clock) -> None:
        self._url, self._session = url, session
        self._offset, self._clock = offset, clock
        self._socket: ClientConnection | None = None
        self._waiting = bytearray()
        self._acknowledged = 0
        self._sent = 0
        self._more = asyncio.Event()
        self._finishing = self._stopped = False
        self._heard_until = offset
        self._done: set[str] = set()
        self._heard: asyncio.Queue[Hypothesis | EngineError | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Opens the first socket, so that a refusal is known at once."""
        self._socket = await self._connected()
        self._task = asyncio.create_task(self._keep())

    async def send(self, samples: Samples) -> None:
        if len(self._waiting) > MOST_UNACKNOWLEDGED_BYTES:
            raise EngineTimeoutError("gladia has acknowledged nothing for minutes.")
        self._waiting += (samples.clip(-1.0, 1.0) * 32767.0).astype("<i2").tobytes()
        self._more.set()

    async def finish(self) -> None:
        self._finishing = True
        self._more.set()

    async def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._drop()
        self._heard.put_nowait(None)

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while (heard := await self._heard.get()) is not None:
            if isinstance(heard, EngineError):
                raise heard
            yield heard

    async def _connected(self) -> ClientConnection:
        try:
            return await connect(
                self._url,
                logger=_unheard,
                open_timeout=CONNECT_SECONDS,
                ping_interval=20,
                ping_timeout=20,
                close_timeout=2,
                max_size=4 << 20,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise RecognitionError(
                f"gladia refused the live socket (status {status}).",
                retryable=status == 429 or status >= 500,
            ) from None
        except (OSError, InvalidHandshake, WebSocketException) as error:
            raise EngineUnavailableError(
                f"gladia's live socket cannot be reached ({type(error).__name__}).", retryable=True
            ) from None

    async def _keep(self) -> None:
        """Runs the session to its end, over as many sockets as it takes."""
        tries = 0
        try:
            while True:
                before = self._acknowledged
                try:
                    if self._socket is None:
                        self._socket = await self._connected()
                    if await self._run(self._socket):
                        break
                    failure: EngineError = EngineUnavailableError("gladia closed the live socket.")
                except EngineError as error:
                    failure = error
                    if not error.retryable:
                        raise
                await self._drop()
                tries = 0 if self._acknowledged > before else tries
                if tries == len(RECONNECT_WAITS):
                    raise failure
                await self._clock.sleep(RECONNECT_WAITS[tries])
                tries += 1
            await self._drop()
            self._heard.put_nowait(None)
        except EngineError as error:
            await self._drop()
            self._heard.put_nowait(error)
        except Exception as error:  # noqa: BLE001 - nobody awaits this task; whoever listens must not wait for ever
            await self._drop()
            self._heard.put_nowait(RecognitionError(f"gladia failed ({type(error).__name__})."))

    async def _run(self, socket: ClientConnection) -> bool:
        """One socket's life; True when the session is over, False when the socket was lost."""
        self._sent = self._acknowledged
        self._stopped = False
        sending = asyncio.create_task(self._send_all(socket))
        try:
            while True:
                try:
                    raw = await within(self._clock, SILENT_SECONDS, socket.recv())
                except TimeoutError:
                    if self._waiting or self._stopped:
                        return False
                    continue
                if self._take(raw):
                    return True
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            if code in FOR_GOOD:
                raise RecognitionError(f"gladia ended the session (code {code}).") from None
            return self._stopped and code == 1000
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    async def _send_all(self, socket: ClientConnection) -> None:
        """Everything from the acknowledged byte on, then the end when it has come."""
        try:
            while True:
                self._more.clear()
                at = self._sent - self._acknowledged
                while frame := bytes(self._waiting[at : at + LARGEST_FRAME_BYTES]):
                    await socket.send(frame)
                    self._sent += len(frame)
                    at = self._sent - self._acknowledged
                if self._finishing and not self._stopped:
                    await socket.send(json.dumps({"type": "stop_recording"}))
                    self._stopped = True
                await self._more.wait()
        except ConnectionClosed:
            return  # whoever listens sees it too

    def _take(self, raw: str | bytes) -> bool:
        """Reads one message; True when it was the session's last."""
        try:
            message = json.loads(raw)
            kind, data = message.get("type"), message.get("data") or {}
            if kind == "audio_chunk" and message.get("acknowledged"):
                self._forget(int(data["byte_range"][1]))
            elif kind == "transcript" and str(data["id"]) not in self._done:
                self._heard.put_nowait(self._hypothesis(data))
            elif kind == "error" or message.get("error"):
                raise RecognitionError("gladia reported an error in the live session.")
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            raise RecognitionError(
                "gladia sent a message that is not understood.", retryable=True
            ) from None
        return bool(kind == "end_session")

    def _forget(self, until: int) -> None:
        """What is acknowledged need not be sent again. Bytes are counted over the whole session."""
        until = min(until, self._acknowledged + len(self._waiting))
        if until > self._acknowledged:
            del self._waiting[: until - self._acknowledged]
            self._acknowledged = until
            self._sent = max(self._sent, until)

    def _hypothesis(self, data: dict[str, Any]) -> Hypothesis:
        said = data["utterance"]
        start, end = (float(said[k]) + self._offset for k in ("start", "end"))
        final = bool(data["is_final"])
        if final:
            self._done.add(str(data["id"]))
            self._heard_until = max(self._heard_until, end)
        return Hypothesis(
            utterance_id=f"{self._session[:8]}-{data['id']}",
            kind=HypothesisKind.FINAL if final else HypothesisKind.PARTIAL,
            text=str(said["text"]).strip(),
            start=start,
            end=end,
            heard_until=self._heard_until,
            words=tuple(
                Word(
                    str(w["word"]).strip(),
                    float(w["start"]) + self._offset,
                    float(w["end"]) + self._offset,
                    w.get("confidence"),
                )
                for w in said.get("words") or ()
            ),
            language=said.get("language"),
            confidence=said.get("confidence"),
        )

    async def _drop(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.transport.abort()
            await socket.wait_closed()
