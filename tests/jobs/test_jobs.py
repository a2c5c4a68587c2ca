"""Making jobs and running them, on a real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import psycopg
import pytest
from sqlalchemy import text

from tertulia.jobs import (
    NEVER,
    Enqueue,
    Jobs,
    Orphan,
    PermanentJobError,
    Retry,
    RetryJobError,
    Step,
    Worker,
    store,
)
from tertulia.jobs.control import POLL_SECONDS, ControlConnector, JobControl
from tertulia.jobs.domain import Args
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.http import correlation_id

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]
Running = Callable[..., AbstractAsyncContextManager[Worker]]


async def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    async with database.transaction() as tx:
        return [tuple(row) for row in (await tx.session.execute(text(query))).all()]


async def test_a_job_exists_only_when_its_transaction_is_committed(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    seen: list[Args] = []

    async def note(step: Step) -> None:
        seen.append(step.args)

    jobs.register("test.note", note)
    with pytest.raises(RuntimeError):
        async with database.transaction() as tx:
            await jobs.enqueue(tx, "test.note", {"n": 1})
            raise RuntimeError
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.note", {"n": 2})
    await drain_jobs()
    assert seen == [{"n": 2}]


async def test_a_waiting_job_with_the_same_key_is_not_made_twice(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    ran = 0

    async def count(step: Step) -> None:
        nonlocal ran
        ran += 1

    jobs.register("test.count", count)
    async with database.transaction() as tx:
        first = await jobs.enqueue(tx, "test.count", key="a")
        second = await jobs.enqueue(tx, "test.count", key="a")
        other = await jobs.enqueue(tx, "test.count", key="b")
        assert await jobs.holds(tx, "test.count", "a")
    assert first == second != other
    await drain_jobs()
    assert ran == 2
    async with database.transaction() as tx:
        assert not await jobs.holds(tx, "test.count", "a")
        assert await jobs.enqueue(tx, "test.count", key="a") != first


async def test_a_merged_job_waits_for_the_transaction_that_asked_for_it(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    """A worker must not take the waiting job before it can see what the second transaction changes."""
    ran = 0

    async def count(step: Step) -> None:
        nonlocal ran
        ran += 1

    jobs.register("test.count", count)
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.count", key="a")
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.count", key="a")
        await drain_jobs()
        assert ran == 0
    await drain_jobs()
    assert ran == 1


async def test_many_are_made_in_one_statement(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    seen: list[int] = []

    async def note(step: Step) -> None:
        seen.append(step.args["n"])

    jobs.register("test.note", note)
    async with database.transaction() as tx:
        items = [Enqueue({"n": n}, key=str(n)) for n in range(50)]
        assert await jobs.enqueue_many(tx, "test.note", items) == 50
        assert await jobs.enqueue_many(tx, "test.note", []) == 0
    await drain_jobs()
    assert sorted(seen) == list(range(50))


async def test_work_and_end_of_a_job_are_one_transaction(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    async def write_then_fail(step: Step) -> None:
        await step.tx.session.execute(text("insert into note values (1)"))
        raise PermanentJobError

    jobs.register("test.fail", write_then_fail)
    async with database.transaction() as tx:
        await tx.session.execute(text("create table note (n int)"))
        await jobs.enqueue(tx, "test.fail")
    await drain_jobs()
    assert await rows(database, "select * from note") == []
    assert await rows(database, "select status, attempts from procrastinate_jobs") == [
        ("failed", 1)
    ]


async def test_work_of_a_job_that_was_taken_away_does_not_count(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    async def write(step: Step) -> None:
        await step.tx.session.execute(text("insert into note values (1)"))
        async with step.transaction() as other:
            await other.session.execute(text("update procrastinate_jobs set worker_id = null"))

    jobs.register("test.write", write)
    async with database.transaction() as tx:
        await tx.session.execute(text("create table note (n int)"))
        await jobs.enqueue(tx, "test.write")
    await drain_jobs()
    assert await rows(database, "select * from note") == []
    assert await rows(database, "select status from procrastinate_jobs") == [("doing",)]


async def test_a_failing_job_is_tried_again_and_then_gives_up(
    database: Database, jobs: Jobs, running_worker: Running
) -> None:
    attempts: list[tuple[int, bool]] = []
    gave_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def fail(step: Step) -> None:
        attempts.append((step.attempt, step.last))
        raise ValueError

    async def give_up(tx: Transaction, args: Args, error: Exception) -> None:
        tx.after_commit(lambda: gave_up.set_result(f"{args['n']} {type(error).__name__}"))

    jobs.register("test.fail", fail, retry=Retry.after(0.05, 0.05), on_give_up=give_up)
    async with running_worker():
        async with database.transaction() as tx:
            await jobs.enqueue(tx, "test.fail", {"n": 7})
        async with asyncio.timeout(60):
            assert await gave_up == "7 ValueError"
    assert attempts == [(1, False), (2, False), (3, True)]
    async with database.transaction() as tx:
        assert [(c.name, c.failed) for c in await jobs.counts(tx)] == [("test.fail", 1)]


async def test_a_handler_may_say_when_to_try_again(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    async def later(step: Step) -> None:
        raise RetryJobError(after_seconds=500)

    jobs.register("test.later", later)
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.later")
    await drain_jobs()
    waits = "select status, extract(epoch from scheduled_at - now()) > 490 from procrastinate_jobs"
    assert await rows(database, waits) == [("todo", True)]


async def test_scheduled_jobs_start_when_they_are_due_without_polling(
    database: Database, jobs: Jobs, running_worker: Running
) -> None:
    started: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()

    async def note(step: Step) -> None:
        started.set_result(datetime.now(UTC))

    jobs.register("test.note", note)
    due = datetime.now(UTC) + timedelta(seconds=0.7)
    async with running_worker():
        async with database.transaction() as tx:
            await jobs.enqueue(tx, "test.note", schedule_at=due)
        async with asyncio.timeout(60):
            late = (await started - due).total_seconds()
    assert 0 <= late < 1


async def test_jobs_with_the_same_lock_run_in_order_and_without_a_pause(
    database: Database, jobs: Jobs, running_worker: Running
) -> None:
    order: list[int] = []
    under_way = 0
    done = asyncio.Event()

    async def note(step: Step) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(0)
        order.append(step.args["n"])
        under_way -= 1
        if len(order) == 10:
            done.set()

    jobs.register("test.note", note)
    async with running_worker():
        async with database.transaction() as tx:
            for n in range(10):
                await jobs.enqueue(tx, "test.note", {"n": n}, lock="one")
        # well below the half minute after which a worker looks unasked
        async with asyncio.timeout(POLL_SECONDS - 10):
            await done.wait()
    assert order == list(range(10))


async def test_news_that_comes_while_a_worker_lies_down_wakes_it(
    database: Database, jobs: Jobs
) -> None:
    class Interrupted(ControlConnector):
        told = False

        async def execute_query_one_async(self, query: str, **arguments: object) -> dict[str, Any]:
            if query == store.NEXT_DUE and not self.told:
                self.told = True
                async with database.transaction() as tx:
                    await jobs.enqueue(tx, "test.note", {})
                await control.wake()
            return await super().execute_query_one_async(query, **arguments)

    connector = Interrupted(database.conninfo)
    control = JobControl(connector, dead_after_seconds=20)
    jobs.register("test.note", AsyncMock())
    try:
        job = await control.fetch_job(None, await control.register_worker())
    finally:
        await connector.close_async()
    assert connector.told
    assert job is not None


async def test_the_correlation_id_travels(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    seen: list[str | None] = []

    async def note(step: Step) -> None:
        assert step.args == {"n": 1}
        seen.append(correlation_id.get())

    jobs.register("test.note", note)
    token = correlation_id.set("from-the-request")
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.note", {"n": 1})
    correlation_id.reset(token)
    await drain_jobs()
    assert seen == ["from-the-request"]


async def test_a_hanging_handler_is_cut_off(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    async def hang(step: Step) -> None:
        await asyncio.Event().wait()

    jobs.register("test.hang", hang, timeout_seconds=0.05, retry=NEVER)
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.hang")
    await drain_jobs()
    assert await rows(database, "select status from procrastinate_jobs") == [("failed",)]


async def test_a_row_without_its_job_gets_one(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    done: list[str] = []

    async def work(step: Step) -> None:
        done.append(step.args["row"])

    async def find(tx: Transaction) -> list[Orphan]:
        return [Orphan(key=name, args={"row": name}) for name in ("a", "b") if name not in done]

    jobs.register("test.work", work)
    jobs.sweep("test.work", find)
    later = datetime.now(UTC) + timedelta(hours=1)
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.work", {"row": "b"}, key="b", schedule_at=later)
        await jobs.enqueue(tx, "jobs.sweep")
    await drain_jobs()
    assert done == ["a"]
    async with database.transaction() as tx:
        assert [(c.name, c.scheduled) for c in await jobs.counts(tx)] == [("test.work", 1)]


async def test_old_jobs_go(database: Database, jobs: Jobs, drain_jobs: Drain) -> None:
    async def nothing(step: Step) -> None:
        pass

    jobs.register("test.nothing", nothing)
    async with database.transaction() as tx:
        await jobs.enqueue(tx, "test.nothing")
        await jobs.enqueue(tx, "test.nothing")
    await drain_jobs()
    async with database.transaction() as tx:
        old = "update procrastinate_events set at = at - interval '2 days' where job_id = 1"
        await tx.session.execute(text(old))
        await jobs.enqueue(tx, "jobs.prune")
    await drain_jobs()
    left = "select task_name from procrastinate_jobs order by id"
    assert await rows(database, left) == [("test.nothing",), ("jobs.prune",)]


async def test_a_job_nobody_knows_is_left_to_others(
    database: Database, jobs: Jobs, drain_jobs: Drain
) -> None:
    newer = Jobs(database)

    async def nothing(step: Step) -> None:
        pass

    newer.register("test.newer", nothing)
    async with database.transaction() as tx:
        await newer.enqueue(tx, "test.newer")
    await drain_jobs()
    waits = "select status, scheduled_at > now() from procrastinate_jobs"
    assert await rows(database, waits) == [("todo", True)]


async def test_unknown_and_repeated_names_are_refused(database: Database, jobs: Jobs) -> None:
    async with database.transaction() as tx:
        with pytest.raises(LookupError, match="Register it first"):
            await jobs.enqueue(tx, "test.unknown")
    with pytest.raises(ValueError, match="registered twice"):
        jobs.register("jobs.prune", lambda step: asyncio.sleep(0))


async def test_a_schedule_comes_once_over_many_workers(database: Database, conninfo: str) -> None:
    ran: list[int] = []
    third = asyncio.Event()

    def node() -> Jobs:
        jobs = Jobs(database)

        async def tick(step: Step) -> None:
            ran.append(step.args["timestamp"])
            if len(set(ran)) == 3:
                third.set()

        jobs.register("test.tick", tick)
        jobs.schedule("* * * * * *", "test.tick")
        return jobs

    workers = [Worker(node()) for _ in range(3)]
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    async with asyncio.timeout(60):
        await third.wait()
    for worker in workers:
        worker.stop()
    await asyncio.gather(*tasks)
    assert len(ran) == len(set(ran))


async def test_a_lagging_worker_does_not_repeat_an_old_tick(conninfo: str) -> None:
    from psycopg.types.json import Jsonb

    from tertulia.jobs import store

    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:

        async def tick(at: int) -> bool:
            cursor = await connection.execute(
                store.TICK,
                {
                    "queue": "default",
                    "lock": None,
                    "queueing_lock": None,
                    "name": "test.tick",
                    "priority": 0,
                    "periodic_id": "",
                    "at": at,
                    "args": Jsonb({"timestamp": at}),
                },
            )
            return await cursor.fetchone() is not None

        assert [await tick(at) for at in (60, 120, 60, 120, 180)] == [
            True,
            True,
            False,
            False,
            True,
        ]
