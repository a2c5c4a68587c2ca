"""The live sessions that one server holds: who is connected, what is due, what another server has taken."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from tertulia.doors.live import protocol
from tertulia.doors.live.domain import (
    EndReason,
    SessionMetrics,
    SessionMissingError,
    SessionOverError,
    Status,
    StreamingSession,
)
from tertulia.doors.live.errors import Close, Code, LiveError
from tertulia.doors.live.formats import Form, parse_mime
from tertulia.doors.live.machine import Machine
from tertulia.doors.live.ports import Outlet, Ports
from tertulia.doors.live.running import ASK_SECONDS, GAP_SECONDS, RunningSession
from tertulia.doors.live.tokens import RENEW_SECONDS, TokenRole, issue
from tertulia.events.service import Events
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.ids import new_id
from tertulia.speech.domain import SAMPLE_RATE_HZ

log = logging.getLogger(__name__)

NODES = "live.nodes"
"""The topic on which servers tell one another which session is whose."""
TAKEN, LISTENING, ENDED, GONE = "live.taken", "live.listening", "live.ended", "live.gone"
TICK_SECONDS = 0.5
METRICS_SECONDS = 5.0
TOUCH_SECONDS = 20.0
LISTENED_SECONDS = 60.0
"""After a listener was last heard of, partials are told outside for so long."""


def topic_of(session_id: UUID) -> str:
    """Where those listen who follow one session."""
    return f"live:{session_id}"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a server waits for what, in seconds."""

    connect: float = 30.0
    idle: float = 300.0
    reconnect: float = 300.0


class Holding(Protocol):
    """What the node asks of the service."""

    async def take(self, session_id: UUID, node: str) -> StreamingSession | None: ...

    async def held(self, session: RunningSession) -> bool: ...

    async def touch(self, held: Mapping[UUID, int]) -> set[UUID]: ...

    async def complete(self, session: RunningSession, reason: EndReason) -> None: ...


@dataclass(slots=True)
class _Due:
    """What comes again and again for one session."""

    metrics: float
    token: float
    listened_until: float = 0.0


class LiveNode:
    """Every session whose socket is on this server, or was a moment ago."""

    def __init__(
        self,
        database: Database,
        events: Events,
        clock: Clock,
        machine: Machine,
        waits: Waits = Waits(),
    ) -> None:
        self.name = f"{os.uname().nodename}:{os.getpid()}:{new_id().hex[-8:]}"
        self.waits = waits
        self._database = database
        self._events = events
        self._clock = clock
        self._machine = machine
        self._sessions: dict[UUID, RunningSession] = {}
        self._due: dict[UUID, _Due] = {}
        self._turns: dict[UUID, asyncio.Lock] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._touched_at = clock.monotonic()
        self.ports: Ports
        self.holding: Holding

    def __len__(self) -> int:
        return len(self._sessions)

    def find(self, session_id: UUID) -> RunningSession | None:
        """The session, if it is held here."""
        found = self._sessions.get(session_id)
        return found if found is not None and not found.lost else None

    # Connections

    async def attach(
        self, session_id: UUID, outlet: Outlet, epoch: str | None, mime_type: str | None
    ) -> tuple[RunningSession, bool]:
        """Makes `outlet` the session's only connection; says whether it had been connected before."""
        turn = self._turns.setdefault(session_id, asyncio.Lock())
        async with turn:
            found = self.find(session_id)
            if found is not None and not await self.holding.held(found):
                found.drop(Close.SUPERSEDED, Code.SUPERSEDED, "Another server has the session.")
                found = None
            if found is None:
                found = await self._take(session_id)
            resumed = found.session.term > 1 or found.state.status is not Status.CONNECTING
            form, fresh = self._new_epoch(found, epoch, mime_type)
            # the connection before must not write into the epoch that begins
            self._replace(found, outlet)
            if fresh:
                await found.new_epoch(form)
            return found, resumed

    async def _take(self, session_id: UUID) -> RunningSession:
        session = await self.holding.take(session_id, self.name)
        if session is None:
            raise SessionMissingError
        running = RunningSession(session, self.ports)
        if running.state.status is Status.FINALIZING:
            # the server that was ending it is gone: the client sends what is missing, and stops again
            running.state.status = Status.RECORDING
        await running.start()
        now = self._clock.monotonic()
        self._sessions[session_id] = running
        self._due[session_id] = _Due(now + METRICS_SECONDS, now + RENEW_SECONDS)
        data = {"session_id": str(session_id), "term": session.term, "node": self.name}
        self._events.publish_now(NODES, TAKEN, data)
        return running

    @staticmethod
    def _new_epoch(
        session: RunningSession, epoch: str | None, mime_type: str | None
    ) -> tuple[Form | None, bool]:
        """The client's form, and whether its recorder is another than the one before."""
        untouched = session.window.received == session.epoch_seq
        if epoch is None or epoch == "new":
            fresh = not untouched
        elif not epoch.isdecimal() or len(epoch) > 9 or int(epoch) > session.epoch:
            raise LiveError(
                Code.INVALID_MESSAGE, "epoch: a number or `new` is taken.", close=Close.BAD_ADDRESS
            )
        elif int(epoch) < session.epoch:
            raise LiveError(
                Code.SUPERSEDED, "A newer recorder has the session.", close=Close.SUPERSEDED
            )
        else:
            return None, False
        form = parse_mime(mime_type) if mime_type else None
        other = form is not None and form.mime_type != session.mime_type
        return form, fresh or (other and session.state.status is not Status.FINALIZING)

    def _replace(self, session: RunningSession, outlet: Outlet) -> None:
        before, session.outlet = session.outlet, None
        if before is not None and before is not outlet:
            error = LiveError(Code.SUPERSEDED, "A newer connection has the session.")
            before.end(Close.SUPERSEDED, "error", protocol.error_data(error))
            session.pace.reconnects += 1
        elif session.state.status is not Status.CONNECTING:
            session.pace.reconnects += 1

    def welcome(self, session: RunningSession, outlet: Outlet) -> None:
        """From now on the session speaks to `outlet`; what it missed of the state is told."""
        now = self._clock.monotonic()
        session.outlet = outlet
        session.disconnected_at = None
        session.pace.last_activity = now
        session.stop_at = None
        if (due := self._due.get(session.id)) is not None:
            due.token = now + RENEW_SECONDS
        if session.state.status is Status.CONNECTING:
            session.move(Status.CONNECTED)
        else:
            session.back()
        lost = session.session.progress.lost
        if lost is not None and session.window.received == session.session.progress.epoch_seq:
            where = {"from_seq": lost[0], "to_seq": lost[1], "epoch": session.epoch}
            session.tell("gap", {**where, "at_seconds": session.kept.heard / SAMPLE_RATE_HZ})
            session.note("gap", None, from_seq=lost[0], to_seq=lost[1])
        if session.confirming.partial is not None:
            data = protocol.result_data(session.confirming.partial)
            session.tell("transcription_partial", data)

    def detach(self, session: RunningSession, outlet: Outlet) -> None:
        """The connection is gone; the session waits for another."""
        if session.outlet is not outlet:
            return
        session.outlet = None
        session.disconnected_at = self._clock.monotonic()
        if session.state.status in (Status.CONNECTED, Status.RECORDING, Status.PAUSED):
            session.move(Status.RECONNECTING, "connection_lost")

    def leave(self, session: RunningSession) -> None:
        """Forgets a session and frees what it holds."""
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
            self._due.pop(session.id, None)
            self._turns.pop(session.id, None)
        task = asyncio.create_task(session.close(), name="live: leave")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def token(
        self, session: StreamingSession, role: TokenRole = TokenRole.SPEAKER
    ) -> dict[str, str]:
        """A fresh token, as events carry it."""
        token, expires_at = issue(session.session_id, session.token_key, role, self._clock.now())
        return {"token": token, "token_expires_at": expires_at.isoformat()}

    # Listeners

    def publish(self, session: RunningSession, event: str, data: Mapping[str, Any]) -> None:
        """Tells whoever follows the session; partials only while somebody does."""
        if event == "transcription_partial":
            due = self._due.get(session.id)
            if due is None or due.listened_until < self._clock.monotonic():
                return
        self._events.publish_now(topic_of(session.id), event, data)

    def listening(self, session_id: UUID) -> None:
        """Somebody follows the session, wherever it is held."""
        self._events.publish_now(NODES, LISTENING, {"session_id": str(session_id)})

    # Time

    @asynccontextmanager
    async def running(self) -> AsyncIterator["LiveNode"]:
        """Looks after the sessions while the block runs; at its end they are let go for other servers."""
        tasks = [
            asyncio.create_task(self._tick_on(), name="live: tick"),
            asyncio.create_task(self._hear_nodes(), name="live: nodes"),
        ]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for session in list(self._sessions.values()):
                session.drop(Close.STOPPING, Code.CONNECTION_LOST, "The server stops.")
            await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _tick_on(self) -> None:
        while True:
            await self._clock.sleep(TICK_SECONDS)
            try:
                await self.tick()
            except TertuliaError as error:
                log.warning("live sessions were not looked after", extra={"code": error.code})
            except Exception:
                log.exception("live sessions were not looked after")

    async def tick(self) -> None:
        """Does what is due for every session."""
        now = self._clock.monotonic()
        for session in list(self._sessions.values()):
            if not session.lost:
                self._wait_for(session, now)
                self._ask_for_missing(session, now)
                self._tell_regularly(session, now)
        if now - self._touched_at >= TOUCH_SECONDS:
            self._touched_at = now
            await self._touch()

    async def _touch(self) -> None:
        """Says that these sessions are held here; those that are not any more are let go."""
        terms = {s.id: s.session.term for s in self._sessions.values() if not s.lost}
        standing = await self.holding.touch(terms) if terms else set()
        for session_id, term in terms.items():
            found = self._sessions.get(session_id)
            if session_id not in standing and found and found.session.term == term:
                found.drop(Close.SUPERSEDED, Code.SUPERSEDED, "Another server has the session.")

    def _wait_for(self, session: RunningSession, now: float) -> None:
        gone = session.disconnected_at
        if gone is not None:
            never = session.state.status is Status.CONNECTING
            limit = self.waits.connect if never else self.waits.reconnect
            if now - gone >= limit:
                session.finish(EndReason.NEVER_CONNECTED if never else EndReason.CONNECTION_LOST)
        elif now - session.pace.last_activity >= self.waits.idle:
            session.finish(EndReason.IDLE)
        if session.stop_at is not None and now >= session.stop_at[1]:
            session.finish(EndReason.STOPPED)

    def _ask_for_missing(self, session: RunningSession, now: float) -> None:
        missing = session.window.missing
        if missing is None or session.outlet is None or session.gap_since is None:
            session.gap_since = session.gap_since if missing else None
            return
        if now - session.gap_since >= GAP_SECONDS:
            session.gap_since = None
            error = LiveError(
                Code.SEQUENCE_MISMATCH,
                f"Chunk {missing[0]} did not come. Connect again and send from it on.",
                reason="gap",
                received_seq=session.window.received,
            )
            session.outlet.end(Close.TOO_MANY_ERRORS, "error", protocol.error_data(error))
        elif now - session.asked_at >= ASK_SECONDS:
            session.asked_at = now
            session.tell("missing", {"from_seq": missing[0], "to_seq": missing[1]})

    def _tell_regularly(self, session: RunningSession, now: float) -> None:
        due = self._due.get(session.id)
        if due is None or session.outlet is None:
            return
        if now >= due.metrics:
            due.metrics = now + METRICS_SECONDS
            session.tell("metrics", protocol.metrics_data(self.metrics(session)))
        if now >= due.token:
            due.token = now + RENEW_SECONDS
            session.tell("token", self.token(session.session))

    def metrics(self, session: RunningSession) -> SessionMetrics:
        """How a session runs, just now."""
        usage = self._machine.usage()
        pending = len(session.pace.arrivals)
        duration = session.kept.end / SAMPLE_RATE_HZ
        return SessionMetrics(
            metrics_id=new_id().hex,
            session_id=session.id,
            timestamp=self._clock.now(),
            latency_ms=session.pace.latency_ms(self._clock.monotonic()),
            chunks_processed=max(0, session.pace.chunks - pending),
            chunks_pending=pending + session.window.waiting,
            cpu_usage_percent=usage.cpu_percent,
            memory_usage_mb=usage.memory_mb,
            gpu_available=usage.gpu,
            audio_quality_score=self._machine.quality(session.kept.recent),
            duration_seconds=round(duration, 3),
            remaining_seconds=round(max(0.0, session.session.duration_limit - duration), 3),
        )

    # Other servers

    async def _hear_nodes(self) -> None:
        async with self._events.subscribe(NODES) as subscription:
            async for event in subscription:
                if not event.is_missed:
                    self._heard(event.type, event.data)

    def _heard(self, type_: str, data: Mapping[str, Any]) -> None:
        session = self._sessions.get(UUID(str(data["session_id"])))
        if session is None or session.lost:
            return
        if type_ == LISTENING:
            until = self._clock.monotonic() + LISTENED_SECONDS
            if (due := self._due.get(session.id)) is not None:
                due.listened_until = until
        elif type_ == TAKEN and int(data["term"]) > session.session.term:
            session.drop(Close.SUPERSEDED, Code.SUPERSEDED, "Another server has the session.")
        elif type_ == ENDED:
            session.finish(EndReason.DELETED)
        elif type_ == GONE:
            session.drop(Close.NO_SUCH_SESSION, Code.INVALID_SESSION, "The transcript was removed.")


def over(session: StreamingSession) -> SessionOverError:
    """The refusal of a session that has ended."""
    return SessionOverError(
        "The session is over; its text is in the hall. Begin another one.",
        end_reason=session.end_reason.value if session.end_reason else None,
    )
