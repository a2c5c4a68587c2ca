"""The one writer of a process: what all sessions say is written together, every few tens of milliseconds."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import StorageFullError, TertuliaError, UnavailableError
from tertulia.speech.redaction import Redaction
from tertulia.transcripts.appending import Announcer, Appending, Outcomes
from tertulia.transcripts.domain import NOTHING_HIDDEN, Draft, Outcome, tidy
from tertulia.transcripts.errors import TranscriptMissingError

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.02
"""The least time from one statement to the next. A final is told within this and one statement."""
MOST_ROWS = 2_000
MOST_WAITING = 20_000
"""Segments that may wait; past it whoever appends waits before, so that memory stays flat."""
TRIES = 3
PAUSE_SECONDS = 0.1


@dataclass(slots=True)
class _Handed:
    """What one caller handed over at once."""

    transcript_id: UUID
    drafts: Sequence[Draft]
    done: "asyncio.Future[list[Outcome]]" = field(repr=False)


class SegmentWriter:
    """Takes segments from every session of a process; each caller learns when its own are durable."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announcer: Announcer,
        *,
        gather_seconds: float = GATHER_SECONDS,
        most_rows: int = MOST_ROWS,
        most_waiting: int = MOST_WAITING,
        redaction: Redaction = NOTHING_HIDDEN,
    ) -> None:
        self._redaction = redaction
        self._database = database
        self._clock = clock
        self._appending = Appending(clock, announcer)
        self._gather_seconds = gather_seconds
        self._most_rows = most_rows
        self._most_waiting = most_waiting
        self._waiting: list[_Handed] = []
        self._waiting_rows = 0
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._running = False
        self._stopped = asyncio.Event()
        self._began = -gather_seconds
        self.statements = 0
        """How many batches were written, for figures and tests."""

    async def append(self, transcript_id: UUID, drafts: Sequence[Draft]) -> list[Outcome]:
        """Returns once these segments are durable, with what became of each.

        Raises when they could not be written: whoever hands them over keeps them and tries again.
        """
        ready = [tidy(draft, self._redaction) for draft in drafts]
        if not ready:
            return []
        await self._room.wait()
        if not self._running:
            raise UnavailableError("The server is stopping. Try again in a moment.")
        handed = _Handed(transcript_id, ready, asyncio.get_running_loop().create_future())
        self._waiting.append(handed)
        self._waiting_rows += len(ready)
        self._some.set()
        if self._waiting_rows >= self._most_waiting:
            self._room.clear()
        outcomes = await handed.done
        if Outcome.MISSING in outcomes:
            raise TranscriptMissingError
        return outcomes

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SegmentWriter"]:
        """Writes while the block runs; at its end everything handed over is written first."""
        self._running = True
        self._stopped.clear()
        task = asyncio.create_task(self._run(), name="transcripts: write")
        try:
            yield self
        finally:
            self._running = False
            self._stopped.set()
            self._some.set()
            self._room.set()
            await task

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            if self._running and 0 < self._waiting_rows < self._most_rows:
                since = self._clock.monotonic() - self._began
                await self._gather(max(0.0, self._gather_seconds - since))
            self._began = self._clock.monotonic()
            while self._waiting:
                await self._write(self._take())
            if not self._running:
                return

    async def _gather(self, seconds: float) -> None:
        """Lets others come along; the end of the writer is not waited for."""
        pause = asyncio.ensure_future(self._clock.sleep(seconds))
        stop = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({pause, stop}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (pause, stop):
            waiting.cancel()

    def _take(self) -> list[_Handed]:
        count = rows = 0
        while count < len(self._waiting) and rows < self._most_rows:
            rows += len(self._waiting[count].drafts)
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        self._waiting_rows -= rows
        if self._waiting_rows < self._most_waiting:
            self._room.set()
        return taken

    async def _write(self, batch: list[_Handed]) -> None:
        """One statement for all; when it fails for a reason of one caller's own, each by itself."""
        try:
            outcomes = await self._persist(batch)
        except (UnavailableError, StorageFullError) as error:
            _fail(batch, error)
            return
        except Exception as error:
            if len(batch) > 1:
                log.warning("a batch of segments is written one by one (%s)", type(error).__name__)
                for handed in batch:
                    await self._write([handed])
                return
            known = isinstance(error, TertuliaError)
            _fail(batch, error if known else TertuliaError("The segments could not be written."))
            if not known:
                log.exception("segments could not be written")
            return
        for handed in batch:
            if not handed.done.done():
                id_ = handed.transcript_id
                handed.done.set_result([outcomes[id_, d.utterance_id] for d in handed.drafts])

    async def _persist(self, batch: Sequence[_Handed]) -> Outcomes:
        drafts: dict[UUID, list[Draft]] = {}
        for handed in batch:
            drafts.setdefault(handed.transcript_id, []).extend(handed.drafts)
        tries = 0
        while True:
            tries += 1
            try:
                async with self._database.transaction() as tx:
                    outcomes = await self._appending.append(tx, drafts)
                self.statements += 1
                return outcomes
            except UnavailableError:
                if tries == TRIES:
                    raise
                await self._clock.sleep(PAUSE_SECONDS)


def _fail(batch: Sequence[_Handed], error: Exception) -> None:
    for handed in batch:
        if not handed.done.done():
            handed.done.set_exception(error)
