"""The durable job that reads a recording: the same however often it is begun, and never paid for twice at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import structlog

from tertulia.blobs.domain import BlobMissingError
from tertulia.jobs import Jobs, Retry, RetryJobError, Step
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import TertuliaError, UnavailableError
from tertulia.ledger.domain import Spender, Unit, Use
from tertulia.ledger.service import Ledger
from tertulia.speech.domain import Recognition
from tertulia.speech.engines.errors import EngineError
from tertulia.speech.transcriptions.domain import RecordingReader, Transcription
from tertulia.speech.transcriptions.fetching import fetched
from tertulia.speech.transcriptions.service import READ, TranscriptionService

log = structlog.get_logger(__name__)

PROGRESS_SECONDS = 1.0
"""How often the row is told how far the reading is, and asked whether it is still wanted."""
RETRY = Retry(attempts=5, first_seconds=5.0, factor=4.0, cap_seconds=600.0)
LONGEST_SECONDS = 24 * 3600.0


class ReadingFailedError(TertuliaError):
    """Every try at a recording ended in something unforeseen."""

    code = "transcription_failed"
    title = "The recording could not be transcribed"


class TranscriptionTasks:
    """Reads recordings for the job queue."""

    def __init__(
        self,
        service: TranscriptionService,
        reader: RecordingReader,
        clock: Clock,
        ledger: Ledger | None = None,
    ) -> None:
        self._service = service
        self._reader = reader
        self._clock = clock
        self._ledger = ledger

    def register(self, jobs: Jobs) -> None:
        jobs.register(
            READ,
            self.read,
            retry=RETRY,
            queue="speech",
            timeout_seconds=LONGEST_SECONDS,
            on_give_up=self._give_up,
        )
        jobs.sweep(READ, self._service.orphans)

    async def read(self, step: Step) -> None:
        """One try: every transaction in it is short, none is held while audio is read."""
        id_ = UUID(step.args["id"])
        async with step.transaction() as tx:
            begun = await self._service.begin(tx, id_)
        if begun is None:
            return
        try:
            begun = await self._affordable(step, begun)
            async with self._fetched(step, begun) as audio:
                text = await self._read_while_wanted(step, begun, audio)
        except TertuliaError as error:
            if passing(error) and not step.last:
                raise later(error) from error
            await self._service.fail(step.tx, id_, error)
            return
        if text is not None:
            await self._service.finish(step.tx, begun, text)
            await self._count(step.tx, begun, text)

    async def _affordable(self, step: Step, begun: Transcription) -> Transcription:
        """With the engines that the budget leaves; refused where it leaves none."""
        if self._ledger is None:
            return begun
        chain = self._reader.chain(begun.wishes)
        async with step.transaction() as tx:
            allowed = await self._ledger.allowed(tx, Spender(begun.owner.space_id), chain)
        if allowed == chain:
            return begun
        return replace(begun, wishes=replace(begun.wishes, engine=allowed))

    async def _count(self, tx: Transaction, begun: Transcription, text: Recognition) -> None:
        if self._ledger is not None:
            use = Use(
                door="files",
                space_id=begun.owner.space_id,
                engine=text.provider.rpartition("|")[2],
                unit=Unit.SECONDS,
                quantity=text.duration_seconds,
                transcript_id=begun.id,
                user_id=begun.owner.user_id,
                latency_ms=text.elapsed_ms,
            )
            await self._ledger.record(tx, use)

    @asynccontextmanager
    async def _fetched(self, step: Step, begun: Transcription) -> AsyncIterator[Path]:
        """The recording as a file for the decoder; no connection is held while it is read."""
        async with step.transaction() as tx:
            download = await self._service.open_audio(tx, begun)
        async with fetched(download) as path:
            yield path

    async def _read_while_wanted(
        self, step: Step, begun: Transcription, audio: Path
    ) -> Recognition | None:
        """The text, or None when the transcription was deleted meanwhile."""
        share = 0.0

        def progressed(now: float) -> None:
            nonlocal share
            share = now

        async def unwanted() -> None:
            while True:
                await self._clock.sleep(PROGRESS_SECONDS)
                async with step.transaction() as tx:
                    if not await self._service.progress(tx, begun.id, share):
                        return

        reading = asyncio.ensure_future(self._reader.read(audio, begun.wishes, progressed))
        watching = asyncio.ensure_future(unwanted())
        try:
            await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                # raises when the watch ended because the database went away
                watching.result()
                log.info("transcription is no longer wanted", transcription=str(begun.id))
                return None
            return reading.result()
        finally:
            for task in (reading, watching):
                task.cancel()
            await asyncio.gather(reading, watching, return_exceptions=True)

    async def _give_up(self, tx: Transaction, args: object, error: Exception) -> None:
        assert isinstance(args, dict)
        known = error if isinstance(error, TertuliaError) else None
        failure = known or ReadingFailedError(
            "The server failed while it read this recording. Its log says where. Try again, or try another engine."
        )
        await self._service.fail(tx, UUID(args["id"]), failure)


def passing(error: TertuliaError) -> bool:
    """Whether it may work in a while: a vendor or the store is away, or the machine is full."""
    if isinstance(error, BlobMissingError):
        return False
    if isinstance(error, EngineError):
        return error.retryable or int(error.status) in (502, 503, 504)
    return isinstance(error, UnavailableError)


def later(error: TertuliaError) -> TertuliaError:
    after = error.retry_after_seconds if isinstance(error, EngineError) else None
    return RetryJobError(error.detail, after_seconds=after) if after else error
