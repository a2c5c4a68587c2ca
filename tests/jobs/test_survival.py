"""Jobs whose worker is killed, is stopped, or loses its database."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from tests.jobs.child import service

from tertulia.jobs import Jobs, PermanentJobError, Retry, Step, Worker
from tertulia.jobs.domain import Args
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import UnavailableError
from tertulia.kernel.postgres import EmbeddedPostgres
from tertulia.kernel.schema import Schema

pytestmark = pytest.mark.db

ROOT = Path(__file__).parents[2]


@contextmanager
def child(conninfo: str, mode: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "tests.jobs.child", conninfo, mode], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


@pytest.fixture
async def count(database: Database) -> Callable[[str], Awaitable[int]]:
    async with database.transaction() as tx:
        await tx.session.execute(text("create table try (n int, mode text)"))
        await tx.session.execute(text("create table done (n int)"))

    async def count(what: str) -> int:
        async with database.transaction() as tx:
            return int(
                (await tx.session.execute(text(f"select count(*) from {what}"))).scalar_one()
            )

    return count


async def test_a_job_goes_on_after_its_worker_was_killed(
    conninfo: str, database: Database, count: Callable[[str], Awaitable[int]]
) -> None:
    jobs = service(database, "work")
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.write", {"n": 1})

    async def tried() -> bool:
        return await count("try") == 1

    async def done() -> bool:
        return await count("done") == 1

    with child(conninfo, "hang") as process:
        await until(tried)
        process.kill()
        process.wait(10)
        with child(conninfo, "work"):
            await until(done)
    assert await count("try where mode = 'hang'") == 1
    assert await count("try where mode = 'work'") == 1
    assert await count("procrastinate_jobs where status = 'succeeded' and attempts = 2") == 1


async def test_a_stopped_worker_gives_back_what_it_could_not_finish_and_another_takes_it_at_once(
    conninfo: str, database: Database, count: Callable[[str], Awaitable[int]]
) -> None:
    jobs = service(database, "work")
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.write", {"n": 1})

    async def tried() -> bool:
        return await count("try") == 1

    async def done() -> bool:
        return await count("done") == 1

    with child(conninfo, "hang") as first:
        await until(tried)
        # This one would not look for another half minute, nor think the first one dead.
        second = Worker(jobs, dead_after_seconds=600)
        task = asyncio.create_task(second.run())
        first.terminate()
        await until(done, 5)
        assert await asyncio.to_thread(first.wait, 10) == 0
    second.stop()
    await task
    assert (
        await count(
            "procrastinate_jobs where status = 'succeeded' and attempts = 1 and task_name = 'test.write'"
        )
        == 1
    )


async def test_what_is_under_way_is_finished_when_the_worker_stops(
    database: Database, jobs: Jobs
) -> None:
    started, go = asyncio.Event(), asyncio.Event()
    finished: list[bool] = []

    async def work(step: Step) -> None:
        started.set()
        await go.wait()
        finished.append(True)

    jobs.register("test.work", work)
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.work")
    worker = Worker(jobs, shutdown_seconds=30)
    task = asyncio.create_task(worker.run())
    await started.wait()
    worker.stop()
    go.set()
    async with asyncio.timeout(60):
        await task
    assert finished == [True]


async def test_a_job_that_kills_its_workers_gives_up(
    conninfo: str, database: Database, jobs: Jobs, drain_jobs: Callable[[], Awaitable[None]]
) -> None:
    told: list[str] = []

    async def never(step: Step) -> None:
        told.append("ran")

    async def give_up(tx: Transaction, args: Args, error: Exception) -> None:
        assert isinstance(error, PermanentJobError)
        told.append(error.detail)

    jobs.register("test.deadly", never, retry=Retry(attempts=3), on_give_up=give_up)
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.deadly")
        await tx.session.execute(text("update procrastinate_jobs set attempts = 3"))
    await drain_jobs()
    assert told == ["Its workers died each time it was tried."]


async def test_the_worker_comes_back_when_every_connection_was_cut(
    conninfo: str, database: Database, jobs: Jobs
) -> None:
    ran: asyncio.Queue[int] = asyncio.Queue()

    async def note(step: Step) -> None:
        ran.put_nowait(step.args["n"])

    jobs.register("test.note", note)

    async def enqueue(number: int) -> None:
        # the pool learns of the cut from the first query that fails
        with contextlib.suppress(UnavailableError):
            async with database.transaction() as tx:
                await jobs.enqueue(tx, "test.note", {"n": number})
            return
        async with database.transaction() as tx:
            await jobs.enqueue(tx, "test.note", {"n": number})

    worker = Worker(jobs)
    task = asyncio.create_task(worker.run())
    for number in range(3):
        await enqueue(number)
        async with asyncio.timeout(60):
            while await ran.get() != number:
                pass  # the one before may have been cut before it was finished
        with psycopg.connect(conninfo, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
    worker.stop()
    async with asyncio.timeout(60):
        await task


async def test_a_worker_taken_for_dead_comes_back_to_life(database: Database, jobs: Jobs) -> None:
    ran: asyncio.Queue[int] = asyncio.Queue()

    async def note(step: Step) -> None:
        ran.put_nowait(step.args["n"])

    jobs.register("test.note", note)
    worker = Worker(jobs, heartbeat_seconds=600)
    task = asyncio.create_task(worker.run())
    for number in range(2):
        async with database.transaction() as tx:
            await jobs.enqueue(tx, "test.note", {"n": number})
        async with asyncio.timeout(60):
            while await ran.get() != number:
                pass  # the one before may not have been written down as done when its worker was taken for dead
        async with database.transaction() as tx:
            await tx.session.execute(text("delete from procrastinate_workers"))
    worker.stop()
    async with asyncio.timeout(60):
        await task


async def test_jobs_and_schedules_go_on_after_postgresql_was_restarted(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(Schema(server.conninfo).upgrade)
    database = Database(server.conninfo, pool=4)
    jobs = Jobs(database)
    ran: asyncio.Queue[int] = asyncio.Queue()
    under_way, go = asyncio.Event(), asyncio.Event()

    async def note(step: Step) -> None:
        under_way.set()
        await go.wait()
        ran.put_nowait(step.args["n"])

    async def tick(step: Step) -> None:
        ran.put_nowait(0)

    jobs.register("test.note", note)
    jobs.register("test.tick", tick)
    jobs.schedule("* * * * * *", "test.tick")
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.note", {"n": 1})
    worker = Worker(jobs, heartbeat_seconds=0.2)
    task = asyncio.create_task(worker.run())
    await under_way.wait()
    await asyncio.to_thread(server.stop)
    go.set()
    assert await ran.get() in (0, 1)
    await asyncio.to_thread(server.start)
    while not ran.empty():
        ran.get_nowait()
    seen: set[int] = set()
    async with asyncio.timeout(60):
        while seen != {0, 1}:
            seen.add(await ran.get())
    worker.stop()
    async with asyncio.timeout(60):
        await task
    await database.close()
    await asyncio.to_thread(server.stop)
