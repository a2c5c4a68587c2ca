"""Live sessions: made, listed, ended, handed from server to server."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from tertulia.doors.live.commits import SessionTakenError
from tertulia.doors.live.domain import (
    EndReason,
    LiveFullError,
    LogEntry,
    SessionMetrics,
    SessionMissingError,
    Status,
    StreamingSession,
    duration_limit,
)
from tertulia.doors.live.errors import Close
from tertulia.doors.live.formats import parse_mime
from tertulia.doors.live.node import (
    ENDED,
    GONE,
    NODES,
    TOUCH_SECONDS,
    LiveNode,
    over,
    topic_of,
)
from tertulia.doors.live.running import RunningSession
from tertulia.doors.live.spending import use_of
from tertulia.doors.live.store import LiveStore
from tertulia.doors.live.wanted import Engines, Load, Wanted, hot_words, metadata
from tertulia.events.service import Events
from tertulia.identity.domain import Principal
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import StorageFullError, UnavailableError
from tertulia.kernel.ids import new_id
from tertulia.kernel.pages import Position
from tertulia.ledger.domain import Spender
from tertulia.ledger.service import Ledger
from tertulia.transcripts.domain import Kind, Segment, tidy_language
from tertulia.transcripts.errors import TranscriptMissingError
from tertulia.transcripts.service import TranscriptService

log = logging.getLogger(__name__)

MOST_LOG = 1_000
MOST_REPLAYED = 2_000
PAGE = 500
LONGEST_UTTERANCE_SECONDS = 60.0
STORAGE_RETRY_SECONDS = 2.0
FULL_RETRY_SECONDS = 10
LEFT_AT_ONCE = 100


class LiveService:
    """The use cases of live sessions; whoever speaks sees only their own."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        hall: TranscriptService,
        events: Events,
        ledger: Ledger,
        node: LiveNode,
        engines: Engines,
        load: Callable[[], Awaitable[Load | None]],
        most_sessions: int = 0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._hall = hall
        self._events = events
        self._ledger = ledger
        self._node = node
        self._engines = engines
        self._load = load
        self.most_sessions = most_sessions
        self._store = LiveStore()
        self._empty: set[UUID] = set()

    def live_engines(self) -> Sequence[str]:
        """The names of the engines that can hear live."""
        return self._engines.all_names()

    # One's own

    async def create(self, tx: Transaction, who: Principal, wanted: Wanted) -> StreamingSession:
        """Makes a session and its transcript; refused when this machine follows as many as it can."""
        space_id = who.space(wanted.space_id)
        await self._admit()
        engine = await self._engine(tx, who, space_id, wanted)
        language = tidy_language(wanted.language)
        session_id, now = new_id(), self._clock.now()
        transcript = await self._hall.create(
            tx,
            space_id,
            Kind.LIVE,
            title=wanted.title,
            source_id=str(session_id),
            language=language,
            started_at=now,
            created_by=who.user_id,
        )
        session = StreamingSession(
            session_id=session_id,
            space_id=space_id,
            transcript_id=transcript.id,
            user_id=who.user_id,
            status=Status.CONNECTING,
            start_time=now,
            last_activity=now,
            duration_limit=duration_limit(wanted.duration_limit),
            mime_type=parse_mime(wanted.mime_type).mime_type,
            title=transcript.title,
            language=language,
            engine=engine,
            hot_words=hot_words(wanted.hot_words),
            diarise=wanted.diarise,
            metadata=metadata(wanted.metadata),
            credential_kind=who.kind.value,
            credential_id=who.credential_id,
            token_key=secrets.token_bytes(32),
        )
        await self._store.add(tx, session)
        await self._store.write_log(tx, [LogEntry(session_id, now, Status.CONNECTING.value)])
        return session

    async def capacity(self) -> tuple[int | None, bool]:
        """How many sessions this machine can follow, where that is known, and whether it takes another."""
        if self.most_sessions:
            return self.most_sessions, len(self._node) < self.most_sessions
        load = await self._load()
        if load is None or not load.capacity:
            return None, True
        return load.capacity, load.streams < load.capacity

    async def _admit(self) -> None:
        capacity, free = await self.capacity()
        if not free:
            raise LiveFullError(
                f"This machine follows {capacity} live sessions, which is all it can. Try again in a moment.",
                retry_after_seconds=FULL_RETRY_SECONDS,
            )

    async def _engine(
        self, tx: Transaction, who: Principal, space_id: UUID, wanted: Wanted
    ) -> str | None:
        """The engine asked for, or a cheaper one when the budget is used up; None leaves the choice open."""
        asked = ",".join(self._engines.live_names(wanted.engine, wanted.language))
        allowed = await self._ledger.allowed(tx, Spender(space_id, who.key_id), asked)
        return wanted.engine if allowed == asked else allowed

    async def get(self, tx: Transaction, who: Principal, id_: UUID) -> StreamingSession:
        """One's own session with its text so far."""
        found = await self.own(tx, who, id_)
        texts = [s.text for s in await self.finals(tx, found, limit=None)]
        return replace(self._present(found), confirmed_text=" ".join(texts))

    async def own(self, tx: Transaction, who: Principal, id_: UUID) -> StreamingSession:
        """The session, if it is theirs."""
        found = await self._store.find(tx, id_)
        if found is None or found.user_id != who.user_id or not who.in_space(found.space_id):
            raise SessionMissingError
        return found

    async def find(self, tx: Transaction, id_: UUID) -> StreamingSession | None:
        """The session, whoever's it is."""
        found = await self._store.find(tx, id_)
        return self._present(found) if found else None

    def _present(self, found: StreamingSession) -> StreamingSession:
        """What is only in memory, where the session is held here."""
        running = self._node.find(found.session_id)
        if running is None:
            return found
        report, partial = running.report(), running.confirming.partial
        return replace(
            found,
            status=report.status,
            progress=report.progress,
            last_activity=report.last_activity,
            partial_text=partial.text_content if partial else "",
        )

    async def list(
        self,
        tx: Transaction,
        who: Principal,
        *,
        after: Position | None,
        limit: int,
        statuses: Sequence[Status] = (),
        words: str | None = None,
    ) -> Sequence[StreamingSession]:
        """One's own, the latest first; one more than asked for when there is a next page."""
        found = await self._store.list(
            tx, who.person(), after=after, limit=limit + 1, statuses=statuses, words=words
        )
        return [self._present(s) for s in found if who.in_space(s.space_id)]

    async def rename(
        self, tx: Transaction, who: Principal, id_: UUID, title: str
    ) -> StreamingSession:
        """Another title, here and in the hall."""
        found = await self.own(tx, who, id_)
        renamed = await self._hall.update(tx, [found.space_id], found.transcript_id, title=title)
        await self._store.change(tx, id_, {"title": renamed.title})
        return replace(self._present(found), title=renamed.title)

    async def delete(self, tx: Transaction, who: Principal, id_: UUID) -> None:
        """Ends it and keeps the text so far; of one that is over only the record goes."""
        found = await self.own(tx, who, id_)
        if found.status.is_over:
            await self._store.remove(tx, id_)
            return
        running = self._node.find(id_)
        if running is not None:
            tx.after_commit(lambda: running.finish(EndReason.DELETED))
        elif found.term and await self._store.is_held(tx, id_, self._recently()):
            await self._events.publish(tx, NODES, ENDED, {"session_id": str(id_)})
        else:
            await self._end_left(tx, id_, EndReason.DELETED)

    async def log(self, tx: Transaction, who: Principal, id_: UUID) -> Sequence[LogEntry]:
        """What happened to a session."""
        await self.own(tx, who, id_)
        return await self._store.log(tx, id_, MOST_LOG)

    async def metrics(
        self, tx: Transaction, who: Principal, id_: UUID
    ) -> tuple[StreamingSession, SessionMetrics | None]:
        """The present measurements where the session is held here; the session has the aggregated ones."""
        found = await self.own(tx, who, id_)
        running = self._node.find(id_)
        return found, self._node.metrics(running) if running else None

    async def going(self, tx: Transaction) -> int:
        """How many sessions are going on, on every server."""
        return await self._store.going(tx)

    async def finals(
        self,
        tx: Transaction,
        session: StreamingSession,
        *,
        after_seconds: float = 0.0,
        limit: int | None = MOST_REPLAYED,
    ) -> Sequence[Segment]:
        """Durable finals that end after a place, in the order they were said."""
        try:
            transcript = await self._hall.get(tx, [session.space_id], session.transcript_id)
        except TranscriptMissingError:
            return []
        begin = after_seconds - LONGEST_UTTERANCE_SECONDS
        place = (begin, "") if begin > 0 else None
        found: list[Segment] = []
        while limit is None or len(found) < limit:
            rows = await self._hall.segments(tx, transcript, place, PAGE)
            page = rows[:PAGE]
            found += [s for s in page if s.is_final and s.text and (s.end > after_seconds)]
            if len(rows) <= PAGE:
                break
            place = (page[-1].start, page[-1].utterance_id)
        return found if limit is None else found[-limit:]

    # What the node asks

    async def take(self, session_id: UUID, node: str) -> StreamingSession | None:
        """Makes this server the one that holds the session."""
        async with self._database.transaction() as tx:
            taken = await self._store.take(tx, session_id, node, self._clock.now())
            if taken is None:
                found = await self._store.find(tx, session_id)
                if found is not None:
                    raise over(found)
            return taken

    async def held(self, session: RunningSession) -> bool:
        """Whether no other server has taken it since."""
        async with self._database.transaction() as tx:
            found = await self._store.find(tx, session.id)
        return found is not None and found.term == session.session.term

    async def touch(self, held: Mapping[UUID, int]) -> set[UUID]:
        """Says that these are held here; gives those of which it is true."""
        async with self._database.transaction() as tx:
            return await self._store.touch(tx, held, self._clock.now())

    async def complete(self, session: RunningSession, reason: EndReason) -> None:
        """Makes the end of a running session durable and tells of it; tries until the database takes it."""
        while True:
            try:
                async with self._database.transaction() as tx:
                    ended = await self._end(tx, self._as_it_is(session), reason)
                break
            except (UnavailableError, StorageFullError):
                await self._clock.sleep(STORAGE_RETRY_SECONDS)
        session.state.to(ended.status)
        data = {
            "session_id": str(session.id),
            "transcript_id": str(session.transcript_id),
            "status": ended.status.value,
            "reason": reason.value,
            "duration_seconds": round(ended.progress.duration_seconds, 3),
            "chunks_received": ended.progress.chunks,
            "utterances": session.confirming.utterances,
            "language": ended.language or session.confirming.language,
        }
        self._node.publish(session, "session_completed", data)
        outlet, session.outlet = session.outlet, None
        if outlet is not None:
            outlet.end(Close.DONE, "session_completed", data)
        session.lost = True
        self._node.leave(session)

    @staticmethod
    def _as_it_is(session: RunningSession) -> StreamingSession:
        report = session.report()
        return replace(
            session.session,
            progress=report.progress,
            provider=report.provider or session.session.provider,
            language=session.session.language or report.language,
            last_activity=report.last_activity,
            metrics=session.pace.aggregated(),
        )

    async def _end(
        self, tx: Transaction, session: StreamingSession, reason: EndReason
    ) -> StreamingSession:
        """Writes the end: the row, the transcript, the ledger, the log."""
        now = self._clock.now()
        failed = reason.error_code
        status = Status.ERROR if failed else Status.COMPLETED
        progress = session.progress
        changes = {
            "status": status.value,
            "end_time": now,
            "end_reason": reason.value,
            "error_code": failed,
            "last_activity": session.last_activity,
            "provider": session.provider,
            "language": session.language,
            "chunks": progress.chunks,
            "position": progress.position,
            "received_seq": progress.received_seq,
            "metrics": dict(session.metrics),
            "header": b"",
            "node": None,
        }
        if not await self._store.change(tx, session.session_id, changes, term=session.term):
            raise SessionTakenError
        try:
            if progress.chunks:
                await self._say_who_heard(tx, session)
                await self._hall.finish(tx, None, session.transcript_id)
            else:
                await self._remove_empty(tx, session.transcript_id)
        except TranscriptMissingError:
            log.info("a live session ended whose transcript was removed")
        if (use := use_of(session)) is not None:
            await self._ledger.record(tx, use)
        entry = LogEntry(
            session.session_id, now, status.value, reason.value,
            {"seconds": round(progress.duration_seconds, 3), "chunks": progress.chunks},
        )  # fmt: skip
        await self._store.write_log(tx, [entry])
        return replace(session, status=status, end_time=now, end_reason=reason)

    async def _say_who_heard(self, tx: Transaction, session: StreamingSession) -> None:
        """The hall learns which engines it was, and the language they found."""
        found = await self._hall.locked(tx, None, session.transcript_id)
        heard = {"provider": session.provider, "language": found.language or session.language}
        changes = {name: value for name, value in heard.items() if value != getattr(found, name)}
        if session.provider and changes:
            await self._hall.change(tx, found, changes)

    async def _remove_empty(self, tx: Transaction, transcript_id: UUID) -> None:
        """A transcript in which nothing was ever said; the session's record stays."""
        self._empty.add(transcript_id)
        try:
            await self._hall.delete(tx, None, transcript_id)
        finally:
            self._empty.discard(transcript_id)

    def _recently(self) -> datetime:
        """A server that holds a session has said so since."""
        return self._clock.now() - timedelta(seconds=3 * TOUCH_SECONDS)

    # Left behind

    async def sweep(self) -> int:
        """Ends sessions that no server speaks for any more and nobody came back to; says how many."""
        now, waits = self._clock.now(), self._node.waits
        async with self._database.transaction() as tx:
            left = await self._store.left_behind(
                tx,
                now - timedelta(seconds=waits.reconnect + 60.0),
                now - timedelta(seconds=waits.connect + 60.0),
                LEFT_AT_ONCE,
            )
        for session_id in left:
            if self._node.find(session_id) is None:
                async with self._database.transaction() as tx:
                    await self._end_left(tx, session_id, None)
        return len(left)

    async def _end_left(self, tx: Transaction, id_: UUID, reason: EndReason | None) -> None:
        """Takes a session nobody holds, and ends it with the text that is durable."""
        taken = await self._store.take(tx, id_, self._node.name, self._clock.now())
        if taken is None:
            return
        if reason is None:
            never = taken.status is Status.CONNECTING
            reason = EndReason.NEVER_CONNECTED if never else EndReason.CONNECTION_LOST
        await self._end(tx, taken, reason)
        data = {
            "session_id": str(id_), "transcript_id": str(taken.transcript_id), "reason": reason.value,
            "status": (Status.ERROR if reason.error_code else Status.COMPLETED).value,
        }  # fmt: skip
        await self._events.publish(tx, topic_of(id_), "session_completed", data)

    async def purge(self, older_than: timedelta) -> None:
        """Forgets logs and measurements of sessions long over."""
        async with self._database.transaction() as tx:
            await self._store.purge(tx, self._clock.now() - older_than)

    async def forget(self, tx: Transaction, transcript_ids: Sequence[UUID]) -> None:
        """Their transcripts go, and with them every trace of these sessions."""
        gone = [id_ for id_ in transcript_ids if id_ not in self._empty]
        for session_id in await self._store.remove_of(tx, gone):
            await self._events.publish(tx, NODES, GONE, {"session_id": str(session_id)})

    async def delete_space(self, tx: Transaction, space_id: UUID) -> None:
        """A space goes, and every session in it."""
        for session_id in await self._store.remove_in(tx, space_id):
            await self._events.publish(tx, NODES, GONE, {"session_id": str(session_id)})
