"""Procrastinate's job manager, made to outlive a database that goes away and comes back."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import psycopg
from procrastinate import exceptions
from procrastinate.connector import BaseAsyncConnector
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tertulia.jobs import store
from tertulia.kernel.listening import backoff_seconds, connect, listen

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_SECONDS = 30.0
"""How long a worker waits when nobody tells it anything and nothing is due; a safety net."""
UNKNOWN_WAIT_SECONDS = 30.0
UNKNOWN_ATTEMPTS = 2_880
"""A day of half minutes."""


class ControlConnector(BaseAsyncConnector):
    """One connection for everything a worker asks for itself; each statement stands alone."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()

    async def open_async(self, pool: Any = None) -> None:
        async with self._turn:
            await self._connected()

    async def close_async(self) -> None:
        async with self._turn:
            await self._drop()

    async def execute_query_async(self, query: str, **arguments: Any) -> None:
        await self._run(query, arguments)

    async def execute_query_one_async(self, query: str, **arguments: Any) -> dict[str, Any]:
        rows = await self._run(query, arguments)
        if not rows:
            raise exceptions.NoResult
        return rows[0]

    async def execute_query_all_async(self, query: str, **arguments: Any) -> list[dict[str, Any]]:
        return await self._run(query, arguments)

    async def _run(self, query: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        values = {k: Jsonb(v) if isinstance(v, dict) else v for k, v in arguments.items()}
        async with self._turn:
            try:
                connection = await self._connected()
                async with connection.cursor(row_factory=dict_row) as cursor:
                    await cursor.execute(query.encode(), values)
                    return await cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError as error:
                await self._drop()
                raise exceptions.ConnectorException from error
            except psycopg.Error as error:
                raise exceptions.ConnectorException from error
            except asyncio.CancelledError:
                await self._drop()
                raise

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self.conninfo)
        return self._connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class JobControl(JobManager):
    """What Procrastinate's worker asks the database through.

    Procrastinate stops its worker at the first failed query; here a query is tried again until the database is
    back or the worker is asked to stop. Jobs that the step itself has already ended are not ended again.
    """

    def __init__(self, connector: ControlConnector, *, dead_after_seconds: float) -> None:
        super().__init__(connector)
        self._control = connector
        self._dead_after_seconds = dead_after_seconds
        self.stopping = asyncio.Event()
        self.set_poll_seconds: Callable[[float], None] = lambda _: None
        self.ran = 0
        """How many tries this worker has made."""
        self._settled: set[int] = set()
        self._notify: NotificationCallback | None = None
        self._news = 0

    async def wake(self) -> None:
        """Makes the worker look for jobs now."""
        self._news += 1
        if self._notify is not None:
            await self._notify(channel="", notification={"type": "job_inserted", "job_id": 0})

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        while not self.stopping.is_set():
            seen = self._news
            try:
                job = await super().fetch_job(queues, worker_id)
                if job is not None:
                    return job
                # Procrastinate forgets what it is told while it looks; without this, a job would wait for the poll.
                if seen == self._news:
                    await self._wait_for_next_due()
                if seen == self._news:
                    return None
            except exceptions.ConnectorException as error:
                if isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                    # taken for dead while this machine slept: come back to life under the same number
                    await self.update_heartbeat(worker_id)
                else:
                    await self.pause(1)
        return None

    async def _wait_for_next_due(self) -> None:
        row = await self._control.execute_query_one_async(store.NEXT_DUE)
        due = row["seconds"]
        self.set_poll_seconds(
            POLL_SECONDS if due is None else min(POLL_SECONDS, max(0.01, float(due)))
        )

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        assert job.id is not None
        if job.id in self._settled:
            self._settled.discard(job.id)
        elif job.attempts + 1 < UNKNOWN_ATTEMPTS:
            # a newer node made it during an update, and has a worker that knows it
            log.warning("no job is called %s here, leaving it to others", job.task_name)
            await self.put_back(job, wait_seconds=UNKNOWN_WAIT_SECONDS)
            self._settled.discard(job.id)
        else:
            await self._until_done(
                lambda: super(JobControl, self).finish_job(job, Status.FAILED, False)
            )
        if job.lock is not None:
            # the next one with this lock was passed over until now, and nobody is told
            await self.wake()

    async def put_back(self, job: Job, *, wait_seconds: float, counts: bool = True) -> None:
        """Lets the job wait again, for any worker; `counts` says whether this was a try."""
        assert job.id is not None
        self.settled(job)
        await self._until_done(
            lambda: self._control.execute_query_all_async(
                store.PUT_BACK,
                id=job.id,
                worker_id=job.worker_id,
                wait_seconds=wait_seconds,
                counts=int(counts),
            )
        )

    def settled(self, job: Job) -> None:
        """Remembers that the job's row says already how it ended."""
        assert job.id is not None
        self._settled.add(job.id)

    async def update_heartbeat(self, worker_id: int) -> None:
        """Says that this worker lives, and takes the jobs of those that do not."""
        try:
            await self._control.execute_query_async(store.BEAT, worker_id=worker_id)
            rescued = await self._control.execute_query_all_async(
                store.RESCUE, dead_after_seconds=self._dead_after_seconds
            )
            for row in rescued:
                log.warning("took %s [%s] from a dead worker", row["task_name"], row["id"])
        except (exceptions.ConnectorException, OSError):
            log.info("no heartbeat: the database is away")

    async def unregister_worker(self, worker_id: int) -> None:
        try:
            await super().unregister_worker(worker_id)
        except (exceptions.ConnectorException, OSError):
            log.info("the database is away; this worker's row goes when others find it old")

    async def defer_periodic_job(
        self, job: Job, periodic_id: str, defer_timestamp: int
    ) -> int | None:
        try:
            rows = await self._until_done(
                lambda: self._control.execute_query_all_async(
                    store.TICK,
                    queue=job.queue,
                    lock=job.lock,
                    queueing_lock=job.queueing_lock,
                    name=job.task_name,
                    priority=job.priority,
                    periodic_id=periodic_id,
                    at=defer_timestamp,
                    args=job.task_kwargs,
                )
            )
        except exceptions.ConnectorException as error:
            if isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                raise exceptions.AlreadyEnqueued from error
            raise
        return rows[0]["id"] if rows else None

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        self._notify = on_notification

        async def hear(payload: str) -> None:
            self._news += 1
            await on_notification(channel=store.ANY_QUEUE, notification=json.loads(payload))

        await listen(
            self._control.conninfo, store.ANY_QUEUE, on_notify=hear, on_connected=self.wake
        )

    async def _until_done(self, query: Callable[[], Awaitable[T]]) -> T:
        """Repeats an idempotent query while the database is away and the worker is wanted."""
        failures = 0
        while True:
            try:
                return await query()
            except exceptions.ConnectorException as error:
                away = isinstance(
                    error.__cause__, (psycopg.OperationalError, psycopg.InterfaceError)
                )
                if not away or self.stopping.is_set():
                    raise
            await self.pause(failures)
            failures += 1

    async def pause(self, failures: int) -> None:
        """Waits a little, unless asked to stop."""
        try:
            async with asyncio.timeout(backoff_seconds(failures)):
                await self.stopping.wait()
        except TimeoutError:
            return
