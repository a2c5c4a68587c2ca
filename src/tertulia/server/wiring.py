"""The whole product put together, to be read from top to bottom: which part gets which port."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from tertulia.blobs.domain import BlobStore
from tertulia.blobs.opening import open_store
from tertulia.blobs.service import BlobService
from tertulia.demo import Demo
from tertulia.demo.tasks import DemoTasks
from tertulia.events.postgres import PostgresTransport
from tertulia.events.service import Events
from tertulia.events.transport import Transport
from tertulia.identity import tasks as identity_tasks
from tertulia.identity.access import Access
from tertulia.identity.accounts import Accounts
from tertulia.identity.authenticator import Authenticator
from tertulia.identity.changes import OUTSIDE as MEMBER_EVENTS
from tertulia.identity.changes import TOPIC as IDENTITY_TOPIC
from tertulia.identity.domain import SPEECH
from tertulia.identity.rate_limits import RateLimiter
from tertulia.identity.revocation import RevocationWatch
from tertulia.identity.service import IdentityService
from tertulia.jobs.service import Jobs, Step
from tertulia.jobs.worker import Worker
from tertulia.kernel.clock import Clock, SystemClock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.folder import DataFolder
from tertulia.kernel.outbound import OutboundGuard, guarded_client
from tertulia.kernel.schema import Schema
from tertulia.kernel.settings import Settings
from tertulia.language.service import LanguageService
from tertulia.ledger import domain as ledger_domain
from tertulia.ledger.service import Ledger
from tertulia.server.analysis import Analyses, build_analysis
from tertulia.server.hall import Hall, build_hall
from tertulia.server.language import build_language
from tertulia.server.live import Live, build_live
from tertulia.server.metrics import Metrics
from tertulia.server.speech import Speech, SpeechLoad, build_speech, running_speech
from tertulia.server.storage import Storage, opened_storage
from tertulia.server.voice import VoiceParts, build_voice
from tertulia.speech.report import EngineReport
from tertulia.speech.transcriptions.domain import OUTSIDE as TRANSCRIPTION_EVENTS
from tertulia.speech.transcriptions.reading import SpeechReader
from tertulia.speech.transcriptions.service import TranscriptionService
from tertulia.speech.transcriptions.tasks import TranscriptionTasks
from tertulia.transcripts.domain import Transcript
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.writer import SegmentWriter
from tertulia.webhooks import Sender, Webhooks
from tertulia.webhooks import tasks as webhook_tasks

log = logging.getLogger(__name__)

RESTART_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a server, a worker or a command works with."""

    settings: Settings
    clock: SystemClock
    metrics: Metrics
    storage: Storage
    database: Database
    events: Events
    jobs: Jobs
    worker: Worker
    blob_store: BlobStore
    blobs: BlobService
    identity: IdentityService
    authenticator: Authenticator
    accounts: Accounts
    revocations: RevocationWatch
    access: Access
    limiter: RateLimiter
    webhooks: Webhooks
    webhook_sender: Sender
    ledger: Ledger
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
    """Puts the parts together; opens nothing."""
    clock = SystemClock()
    metrics = Metrics()
    database = storage.database
    events = Events(_transport(settings, database), clock=clock)
    jobs = Jobs(database)
    blob_store = open_store(settings)
    blobs = _blobs(database, jobs, blob_store, clock)

    webhooks, webhook_sender = _webhooks(settings, jobs, events, clock)
    identity = _identity(settings, jobs, events, webhooks, clock)
    revocations = RevocationWatch(database, clock, identity.changes)
    authenticator = Authenticator(
        database,
        clock,
        identity.changes,
        revocations,
        session_life=timedelta(days=settings.session_days),
    )

    ledger = _ledger(settings, identity, clock)
    speech = build_speech(settings, metrics)
    language = build_language(settings, metrics, clock)
    hall = build_hall(
        settings,
        database,
        identity,
        blobs,
        jobs,
        events,
        webhooks,
        clock,
        speech,
        ledger,
        language.embedder,
    )
    transcriptions = _transcriptions(settings, speech, blobs, jobs, webhooks, clock, hall, ledger)
    hall.without(transcriptions)
    hall.service.before_erasure(ledger.forget_transcripts)
    analyses = build_analysis(
        settings, database, identity, hall.service, language, ledger, jobs, events, webhooks, clock
    )

    live = build_live(
        settings,
        database,
        clock,
        identity=identity,
        hall=hall.service,
        events=events,
        ledger=ledger,
        speech=speech,
        jobs=jobs,
    )

    talk = build_voice(
        settings,
        database,
        identity,
        webhooks,
        blobs,
        ledger,
        speech.service,
        language,
        hall.service,
        clock,
    )

    # what is only in a space goes with it, in the same transaction
    identity.spaces.before_removal(transcriptions.delete_space)
    identity.spaces.before_removal(blobs.delete_space)

    return Services(
        settings=settings,
        clock=clock,
        metrics=metrics,
        storage=storage,
        database=database,
        events=events,
        jobs=jobs,
        worker=Worker(
            jobs,
            concurrency=settings.worker_concurrency,
            shutdown_seconds=settings.shutdown_seconds,
        ),
        blob_store=blob_store,
        blobs=blobs,
        identity=identity,
        authenticator=authenticator,
        accounts=Accounts(database, clock, identity),
        revocations=revocations,
        access=Access(authenticator, public_url=settings.public_url),
        limiter=RateLimiter(settings),
        webhooks=webhooks,
        webhook_sender=webhook_sender,
        ledger=ledger,
        speech=speech,
        language=language,
        analyses=analyses,
        talk=talk,
        transcriptions=transcriptions,
        hall_parts=hall,
        hall=hall.service,
        hall_exporter=hall.exporter,
        demo=_demo(hall, blobs, speech, analyses, identity, jobs, clock),
        segment_writer=hall.writer,
        live=live,
        url=url,
        started_at=clock.now(),
    )


def _blobs(database: Database, jobs: Jobs, store: BlobStore, clock: Clock) -> BlobService:
    blobs = BlobService(database, store, clock)

    async def sweep(_: Step) -> None:
        await blobs.sweep()

    jobs.register("blobs.sweep", sweep)
    jobs.schedule("41 * * * *", "blobs.sweep")
    return blobs


def _webhooks(
    settings: Settings, jobs: Jobs, events: Events, clock: Clock
) -> tuple[Webhooks, Sender]:
    guard = OutboundGuard(settings.webhook_allowed_networks)
    webhooks = Webhooks(jobs, guard, clock, announcer=events, keep_days=settings.webhook_keep_days)
    sender = Sender(
        guarded_client(guard, timeout_seconds=settings.webhook_timeout_seconds),
        clock,
        timeout_seconds=settings.webhook_timeout_seconds,
    )
    webhook_tasks.register(jobs, webhooks, sender)
    for name, (meaning, example) in {**MEMBER_EVENTS, **TRANSCRIPTION_EVENTS}.items():
        webhooks.types.register(name, meaning, example)
    return webhooks, sender


def _identity(
    settings: Settings, jobs: Jobs, events: Events, webhooks: Webhooks, clock: Clock
) -> IdentityService:
    identity = IdentityService(settings, clock, announcer=events, outside=webhooks)
    identity_tasks.register(jobs, identity, clock)
    identity.scopes.register(
        SPEECH, "Transcribe recordings, speak texts, and see one's own of both."
    )
    return identity


def _ledger(settings: Settings, identity: IdentityService, clock: Clock) -> Ledger:
    identity.scopes.register(ledger_domain.READ, "See what was used and what it cost.")
    identity.scopes.register(ledger_domain.WRITE, "Set budgets.")
    prices = ledger_domain.Prices(
        {
            engine: {str(unit): price for unit, price in units.items()}
            for engine, units in settings.prices.items()
        }
    )
    return Ledger(clock, prices, cheaper=settings.cheaper_engines, currency=settings.currency)


def _transcriptions(
    settings: Settings,
    speech: Speech,
    blobs: BlobService,
    jobs: Jobs,
    webhooks: Webhooks,
    clock: Clock,
    hall: Hall,
    ledger: Ledger,
) -> TranscriptionService:
    reader = SpeechReader(speech.service)
    transcriptions = TranscriptionService(
        blobs=blobs,
        jobs=jobs,
        clock=clock,
        check=reader.check,
        max_upload_bytes=settings.max_upload_bytes,
        keep_uploads=settings.keep_uploads,
        outside=webhooks,
        hall=hall.recordings,
        redaction=hall.service.redaction,
    )
    TranscriptionTasks(transcriptions, reader, clock, ledger).register(jobs)
    return transcriptions


def _demo(
    hall: Hall,
    blobs: BlobService,
    speech: Speech,
    analyses: Analyses,
    identity: IdentityService,
    jobs: Jobs,
    clock: Clock,
) -> Demo:
    async def understand(tx: Transaction, made: Transcript) -> None:
        await analyses.service.request(tx, None, made.id, chain="offline")

    demo = Demo(hall.service, hall.recordings, blobs, speech.service, jobs, clock, understand)
    DemoTasks(demo, identity).register(jobs)
    return demo


def _transport(settings: Settings, database: Database) -> Transport:
    if settings.redis_url is None:
        return PostgresTransport(database.conninfo)
    from tertulia.events.redis import RedisTransport

    return RedisTransport(settings.redis_url.get_secret_value())


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
        await services.events.start()
        stack.push_async_callback(services.events.stop)
        stack.push_async_callback(services.limiter.close)
        stack.push_async_callback(services.blob_store.close)
        stack.push_async_callback(services.webhook_sender.close)
        stack.push_async_callback(services.language.close)
        stack.push_async_callback(services.talk.close)
        if server:
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
