"""The hall's durable jobs: each may run twice and changes nothing the second time."""

from dataclasses import replace
from uuid import UUID

from tertulia.blobs.domain import BlobMissingError
from tertulia.jobs import Jobs, Retry, Step
from tertulia.jobs.domain import Args
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import TertuliaError, UnavailableError
from tertulia.ledger.domain import Spender, Unit, Use
from tertulia.ledger.service import Ledger
from tertulia.speech.domain import Recognition
from tertulia.speech.transcriptions.domain import RecordingReader, Wishes
from tertulia.speech.transcriptions.fetching import fetched
from tertulia.speech.transcriptions.tasks import (
    LONGEST_SECONDS,
    RETRY,
    ReadingFailedError,
    later,
    passing,
)
from tertulia.transcripts.erasing import Keeping
from tertulia.transcripts.errors import TranscriptMissingError
from tertulia.transcripts.finalising import WRITE_DOCUMENT
from tertulia.transcripts.readings import AGAIN, Begun, Readings
from tertulia.transcripts.recordings import DRAW, Recordings
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.waveform import NOTHING_HEARD, Decodes, measured

RETAIN = "transcripts.retain"
DOOR = "files"
"""Under which the ledger counts recordings that are read again."""
WRITING = Retry(attempts=20, first_seconds=5.0, factor=3.0, cap_seconds=3600.0)
"""A disk that is full is full for hours; the text is safe meanwhile."""


class HallTasks:
    """Writes documents and measures recordings."""

    def __init__(
        self, service: TranscriptService, recordings: Recordings, decoder: Decodes
    ) -> None:
        self._service = service
        self._recordings = recordings
        self._decoder = decoder

    def register(self, jobs: Jobs) -> None:
        jobs.register(WRITE_DOCUMENT, self.write_document, retry=WRITING)
        jobs.sweep(WRITE_DOCUMENT, self._service.stale)
        jobs.register(DRAW, self.draw, queue="speech", retry=Retry(attempts=3, first_seconds=30.0))

    async def write_document(self, step: Step) -> None:
        """The document of a final transcript; one that went away meanwhile needs none."""
        try:
            await self._service.write_document(step.tx, UUID(step.args["id"]))
        except TranscriptMissingError:
            return

    async def draw(self, step: Step) -> None:
        """Reads a recording once, without holding a connection meanwhile."""
        id_ = UUID(step.args["id"])
        try:
            async with step.transaction() as tx:
                download = await self._recordings.opened(tx, id_)
        except (TranscriptMissingError, BlobMissingError):
            return
        if download is None:
            return
        async with fetched(download) as path:
            try:
                drawn = await measured(self._decoder, path)
            except UnavailableError:
                raise
            except TertuliaError:
                # what the decoder refuses today it refuses tomorrow: there is nothing to draw
                drawn = NOTHING_HEARD
        await self._recordings.drawn(step.tx, id_, drawn)


class ReadingTasks:
    """Reads recordings once more, for the job queue."""

    def __init__(
        self, readings: Readings, reader: RecordingReader, ledger: Ledger | None = None
    ) -> None:
        self._readings = readings
        self._reader = reader
        self._ledger = ledger

    def register(self, jobs: Jobs) -> None:
        jobs.register(
            AGAIN,
            self.read,
            retry=RETRY,
            queue="speech",
            timeout_seconds=LONGEST_SECONDS,
            on_give_up=self._give_up,
        )
        jobs.sweep(AGAIN, self._readings.orphans)

    async def read(self, step: Step) -> None:
        """One try: every transaction in it is short, none is held while audio is read."""
        id_ = UUID(step.args["id"])
        try:
            async with step.transaction() as tx:
                begun = await self._readings.begin(tx, id_)
            if begun is None:
                return
            wishes = await self._affordable(step, begun)
            async with fetched(begun.audio) as path:
                text = await self._reader.read(path, wishes, lambda _: None)
        except TertuliaError as error:
            if passing(error) and not step.last:
                raise later(error) from error
            await self._readings.fail(step.tx, id_, error)
            return
        await self._readings.finish(step.tx, id_, text)
        await self._count(step.tx, begun, text)

    async def _affordable(self, step: Step, begun: Begun) -> Wishes:
        """With the engines that the budget leaves; refused where it leaves none."""
        if self._ledger is None:
            return begun.wishes
        chain = self._reader.chain(begun.wishes)
        async with step.transaction() as tx:
            allowed = await self._ledger.allowed(tx, Spender(begun.space_id), chain)
        return begun.wishes if allowed == chain else replace(begun.wishes, engine=allowed)

    async def _count(self, tx: Transaction, begun: Begun, text: Recognition) -> None:
        if self._ledger is not None:
            use = Use(
                door=DOOR,
                space_id=begun.space_id,
                engine=text.provider.rpartition("|")[2],
                unit=Unit.SECONDS,
                quantity=text.duration_seconds,
                transcript_id=begun.reading.transcript_id,
                user_id=begun.reading.created_by,
                latency_ms=text.elapsed_ms,
            )
            await self._ledger.record(tx, use)

    async def _give_up(self, tx: Transaction, args: Args, error: Exception) -> None:
        known = error if isinstance(error, TertuliaError) else None
        failure = known or ReadingFailedError(
            "The server failed while it read this recording. Its log says where. Try another engine."
        )
        await self._readings.fail(tx, UUID(args["id"]), failure)


class KeepingTasks:
    """The daily round through the spaces' rules."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping

    def register(self, jobs: Jobs) -> None:
        jobs.register(RETAIN, self.retain)
        jobs.schedule("17 3 * * *", RETAIN)

    async def retain(self, step: Step) -> None:
        """Lets go of what is past its time, a few hundred conversations in a transaction."""
        async with step.transaction() as tx:
            rules = await self._keeping.all_rules(tx)
        for rule in rules:
            own = [r.kind for r in rules if r.space_id == rule.space_id and r.kind]
            gone = 1
            while gone:
                async with step.transaction() as tx:
                    gone = await self._keeping.let_go(tx, rule, own)
