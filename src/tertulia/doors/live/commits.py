"""The one writer of a server's live sessions: finals and how far they reach become durable together or not at all."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from tertulia.doors.live.domain import LogEntry
from tertulia.doors.live.store import LiveStore, Report
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import ConflictError, StorageFullError, TertuliaError, UnavailableError
from tertulia.transcripts.domain import Draft, Outcome, tidy
from tertulia.transcripts.errors import TranscriptMissingError

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.02
CALM_SECONDS = 0.25
"""Where nobody waits for a final, others may come along for longer: a transaction costs the same for one as for many."""
MOST_LOG_ENTRIES = 20_000
"""Kept while the database is away; the oldest go first."""


class SessionTakenError(ConflictError):
    """Another server has the session by now; nothing of it can be written here any more."""

    code = "live_session_taken"
    title = "Another server has this live session"


class Appends(Protocol):
    """Adds segments to transcripts of the hall inside a transaction; `transcripts.appending.Appending` does it."""

    async def append(
        self, tx: Transaction, drafts: Mapping[UUID, Sequence[Draft]]
    ) -> Mapping[tuple[UUID, str], Outcome]: ...


@dataclass(slots=True)
class _Handed:
    report: Report
    transcript_id: UUID
    drafts: Sequence[Draft]
    done: "asyncio.Future[None]" = field(repr=False)


class Commits:
    """Takes what sessions have confirmed; each learns when its own is durable."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        appends: Appends,
        *,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._appends = appends
        self._store = LiveStore()
        self._gather_seconds = gather_seconds
        self._waiting: list[_Handed] = []
        self._noted: dict[UUID, Report] = {}
        self._entries: list[LogEntry] = []
        self._some = asyncio.Event()
        self._urgent = asyncio.Event()
        self._running = False
        self.batches = 0
        """How many transactions were made, for figures and tests."""

    async def write(
        self,
        report: Report,
        transcript_id: UUID,
        drafts: Sequence[Draft],
        *,
        urgent: bool = True,
    ) -> None:
        """Returns once the finals and the report are durable.

        Raises `SessionTakenError` when this server no longer holds the session: then nothing was written.
        """
        ready = [tidy(draft) for draft in drafts]
        if not self._running:
            raise UnavailableError("The server is stopping. Connect again in a moment.")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Handed(report, transcript_id, ready, done))
        self._noted.pop(report.session_id, None)
        self._some.set()
        if urgent:
            self._urgent.set()
        await done

    def note(self, report: Report) -> None:
        """Has the report written with the next batch; nobody waits for it."""
        self._noted[report.session_id] = report
        self._some.set()

    def log(self, entry: LogEntry) -> None:
        """Has the entry written with the next batch."""
        self._entries.append(entry)
        del self._entries[:-MOST_LOG_ENTRIES]
        self._some.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Commits"]:
        """Writes while the block runs; at its end everything handed over is written first."""
        self._running = True
        task = asyncio.create_task(self._run(), name="live: commit")
        try:
            yield self
        finally:
            self._running = False
            self._some.set()
            self._urgent.set()
            await task

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            if self._running:
                await self._calmly()
                await self._clock.sleep(self._gather_seconds)
            self._urgent.clear()
            batch, self._waiting = self._waiting, []
            await self._write(batch)
            if not self._running and not self._waiting:
                return

    async def _calmly(self) -> None:
        """Until somebody waits for a final, or it has been calm for long enough."""
        calm = asyncio.ensure_future(self._clock.sleep(CALM_SECONDS))
        asked = asyncio.ensure_future(self._urgent.wait())
        await asyncio.wait({calm, asked}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (calm, asked):
            waiting.cancel()

    async def _write(self, batch: Sequence[_Handed]) -> None:
        """One transaction for all; when it fails for a reason of one session's own, each by itself."""
        noted, self._noted = self._noted, {}
        entries, self._entries = self._entries, []
        try:
            await self._persist(batch, noted, entries)
            self.batches += 1
        except (UnavailableError, StorageFullError) as error:
            self._noted = {**noted, **self._noted}
            self._entries = [*entries, *self._entries]
            _fail(batch, error)
            if self._running:
                # what is only noted is tried again with whatever comes next
                log.warning("live sessions could not be written", extra={"code": error.code})
        except Exception as error:
            if len(batch) > 1:
                for handed in batch:
                    await self._write([handed])
                return
            _fail(batch, error if isinstance(error, TertuliaError) else TertuliaError())
            log.exception("a live session could not be written")

    async def _persist(
        self,
        batch: Sequence[_Handed],
        noted: Mapping[UUID, Report],
        entries: Sequence[LogEntry],
    ) -> None:
        reports = {**noted, **{handed.report.session_id: handed.report for handed in batch}}
        refused: dict[int, TertuliaError] = {}
        async with self._database.transaction() as tx:
            held = await self._store.report(tx, list(reports.values()), self._clock.now())
            drafts: dict[UUID, list[Draft]] = {}
            for place, handed in enumerate(batch):
                if handed.report.session_id not in held:
                    refused[place] = SessionTakenError()
                elif handed.drafts:
                    drafts.setdefault(handed.transcript_id, []).extend(handed.drafts)
            outcomes = await self._appends.append(tx, drafts) if drafts else {}
            await self._store.write_log(tx, entries)
        for place, handed in enumerate(batch):
            keys = [(handed.transcript_id, draft.utterance_id) for draft in handed.drafts]
            if place not in refused and Outcome.MISSING in (outcomes.get(key) for key in keys):
                refused[place] = TranscriptMissingError()
            _settle(handed, refused.get(place))


def _settle(handed: _Handed, error: TertuliaError | None) -> None:
    if handed.done.done():
        return
    if error is None:
        handed.done.set_result(None)
    else:
        handed.done.set_exception(error)


def _fail(batch: Sequence[_Handed], error: Exception) -> None:
    for handed in batch:
        if not handed.done.done():
            handed.done.set_exception(error)
