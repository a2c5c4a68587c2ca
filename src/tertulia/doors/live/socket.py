"""The socket a person speaks into: plain ASGI, for most of what a server does is taking chunks from it."""

import asyncio
from uuid import UUID

from starlette.types import Receive, Scope, Send

from tertulia.doors.live import protocol
from tertulia.doors.live.confirming import replayed
from tertulia.doors.live.connection import Connection, accepted, guarded, until_revoked
from tertulia.doors.live.direct import direct_of
from tertulia.doors.live.domain import (
    LONGEST_LIMIT_SECONDS,
    AudioChunk,
    StreamingSession,
)
from tertulia.doors.live.entry import Doorkeeper, Visitor, query, session_id_of
from tertulia.doors.live.errors import Close, Code, LiveError
from tertulia.doors.live.formats import DEFAULT_MIME
from tertulia.doors.live.node import LiveNode
from tertulia.doors.live.running import RunningSession
from tertulia.doors.live.service import LiveService
from tertulia.doors.live.wanted import Wanted
from tertulia.identity.domain import SPEECH, Principal
from tertulia.identity.rate_limits import CREATE, RateLimiter
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import RateLimitedError
from tertulia.speech.domain import SAMPLE_RATE_HZ

PATH = "/api/realtime/transcribe"
BURST_CHUNKS = 1_000
"""More in a second are no speech: then the server reads on a little later."""
MOST_ERRORS = 50


class LiveSocket:
    """An ASGI application for `PATH`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        service: LiveService,
        node: LiveNode,
        doorkeeper: Doorkeeper,
        limiter: RateLimiter,
    ) -> None:
        self._database = database
        self._clock = clock
        self._service = service
        self._node = node
        self._doorkeeper = doorkeeper
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not await accepted(scope, receive, send):
            return
        connection = Connection(send, self._clock, direct_of(scope))
        async with guarded(connection):
            await self._serve(scope, receive, connection)

    async def _serve(self, scope: Scope, receive: Receive, connection: Connection) -> None:
        visitor, session = await self._enter(scope, connection)
        watch = asyncio.create_task(until_revoked(visitor.principal, connection))
        try:
            await _Reader(session, connection, self._clock).read(receive)
        finally:
            watch.cancel()
            self._node.detach(session, connection)
            if not session.lost:
                await session.feed()

    async def _enter(self, scope: Scope, connection: Connection) -> tuple[Visitor, RunningSession]:
        parameters = query(scope)
        visitor = await self._doorkeeper.visitor(scope)
        session_id = session_id_of(parameters)
        if session_id is None and visitor.session is not None:
            session_id = visitor.session.session_id
        if session_id is None:
            session_id = (await self._create(visitor.principal, parameters)).session_id
        else:
            await self._doorkeeper.speaker(visitor, session_id)
        after = _seconds(parameters.get("finals_after"))
        running, resumed = await self._node.attach(
            session_id, connection, parameters.get("epoch"), parameters.get("mime_type")
        )
        connection.tell("session_created", self._created(running, resumed))
        if after is not None:
            after = await self._replay(running, connection, after)
        self._node.welcome(running, connection)
        if after is not None:
            # what became durable between reading and the welcome was told to nobody
            await self._replay(running, connection, after)
        return visitor, running

    async def _create(self, who: Principal, parameters: dict[str, str]) -> StreamingSession:
        who.need(SPEECH)
        try:
            await self._limiter.check(CREATE, who.label)
        except RateLimitedError as error:
            raise LiveError(Code.RATE_LIMIT, error.detail, close=Close.FULL) from None
        wanted = Wanted(
            space_id=_uuid(parameters.get("space_id")),
            title=parameters.get("title", ""),
            language=parameters.get("language") or None,
            engine=parameters.get("engine") or None,
            hot_words=[w for w in parameters.get("hot_words", "").split(",") if w.strip()],
            diarise=parameters.get("diarise", "").lower() in ("1", "true"),
            mime_type=parameters.get("mime_type") or DEFAULT_MIME,
            duration_limit=_whole(parameters.get("duration_limit"), LONGEST_LIMIT_SECONDS),
        )
        async with self._database.transaction() as tx:
            return await self._service.create(tx, who, wanted)

    def _created(self, running: RunningSession, resumed: bool) -> dict[str, object]:
        session, waits = running.session, self._node.waits
        return {
            "session_id": str(session.session_id),
            "transcript_id": str(session.transcript_id),
            "protocol": protocol.PROTOCOL,
            "resumed": resumed,
            "status": running.state.status.value,
            "epoch": running.epoch,
            "received_seq": running.window.received,
            "committed_seq": min(running.durable.committed_seq, running.window.received),
            "language": session.language,
            "engine": session.engine,
            "mime_type": running.mime_type,
            "duration_limit": session.duration_limit,
            "duration_seconds": round(running.kept.end / SAMPLE_RATE_HZ, 3),
            **self._node.token(session),
            "limits": protocol.limits(waits.idle, waits.reconnect),
        }

    async def _replay(
        self, running: RunningSession, connection: Connection, after_seconds: float
    ) -> float:
        """Sends finals that end later; gives where the last one ends."""
        async with self._database.transaction() as tx:
            finals = await self._service.finals(tx, running.session, after_seconds=after_seconds)
        for segment in finals:
            result = replayed(running.id, segment)
            connection.tell("transcription_final", protocol.result_data(result))
        return max([after_seconds, *(segment.end for segment in finals)])


class _Reader:
    """What comes in on one connection."""

    __slots__ = (
        "_clock", "_connection", "_count", "_counted_at", "_errors", "_listening", "_session",
    )  # fmt: skip

    def __init__(self, session: RunningSession, connection: Connection, clock: Clock) -> None:
        self._session = session
        self._connection = connection
        self._clock = clock
        self._errors = 0
        self._count = 0
        self._counted_at = clock.monotonic()
        self._listening = False

    async def read(self, receive: Receive) -> None:
        """Until the client goes, or is sent away."""
        session, connection = self._session, self._connection
        connection.hand_to(self._at_once)
        while True:
            self._listening = True
            message = await receive()
            self._listening = False
            if message["type"] == "websocket.disconnect" or connection.ended:
                return
            data = message.get("bytes")
            try:
                if data is not None:
                    await self._chunk(*protocol.read_binary(data))
                else:
                    await self._said(message["text"])
            except LiveError as error:
                self._errors += 1
                session.pace.errors += 1
                connection.refuse(error)
                if self._errors > MOST_ERRORS and not connection.ended:
                    connection.end(Close.TOO_MANY_ERRORS)
            if self._connection.ended:
                return

    def _at_once(self, frame: bytes) -> bool:
        """Takes a chunk as it arrives, where nothing about it is out of the ordinary."""
        session, connection = self._session, self._connection
        way = session.plain
        if way is None or not self._listening or connection.ended:
            return False
        seq, now = int.from_bytes(frame[:4], "big"), self._clock.monotonic()
        if self._count + 1 >= BURST_CHUNKS or not way.take(seq, memoryview(frame)[4:], now):
            return False
        self._count += 1
        connection.ack(seq, session.durable.committed_seq, now)
        return True

    async def _chunk(self, seq: int, payload: bytes) -> None:
        session, connection = self._session, self._connection
        self._count += 1
        if self._count >= BURST_CHUNKS:
            await self._breathe()
        fresh = session.offer(seq, payload)
        connection.ack(session.window.received, session.durable.committed_seq)
        if fresh:
            connection.busy = True
            await session.feed()
            connection.busy = False

    async def _breathe(self) -> None:
        """A second for so many chunks, whoever sends them faster."""
        now = self._clock.monotonic()
        left = 1.0 - (now - self._counted_at)
        if left > 0:
            error = LiveError(
                Code.RATE_LIMIT,
                "That is more than speech can be.",
                retry_after_ms=round(left * 1000),
                chunks_per_second=BURST_CHUNKS,
            )
            self._connection.refuse(error)
            await self._clock.sleep(left)
        self._count, self._counted_at = 0, self._clock.monotonic()

    async def _said(self, text: str) -> None:
        session = self._session
        match protocol.read_text(text, session.id, session.mime_type):
            case AudioChunk() as chunk:
                await self._chunk(chunk.sequence_number, chunk.audio_data)
            case protocol.Pause():
                await session.pause()
            case protocol.Resume():
                session.resume()
            case protocol.Stop(last_seq):
                session.stop(last_seq)
            case protocol.Ping(id_, sent_at_ms):
                self._connection.tell(
                    "pong",
                    {
                        "id": id_,
                        "sent_at_ms": sent_at_ms,
                        "server_time": self._clock.now().isoformat(),
                        "received_seq": session.window.received,
                        "committed_seq": session.durable.committed_seq,
                    },
                )


def _bad(name: str, taken: str) -> LiveError:
    return LiveError(Code.INVALID_MESSAGE, f"{name}: {taken} is taken.", close=Close.BAD_ADDRESS)


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        raise _bad("space_id", "the id of a space") from None


def _whole(value: str | None, otherwise: int) -> int:
    if not value:
        return otherwise
    if not value.isdecimal() or len(value) > 9:
        raise _bad("duration_limit", "a number of seconds")
    return int(value)


def _seconds(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = float("nan")
    if not 0 <= seconds < 1e9:
        raise _bad("finals_after", "a number of seconds from 0")
    return seconds
