"""One live session from the speaker's side: sends, keeps, reconnects, resumes."""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from tertulia.client.buffer import FIRST_SEQ, ChunkBuffer
from tertulia.client.events import (
    Ack,
    Completed,
    Created,
    Event,
    Final,
    Missing,
    Problem,
    Reconnecting,
    Token,
    parse,
)

PATH = "/api/realtime/transcribe"
SUBPROTOCOL = "tertulia.live.v1"
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)
MOST_BUFFERED_BYTES = 256 * 1_048_576
FATAL_CLOSES = frozenset({4000, 4001, 4004, 4009, 4010})
LATER_CLOSE = 1013
CAPABLE_OF_NEW_EPOCHS = "audio/pcm"
CONNECT_SECONDS = 30.0


class LiveError(Exception):
    """The session cannot go on."""


class RefusedError(LiveError):
    """The server does not want this client any more; `code` says why."""

    def __init__(self, close_code: int | None, problem: Problem | None) -> None:
        self.close_code = close_code
        self.code = problem.code if problem else ""
        self.action = problem.action if problem else ""
        super().__init__(problem.message if problem else f"closed with {close_code}")


class ConnectionGivenUpError(LiveError):
    """No connection could be had within the tries; what was not sent is still in the buffer."""


class LiveSession:
    """See the package. Iterate it for events; it ends after `Completed`."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        token: str | None = None,
        options: Mapping[str, str] | None = None,
        mime_type: str = "audio/pcm;rate=16000",
        session_id: str | None = None,
        backoff_seconds: Sequence[float] = BACKOFF_SECONDS,
        most_buffered_bytes: int = MOST_BUFFERED_BYTES,
    ) -> None:
        self._url = url
        self._secret = key or token
        self._is_token = key is None
        self._options = {"mime_type": mime_type, **(options or {})}
        self._mime_type = mime_type
        self._backoff = tuple(backoff_seconds)
        self._buffer = ChunkBuffer(most_buffered_bytes)
        self._events: asyncio.Queue[Event | LiveError | None] = asyncio.Queue()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._socket: Any = None
        self._cursor = FIRST_SEQ
        self._orders: list[str] = []
        self._epoch: int | str | None = None
        self._stopping = False
        self._last_final = 0.0
        self._seen: set[str] = set()
        self._tries = 0
        self._task: asyncio.Task[None] | None = None
        self._feeding: set[asyncio.Task[None]] = set()
        self._problem: Problem | None = None
        self._failed: LiveError | None = None
        self.session_id = session_id
        self.transcript_id: str | None = None
        self.committed_seq = 0
        self.received_seq = 0
        self.completed: Completed | None = None
        self.connections = 0
        """How many connections there have been."""

    # What a program does with it

    async def send(self, chunk: bytes) -> int:
        """Takes the next chunk, whether there is a connection or not, and gives its number."""
        if self._failed is not None:
            raise self._failed
        await self._room.wait()
        seq = self._buffer.add(chunk)
        if self._buffer.is_full:
            self._room.clear()
        self._wake.set()
        return seq

    def feed(self, source: AsyncIterable[bytes], *, stop: bool = True) -> None:
        """Sends everything a source gives; at its end the session is stopped."""
        task = asyncio.create_task(self._feed(source, stop), name="tertulia: feed")
        self._feeding.add(task)
        task.add_done_callback(self._feeding.discard)

    async def pause(self) -> None:
        """Tells the server that nothing comes for a while; what was said is confirmed."""
        self._order("pause")

    async def resume(self) -> None:
        self._order("resume")

    async def stop(self) -> None:
        """Says that the last chunk was sent; `Completed` follows."""
        self._stopping = True
        self._wake.set()

    async def wait(self) -> Completed:
        """Reads events until the session is over."""
        async for _ in self:
            continue
        assert self.completed is not None
        return self.completed

    @property
    def waiting_chunks(self) -> int:
        """Chunks that are not durable text yet."""
        return len(self._buffer)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        event = await self._events.get()
        if event is None:
            self._events.put_nowait(None)
            raise StopAsyncIteration
        if isinstance(event, LiveError):
            self._events.put_nowait(None)
            raise event
        return event

    # Inside

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="tertulia: live")

    async def close(self) -> None:
        """Lets everything go; a session that was not stopped waits on the server for another client."""
        tasks = [*self._feeding, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _feed(self, source: AsyncIterable[bytes], stop: bool) -> None:
        async for chunk in source:
            await self.send(chunk)
        if stop:
            await self.stop()

    def _order(self, event: str) -> None:
        self._orders.append(event)
        self._wake.set()

    async def _run(self) -> None:
        try:
            while self.completed is None:
                code = await self._connection()
                if self.completed is None:
                    await self._wait_for_next(code)
        except LiveError as error:
            self._failed = error
            self._room.set()
            self._events.put_nowait(error)
        else:
            self._events.put_nowait(None)

    async def _connection(self) -> int | None:
        """One connection from its beginning to its end; gives the close code."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

        headers = {} if self._secret is None else {"Authorization": f"Bearer {self._secret}"}
        try:
            socket = await connect(
                self._address(),
                additional_headers=headers,
                subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
                compression=None,
                open_timeout=CONNECT_SECONDS,
                max_size=None,
                proxy=None,
            )
        except InvalidURI as error:
            raise LiveError(f"the address is wrong: {error}") from None
        except (OSError, InvalidHandshake, TimeoutError, EOFError):
            return None
        self._problem = None
        sender: asyncio.Task[None] | None = None
        try:
            async for message in socket:
                event = self._read(message)
                if isinstance(event, Created):
                    self._begin(event)
                    self._socket = socket
                    self.connections += 1
                    sender = asyncio.create_task(self._send_on(socket))
                if event is not None:
                    await self._took(event, socket)
        except ConnectionClosed:
            pass
        finally:
            self._socket = None
            if sender is not None:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)
            await socket.close()
        return socket.close_code

    def _address(self) -> str:
        parts = urlsplit(self._url)
        scheme = {"https": "wss", "http": "ws"}.get(parts.scheme, parts.scheme)
        query: dict[str, str] = {} if self.session_id else dict(self._options)
        if self.session_id:
            query["session_id"] = self.session_id
        if self._epoch is not None:
            query["epoch"] = str(self._epoch)
            query["finals_after"] = f"{self._last_final:.3f}"
        path = parts.path.rstrip("/") + PATH
        return urlunsplit((scheme, parts.netloc, path, urlencode(query), ""))

    @staticmethod
    def _read(message: str | bytes) -> Event | None:
        body = json.loads(message)
        return parse(body["event"], body["data"])

    def _begin(self, created: Created) -> None:
        """Where to go on: the server says what it has."""
        self.session_id, self.transcript_id = created.session_id, created.transcript_id
        fresh = self._epoch == "new" or self._epoch is None
        self._epoch = created.epoch
        self.received_seq = created.received_seq
        if fresh:
            self._buffer.renumber(created.received_seq + 1)
        elif created.received_seq + 1 < self._buffer.first:
            # the server has less than we still keep: only another epoch can go on from here
            if not self._mime_type.startswith(CAPABLE_OF_NEW_EPOCHS):
                raise LiveError("sound that the server needs again is no longer here")
            self._epoch = "new"
        self._committed(created.committed_seq)
        self._cursor = max(created.received_seq + 1, self._buffer.first)

    def _committed(self, seq: int) -> None:
        self.committed_seq = max(self.committed_seq, seq)
        self._buffer.committed(seq)
        if not self._buffer.is_full:
            self._room.set()

    async def _took(self, event: Event, socket: Any) -> None:
        if isinstance(event, Missing):
            for seq in range(event.from_seq, event.to_seq + 1):
                await self._send_chunk(socket, seq)
            return
        if isinstance(event, Created | Token) and self._is_token:
            self._secret = event.token
        if isinstance(event, Created) and self._epoch == "new":
            await socket.close()
        if self._noted(event):
            self._events.put_nowait(event)

    def _noted(self, event: Event) -> bool:
        """Remembers what an event says; False for what the program has seen or need not see."""
        if isinstance(event, Ack):
            self._tries = 0
            self.received_seq = event.received_seq
            self._committed(event.committed_seq)
        elif isinstance(event, Final):
            if event.utterance_id in self._seen and event.replayed:
                return False
            self._seen.add(event.utterance_id)
            self._last_final = max(self._last_final, event.end)
        elif isinstance(event, Problem):
            self._problem = event
        elif isinstance(event, Completed):
            self.completed = event
        return not isinstance(event, Token)

    async def _send_on(self, socket: Any) -> None:
        """Everything past the cursor, in order, then what was ordered, then the stop."""
        from websockets.exceptions import ConnectionClosed

        stopped = False
        try:
            while True:
                while self._cursor < self._buffer.next:
                    self._cursor += 1
                    await self._send_chunk(socket, self._cursor - 1)
                while self._orders:
                    await socket.send(json.dumps({"event": self._orders.pop(0), "data": {}}))
                if self._stopping and not stopped and self._cursor == self._buffer.next:
                    stopped = True
                    data = {"last_seq": self._buffer.next - 1}
                    await socket.send(json.dumps({"event": "stop_recording", "data": data}))
                self._wake.clear()
                if self._cursor == self._buffer.next and not self._orders:
                    await self._wake.wait()
        except ConnectionClosed:
            return

    async def _send_chunk(self, socket: Any, seq: int) -> None:
        chunk = self._buffer.get(seq)
        if chunk is not None:
            await socket.send(seq.to_bytes(4, "big") + chunk)

    async def _wait_for_next(self, code: int | None) -> None:
        """After a cut: waits, or gives up."""
        if code in FATAL_CLOSES:
            raise RefusedError(code, self._problem)
        if self._tries >= len(self._backoff):
            raise ConnectionGivenUpError(f"no connection after {self._tries} tries")
        wait_seconds = self._backoff[self._tries]
        self._tries += 1
        if code == LATER_CLOSE and self._problem is not None:
            asked = self._problem.detail.get("retry_after_ms", 0) / 1000
            wait_seconds = max(wait_seconds, asked)
        if self._epoch == "new":
            wait_seconds = 0.0
        self._events.put_nowait(Reconnecting(self._tries, wait_seconds, code))
        await asyncio.sleep(wait_seconds)


@asynccontextmanager
async def live(
    url: str,
    *,
    key: str | None = None,
    token: str | None = None,
    session_id: str | None = None,
    language: str | None = None,
    engine: str | None = None,
    title: str | None = None,
    space_id: str | None = None,
    hot_words: Sequence[str] = (),
    diarise: bool = False,
    duration_limit: int | None = None,
    mime_type: str = "audio/pcm;rate=16000",
    backoff_seconds: Sequence[float] = BACKOFF_SECONDS,
) -> AsyncIterator[LiveSession]:
    """Begins a session (or goes on with `session_id`), with an API key or a session's token."""
    given: dict[str, Any] = {
        "language": language,
        "engine": engine,
        "title": title,
        "space_id": space_id,
        "hot_words": ",".join(hot_words) or None,
        "diarise": "true" if diarise else None,
        "duration_limit": None if duration_limit is None else str(duration_limit),
    }
    session = LiveSession(
        url,
        key=key,
        token=token,
        options={name: value for name, value in given.items() if value is not None},
        mime_type=mime_type,
        session_id=session_id,
        backoff_seconds=backoff_seconds,
    )
    session.start()
    try:
        yield session
    finally:
        await session.close()
