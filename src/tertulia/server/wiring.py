"""The whole product put together, to be read from top to bottom: which area gets which parts."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from tertulia.demo import Demo
from tertulia.demo.tasks import DemoTasks
from tertulia.identity.changes import TOPIC as IDENTITY_TOPIC
from tertulia.jobs.worker import Worker
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.folder import DataFolder
from tertulia.kernel.schema import Schema
from tertulia.kernel.settings import Settings
from tertulia.language.service import LanguageService
from tertulia.server.analysis import Analyses, build_analysis
from tertulia.server.ground import (
    Callers,
    Ground,
    Standing,
    build_callers,
    build_ground,
    open_ground,
    parts,
)
from tertulia.server.hall import Hall, build_hall
from tertulia.server.language import build_language
from tertulia.server.live import Live, build_live
from tertulia.server.speech import Speech, SpeechLoad, build_speech, running_speech
from tertulia.server.storage import Storage, opened_storage
from tertulia.server.voice import VoiceParts, build_voice
from tertulia.speech.report import EngineReport
from tertulia.speech.transcriptions.reading import SpeechReader
from tertulia.speech.transcriptions.service import TranscriptionService
from tertulia.speech.transcriptions.tasks import TranscriptionTasks
from tertulia.transcripts.domain import Transcript
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.writer import SegmentWriter

log = logging.getLogger(__name__)

RESTART_SECONDS = 1.0


@dataclass(frozen=True)
class Services(Standing):
    """Everything a server, a worker or a command works with."""

    speech: Speech
    language: LanguageService
    analyses: Analyses
    talk: VoiceParts
    transcriptions: TranscriptionService
    hall_parts: Hall
    hall: TranscriptService
    hall_exporter: Exporter
    demo: Demo
    segment_writer: SegmentWriter
    live: Live
    url: str
    started_at: datetime

    def speech_engines(self) -> list[EngineReport]:
        return self.speech.engines()

    async def speech_load(self) -> SpeechLoad | None:
        return await self.speech.load()

    async def first_start_link(self) -> str | None:
        """The one-time link that makes the first account, or None when there is one."""
        async with self.database.transaction() as tx:
            secret = await self.identity.first_start_link(tx)
        return f"{self.url}/sign-in?link={secret}" if secret else None


def build(settings: Settings, storage: Storage, url: str) -> Services:
    """Puts the parts together, from the ground up; opens nothing."""
    ground = build_ground(settings, storage)
    callers = build_callers(ground)
    speech = build_speech(settings, ground.metrics)
    language = build_language(settings, ground.metrics, ground.clock)
    hall = build_hall(ground, callers, speech, language.embedder)
    transcriptions = _transcriptions(ground, callers, speech, hall)
    hall.without(transcriptions)
    hall.service.before_erasure(callers.ledger.forget_transcripts)
    analyses = build_analysis(ground, callers, hall.service, language)
    live = _live(ground, callers, hall, speech)
    talk = _talk(ground, callers, speech, language, hall)
    demo = _demo(ground, callers, hall, speech, analyses)

    # what is only in a space goes with it, in the same transaction; its files last
    callers.identity.spaces.before_removal(transcriptions.delete_space)
    callers.identity.spaces.before_removal(ground.blobs.delete_space)

    return Services(
        **parts(ground),
        **parts(callers),
        speech=speech,
        language=language,
        analyses=analyses,
        talk=talk,
        transcriptions=transcriptions,
        hall_parts=hall,
        hall=hall.service,
        hall_exporter=hall.exporter,
        demo=demo,
        segment_writer=hall.writer,
        live=live,
        url=url,
        started_at=ground.clock.now(),
    )


def _transcriptions(
    ground: Ground, callers: Callers, speech: Speech, hall: Hall
) -> TranscriptionService:
    reader = SpeechReader(speech.service)
    transcriptions = TranscriptionService(
        blobs=ground.blobs,
        jobs=ground.jobs,
        clock=ground.clock,
        check=reader.check,
        max_upload_bytes=ground.settings.max_upload_bytes,
        keep_uploads=ground.settings.keep_uploads,
        outside=ground.webhooks,
        hall=hall.recordings,
        redaction=hall.service.redaction,
    )
    TranscriptionTasks(transcriptions, reader, ground.clock, callers.ledger).register(ground.jobs)
    return transcriptions


def _live(ground: Ground, callers: Callers, hall: Hall, speech: Speech) -> Live:
    return build_live(
        ground.settings,
        ground.database,
        ground.clock,
        identity=callers.identity,
        hall=hall.service,
        events=ground.events,
        ledger=callers.ledger,
        speech=speech,
        jobs=ground.jobs,
    )


def _talk(
    ground: Ground, callers: Callers, speech: Speech, language: LanguageService, hall: Hall
) -> VoiceParts:
    return build_voice(
        ground.settings,
        ground.database,
        callers.identity,
        ground.webhooks,
        ground.blobs,
        callers.ledger,
        speech.service,
        language,
        hall.service,
        ground.clock,
    )


def _demo(ground: Ground, callers: Callers, hall: Hall, speech: Speech, analyses: Analyses) -> Demo:
    async def understand(tx: Transaction, made: Transcript) -> None:
        await analyses.service.request(tx, None, made.id, chain="offline")

    demo = Demo(
        hall.service,
        hall.recordings,
        ground.blobs,
        speech.service,
        ground.jobs,
        ground.clock,
        understand,
    )
    DemoTasks(demo, callers.identity).register(ground.jobs)
    return demo


@asynccontextmanager
async def opened_services(
    settings: Settings, *, server: bool = False, worker: bool = False, url: str = ""
) -> AsyncIterator[Services]:
    """Opens everything in order, and closes it in the reverse one.

    A server holds the folder, watches and answers; a worker needs speech as well; a command needs neither.
    """
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(
            opened_storage(settings, claim=server, watch=server)
        )
        services = build(settings, storage, url or settings.public_url or "")
        await open_ground(services, stack)
        stack.push_async_callback(services.language.close)
        stack.push_async_callback(services.talk.close)
        if server:
            await services.talk.start(services.database)
            await stack.enter_async_context(_running("revocations", services.revocations.run))
            await stack.enter_async_context(
                _running("identity changes", partial(_hear_identity, services))
            )
        if server or worker:
            await stack.enter_async_context(services.segment_writer.running())
            await stack.enter_async_context(running_speech(services.speech))
            await stack.enter_async_context(_running("language", services.language.prepare))
        if server:
            await stack.enter_async_context(services.live.running())
        if server and settings.worker_inside:
            await stack.enter_async_context(_working(services.worker))
        yield services


def described_services(settings: Settings) -> Services:
    """Services that can be described but not used: for the API's own description."""
    database = Database("dbname=described")
    storage = Storage(settings, DataFolder(Path()), None, database, Schema("dbname=described"))
    return build(settings, storage, "")


async def _hear_identity(services: Services) -> None:
    """Rights taken away on one node end on this one too."""
    async with services.events.subscribe(IDENTITY_TOPIC) as subscription:
        async for event in subscription:
            services.identity.changes.heard(event.type, event.data)


@asynccontextmanager
async def _running(name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Keeps `work` going beside the server; one that breaks is said and begun again."""

    async def keep() -> None:
        while True:
            try:
                await work()
                return
            except TertuliaError as error:
                log.warning(
                    "a part stopped and is begun again", extra={"part": name, "code": error.code}
                )
            except Exception:
                log.exception("a part broke and is begun again", extra={"part": name})
            await asyncio.sleep(RESTART_SECONDS)

    task = asyncio.create_task(keep(), name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _working(worker: Worker) -> AsyncIterator[None]:
    """Runs jobs inside the server; at the end what is under way is finished or given back."""
    stopped = asyncio.Event()

    async def work() -> None:
        await worker.run()
        stopped.set()

    async with _running("jobs", work):
        try:
            yield
        finally:
            worker.stop()
            await stopped.wait()
