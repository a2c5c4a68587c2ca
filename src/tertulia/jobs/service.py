"""Jobs that outlive the process: made in the transaction that changes the data, done at least once, counted once."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tertulia.jobs import store
from tertulia.jobs.domain import NEVER, Args, Enqueue, JobCounts, Orphan, Retry
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.http import correlation_id

log = logging.getLogger(__name__)

CORRELATION = "_correlation_id"
"""The reserved argument in which the correlation id travels."""

ALIVE_SECONDS = 60.0
KEEP_SUCCEEDED_HOURS = 24
KEEP_ENDED_HOURS = 24 * 30
PRUNE_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """One run of a job.

    `tx` takes its connection when it is first used, and is committed together with the end of the job. A handler
    that reads something, works for minutes and then writes reads in `transaction()`, so that it holds no
    connection meanwhile.
    """

    tx: Transaction
    args: Args
    job_id: int
    attempt: int
    """From 1."""
    last: bool
    """Whether there is no further try after this one."""
    database: Database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction of its own, committed at its end: for reading, and for leaving a key before paying."""
        async with self.database.transaction() as tx:
            yield tx


Handler = Callable[[Step], Awaitable[None]]
GiveUp = Callable[[Transaction, Args, Exception], Awaitable[None]]
Find = Callable[[Transaction], Awaitable[Iterable[Orphan]]]


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """What is known of a job by its name."""

    name: str
    handler: Handler
    retry: Retry
    queue: str
    lock: str | None
    timeout_seconds: float
    on_give_up: GiveUp | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that comes by the clock."""

    cron: str
    name: str
    args: Mapping[str, Any]


class Jobs:
    """What a package uses to have work done later, and what a worker reads to do it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.definitions: dict[str, JobDefinition] = {}
        self.schedules: list[Schedule] = []
        self._sweeps: dict[str, Find] = {}
        self.register("jobs.sweep", self._sweep, retry=NEVER)
        self.register("jobs.prune", self._prune, retry=NEVER)
        self.schedule("* * * * *", "jobs.sweep")
        self.schedule("17 * * * *", "jobs.prune")

    def register(
        self,
        name: str,
        handler: Handler,
        *,
        retry: Retry = Retry(),  # noqa: B008 - frozen
        queue: str = "default",
        lock: str | None = None,
        timeout_seconds: float = 3600.0,
        on_give_up: GiveUp | None = None,
    ) -> None:
        """Says what `name` means; before the worker starts.

        `on_give_up` runs in the transaction that marks the job as failed for good: it leaves the package's own row
        in a state that says so.
        """
        if name in self.definitions:
            raise ValueError(f"The job {name} is registered twice. Give one of them another name.")
        self.definitions[name] = JobDefinition(
            name, handler, retry, queue, lock, timeout_seconds, on_give_up
        )

    def schedule(self, cron: str, name: str, args: Args | None = None) -> None:
        """Enqueues `name` whenever `cron` (UTC) says so, once over all workers; not while an earlier one waits."""
        self._definition(name)
        self.schedules.append(Schedule(cron, name, dict(args or {})))

    def sweep(self, name: str, find: Find) -> None:
        """Has `find` asked every minute for rows that wait for the job `name`; those without one get it again."""
        self._definition(name)
        self._sweeps[name] = find

    async def enqueue(
        self,
        tx: Transaction,
        name: str,
        args: Args | None = None,
        *,
        key: str | None = None,
        schedule_at: datetime | None = None,
        priority: int = 0,
        lock: str | None = None,
    ) -> int:
        """Makes a job in `tx` and returns its id; a higher priority goes first.

        While a job with this key waits there is no second one: the waiting one is returned, at the earlier time of
        the two. One that is already running does not count, for it may have read things before this change.
        Jobs with the same `lock` run one after another, in the order they were made.
        """
        definition = self._definition(name)
        return await store.enqueue(
            tx,
            queue=definition.queue,
            name=name,
            priority=priority,
            lock=lock or definition.lock,
            key=_queueing_lock(name, key),
            args=_with_correlation(args or {}),
            at=schedule_at,
        )

    async def enqueue_many(
        self,
        tx: Transaction,
        name: str,
        items: Sequence[Enqueue],
        *,
        schedule_at: datetime | None = None,
        priority: int = 0,
    ) -> int:
        """Makes many jobs in one statement; keys must differ within one call. Returns how many wait now."""
        if not items:
            return 0
        definition = self._definition(name)
        rows = [
            (
                _with_correlation(item.args),
                _queueing_lock(name, item.key),
                item.lock or definition.lock,
            )
            for item in items
        ]
        return await store.enqueue_many(
            tx,
            queue=definition.queue,
            name=name,
            priority=priority,
            at=schedule_at,
            items=rows,
        )

    async def counts(self, tx: Transaction) -> list[JobCounts]:
        """How many jobs of each name wait, run or have failed."""
        return await store.counts(tx)

    async def workers(self, tx: Transaction) -> int:
        """How many workers were alive within the last minute."""
        return await store.workers(tx, ALIVE_SECONDS)

    async def holds(self, tx: Transaction, name: str, key: str) -> bool:
        """Whether a job `name` with this key waits or runs."""
        lock = _queueing_lock(name, key)
        assert lock is not None
        return lock in await store.held_keys(tx, [lock])

    async def _sweep(self, step: Step) -> None:
        for name, find in self._sweeps.items():
            async with step.transaction() as tx:
                orphans = {_queueing_lock(name, orphan.key): orphan for orphan in await find(tx)}
                held = await store.held_keys(tx, [lock for lock in orphans if lock])
                for lock, orphan in orphans.items():
                    if lock not in held:
                        log.warning("a row waits for %s without a job, enqueueing it", name)
                        await self.enqueue(tx, name, orphan.args, key=orphan.key)

    async def _prune(self, step: Step) -> None:
        for statuses, hours in (
            (["succeeded"], KEEP_SUCCEEDED_HOURS),
            (["failed", "cancelled", "aborted"], KEEP_ENDED_HOURS),
        ):
            gone = PRUNE_AT_ONCE
            while gone == PRUNE_AT_ONCE:
                async with step.transaction() as tx:
                    gone = await store.prune(tx, statuses, hours, PRUNE_AT_ONCE)

    def _definition(self, name: str) -> JobDefinition:
        try:
            return self.definitions[name]
        except KeyError:
            raise LookupError(f"No job is called {name}. Register it first.") from None


def _queueing_lock(name: str, key: str | None) -> str | None:
    return None if key is None else f"{name}:{key}"


def _with_correlation(args: Args) -> dict[str, Any]:
    found = correlation_id.get()
    return {**args, CORRELATION: found} if found else dict(args)
