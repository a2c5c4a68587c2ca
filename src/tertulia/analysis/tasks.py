"""The durable job that reads a conversation: the same however often it is begun, and no answer is paid twice."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import structlog

from tertulia.analysis.domain import Analysis, Reading
from tertulia.analysis.material import Material
from tertulia.analysis.modelled import Answers, Modelled, UnwantedError
from tertulia.analysis.offline import read_offline
from tertulia.analysis.service import RUN_JOB, AnalysisService
from tertulia.jobs import Jobs, Retry, RetryJobError, Step
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import TertuliaError, UnavailableError
from tertulia.language.domain import OFFLINE, Link, Spent
from tertulia.language.errors import LanguageError
from tertulia.language.usage import Usage
from tertulia.transcripts.errors import TranscriptMissingError

log = structlog.get_logger(__name__)

QUEUE = "analysis"
RETRY = Retry(attempts=5, first_seconds=10.0, factor=4.0, cap_seconds=900.0)
LONGEST_SECONDS = 2 * 3600.0


class AnalysisFailedError(TertuliaError):
    """Every try at a conversation ended in something unforeseen."""

    code = "analysis_failed"
    title = "The conversation could not be analysed"


class AnalysisTasks:
    """Reads conversations for the job queue."""

    def __init__(self, service: AnalysisService, modelled: Modelled) -> None:
        self._service = service
        self._modelled = modelled

    def register(self, jobs: Jobs) -> None:
        jobs.register(
            RUN_JOB,
            self.run,
            retry=RETRY,
            queue=QUEUE,
            timeout_seconds=LONGEST_SECONDS,
            on_give_up=self._give_up,
        )
        jobs.sweep(RUN_JOB, self._service.orphans)

    async def run(self, step: Step) -> None:
        """One try: every transaction in it is short, none is held while a model thinks."""
        id_, run = UUID(step.args["id"]), UUID(step.args["run"])
        try:
            async with step.transaction() as tx:
                begun = await self._service.begin(tx, id_, run)
                if begun is None:
                    return
                material = await self._service.material(tx, id_)
                chain = await self._service.chain(tx, begun)
                kept = await self._service.parts(tx, begun)
            reading = await self._read(step, begun, material, chain, kept)
        except TranscriptMissingError:
            return
        except TertuliaError as error:
            if _passing(error) and not step.last:
                raise _later(error) from error
            await self._service.fail(step.tx, id_, run, error)
            return
        if reading is not None:
            await self._service.finish(step.tx, begun, material, reading)

    async def _read(
        self,
        step: Step,
        begun: Analysis,
        material: Material,
        chain: tuple[Link, ...],
        kept: Answers,
    ) -> Reading | None:
        """By the models of the chain, or offline where it says so; None when it is wanted no more."""
        models = tuple(link for link in chain if not link.is_offline)
        offline = len(models) < len(chain)
        tried: list[str] = []
        if models:
            try:
                return await self._by_models(step, begun, material, models, kept)
            except UnwantedError:
                return None
            except LanguageError as error:
                await self._paid(step, begun, material, error.spent)
                if not offline:
                    raise
                log.warning("analysis falls back to offline", code=error.code)
                tried = list(dict.fromkeys(link.engine for link in models))
        began = time.monotonic()
        reading = await asyncio.to_thread(read_offline, material, begun.wanted)
        took_ms = round((time.monotonic() - began) * 1000)
        await self._paid(step, begun, material, [Spent(OFFLINE, None, Usage(), took_ms)])
        provider = "|".join([*tried, OFFLINE])
        return Reading(reading.results, provider, covered=reading.covered)

    async def _paid(
        self, step: Step, begun: Analysis, material: Material, spent: Sequence[Spent]
    ) -> None:
        async with step.transaction() as tx:
            await self._service.record(
                tx,
                begun.space_id,
                begun.transcript_id,
                material.transcript.kind.value,
                begun.requester,
                spent,
                characters=material.characters,
            )

    async def _by_models(
        self,
        step: Step,
        begun: Analysis,
        material: Material,
        models: tuple[Link, ...],
        kept: Answers,
    ) -> Reading:
        door = material.transcript.kind.value

        async def keep(
            name: str, answer: dict[str, object], spent: tuple[Spent, ...], progress: float
        ) -> bool:
            async with step.transaction() as tx:
                return await self._service.keep_part(tx, begun, name, answer, door, spent, progress)

        return await self._modelled.read(material, begun.wanted, models, kept, keep)

    async def _give_up(self, tx: Transaction, args: object, error: Exception) -> None:
        assert isinstance(args, dict)
        known = error if isinstance(error, TertuliaError) else None
        failure = known or AnalysisFailedError(
            "The server failed while it read this conversation. Its log says where. Ask for it again."
        )
        await self._service.fail(tx, UUID(args["id"]), UUID(args["run"]), failure)


def _passing(error: TertuliaError) -> bool:
    """Whether it may work in a while: a vendor is away, or slow."""
    if isinstance(error, LanguageError):
        return error.retryable or int(error.status) in (503, 504)
    return isinstance(error, UnavailableError)


def _later(error: TertuliaError) -> TertuliaError:
    after = error.retry_after_seconds if isinstance(error, LanguageError) else None
    return RetryJobError(error.detail, after_seconds=after) if after else error
