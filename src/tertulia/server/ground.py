"""What every area of the product stands on, and who its people are: the first things that are put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from tertulia.blobs.domain import BlobStore
from tertulia.blobs.opening import open_store
from tertulia.blobs.service import BlobService
from tertulia.events.postgres import PostgresTransport
from tertulia.events.service import Events
from tertulia.events.transport import Transport
from tertulia.identity import tasks as identity_tasks
from tertulia.identity.access import Access
from tertulia.identity.accounts import Accounts
from tertulia.identity.authenticator import Authenticator
from tertulia.identity.changes import OUTSIDE as MEMBER_EVENTS
from tertulia.identity.domain import SPEECH
from tertulia.identity.rate_limits import RateLimiter
from tertulia.identity.revocation import RevocationWatch
from tertulia.identity.service import IdentityService
from tertulia.jobs.service import Jobs, Step
from tertulia.jobs.worker import Worker
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.outbound import OutboundGuard, guarded_client
from tertulia.kernel.settings import Settings
from tertulia.ledger import domain as ledger_domain
from tertulia.ledger.service import Ledger
from tertulia.server.metrics import Metrics
from tertulia.server.storage import Storage, opened_storage
from tertulia.speech.transcriptions.domain import OUTSIDE as TRANSCRIPTION_EVENTS
from tertulia.webhooks import Sender, Webhooks
from tertulia.webhooks import tasks as webhook_tasks


@dataclass(frozen=True)
class Ground:
    """Settings, time, the database, and what is later, elsewhere or big."""

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
    webhooks: Webhooks
    webhook_sender: Sender


@dataclass(frozen=True)
class Callers:
    """Who is asking, what they may, how often, and what it cost."""

    identity: IdentityService
    authenticator: Authenticator
    accounts: Accounts
    revocations: RevocationWatch
    access: Access
    limiter: RateLimiter
    ledger: Ledger


@dataclass(frozen=True)
class Standing(Ground, Callers):
    """The ground and its callers: all that a command about people needs."""


def parts(of: Ground | Callers) -> dict[str, Any]:
    """Its parts by their names."""
    return {part.name: getattr(of, part.name) for part in fields(of)}


@asynccontextmanager
async def opened_ground(settings: Settings) -> AsyncIterator[Standing]:
    """Opens the ground alone, beside a running server or without one."""
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(
            opened_storage(settings, claim=False, watch=False)
        )
        ground = build_ground(settings, storage)
        standing = Standing(**parts(ground), **parts(build_callers(ground)))
        await open_ground(standing, stack)
        yield standing


async def open_ground(standing: Standing, stack: AsyncExitStack) -> None:
    """Has it hear events, and close with `stack` what it opened."""
    await standing.events.start()
    stack.push_async_callback(standing.events.stop)
    stack.push_async_callback(standing.limiter.close)
    stack.push_async_callback(standing.blob_store.close)
    stack.push_async_callback(standing.webhook_sender.close)


def build_ground(settings: Settings, storage: Storage) -> Ground:
    """Puts the ground together; opens nothing."""
    clock = SystemClock()
    database = storage.database
    events = Events(_transport(settings, database), clock=clock)
    jobs = Jobs(database)
    blob_store = open_store(settings)
    webhooks, sender = _webhooks(settings, jobs, events, clock)
    return Ground(
        settings=settings,
        clock=clock,
        metrics=Metrics(),
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
        blobs=_blobs(database, jobs, blob_store, clock),
        webhooks=webhooks,
        webhook_sender=sender,
    )


def build_callers(ground: Ground) -> Callers:
    """Puts identity together, and the ledger that counts for it."""
    settings, clock, database = ground.settings, ground.clock, ground.database
    identity = IdentityService(settings, clock, announcer=ground.events, outside=ground.webhooks)
    identity_tasks.register(ground.jobs, identity, clock)
    identity.scopes.register(
        SPEECH, "Transcribe recordings, speak texts, and see one's own of both."
    )
    revocations = RevocationWatch(database, clock, identity.changes)
    authenticator = Authenticator(
        database,
        clock,
        identity.changes,
        revocations,
        session_life=timedelta(days=settings.session_days),
    )
    return Callers(
        identity=identity,
        authenticator=authenticator,
        accounts=Accounts(database, clock, identity),
        revocations=revocations,
        access=Access(authenticator, public_url=settings.public_url),
        limiter=RateLimiter(settings),
        ledger=_ledger(settings, identity, clock),
    )


def _transport(settings: Settings, database: Database) -> Transport:
    if settings.redis_url is None:
        return PostgresTransport(database.conninfo)
    from tertulia.events.redis import RedisTransport

    return RedisTransport(settings.redis_url.get_secret_value())


def _blobs(database: Database, jobs: Jobs, store: BlobStore, clock: SystemClock) -> BlobService:
    blobs = BlobService(database, store, clock)

    async def sweep(_: Step) -> None:
        await blobs.sweep()

    jobs.register("blobs.sweep", sweep)
    jobs.schedule("41 * * * *", "blobs.sweep")
    return blobs


def _webhooks(
    settings: Settings, jobs: Jobs, events: Events, clock: SystemClock
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


def _ledger(settings: Settings, identity: IdentityService, clock: SystemClock) -> Ledger:
    identity.scopes.register(ledger_domain.READ, "See what was used and what it cost.")
    identity.scopes.register(ledger_domain.WRITE, "Set budgets.")
    prices = ledger_domain.Prices(
        {
            engine: {str(unit): price for unit, price in units.items()}
            for engine, units in settings.prices.items()
        }
    )
    return Ledger(clock, prices, cheaper=settings.cheaper_engines, currency=settings.currency)
