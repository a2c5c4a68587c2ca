"""Events between processes, over PostgreSQL and over Redis alike."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
from tests.fixtures.events import RedisServer

from tertulia.events import MISSED, Event, Events, PostgresTransport, Subscription
from tertulia.events.redis import RedisTransport
from tertulia.kernel.database import Database

pytestmark = pytest.mark.db

Node = Callable[[], Events]


@pytest.fixture(params=["postgres", "redis"])
async def node(
    request: pytest.FixtureRequest, conninfo: str
) -> AsyncIterator[Callable[[], object]]:
    """Starts one process's events after another, all on the same transport."""
    started: list[Events] = []
    if request.param == "redis":
        url: str = request.getfixturevalue("redis_server").url

    async def start() -> Events:
        transport = (
            PostgresTransport(conninfo) if request.param == "postgres" else RedisTransport(url)
        )
        events = Events(transport)
        await events.start()
        started.append(events)
        return events

    yield start
    for events in started:
        await asyncio.shield(events.stop())


async def next_of(subscription: Subscription, seconds: float = 5) -> Event:
    async with asyncio.timeout(seconds):
        return await anext(subscription)


async def test_an_event_reaches_every_process_once_after_the_commit(
    node: Callable[[], object], database: Database
) -> None:
    here, there = await node(), await node()  # type: ignore[misc]
    async with here.subscribe("space:*") as near, there.subscribe("space:1") as far:
        async with database.transaction() as tx:
            await here.publish(tx, "space:1", "member.joined", {"name": "Añil"})
            here.publish_now("space:1", "before.commit")
        here.publish_now("space:1", "last")
        for subscription in (near, far):
            found = [await next_of(subscription) for _ in range(3)]
            assert sorted(e.type for e in found) == ["before.commit", "last", "member.joined"]
        started = time.perf_counter()
        here.publish_now("space:1", "timed")
        await next_of(far)
        print(f"publish to receive: {(time.perf_counter() - started) * 1000:.1f} ms")  # noqa: T201


async def test_nothing_is_told_of_what_was_rolled_back(
    node: Callable[[], object], database: Database
) -> None:
    here, there = await node(), await node()  # type: ignore[misc]
    async with here.subscribe("a") as near, there.subscribe("a") as far:
        with pytest.raises(RuntimeError):
            async with database.transaction() as tx:
                await here.publish(tx, "a", "never")
                raise RuntimeError
        async with database.transaction() as tx:
            await here.publish(tx, "a", "after")
        assert (await next_of(near)).type == "after"
        assert (await next_of(far)).type == "after"


async def test_order_holds_within_a_topic(node: Callable[[], object]) -> None:
    here, there = await node(), await node()  # type: ignore[misc]
    async with there.subscribe("a", capacity=2_000) as far:
        for number in range(1_000):
            here.publish_now("a", "count", {"n": number})
        assert [(await next_of(far)).data["n"] for _ in range(1_000)] == list(range(1_000))


async def test_long_events_arrive_whole(node: Callable[[], object], database: Database) -> None:
    here, there = await node(), await node()  # type: ignore[misc]
    text = "ñ" * 60_000
    async with there.subscribe("a") as far:
        async with database.transaction() as tx:
            await here.publish(tx, "a", "long", {"text": text})
        assert (await next_of(far)).data == {"text": text}
        here.publish_now("a", "long", {"text": text})
        assert (await next_of(far)).data == {"text": text}


async def test_postgres_coming_back_marks_the_gap(conninfo: str, events: Events) -> None:
    other = Events(PostgresTransport(conninfo))
    await other.start()
    async with events.subscribe("a") as near, other.subscribe("a") as far:
        with psycopg.connect(conninfo, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        assert (await next_of(near)).type == MISSED
        assert (await next_of(far)).data["reason"] == "reconnected"
        events.publish_now("a", "again")
        assert (await next_of(near)).type == "again"
        assert (await next_of(far)).type == "again"
    await other.stop()


async def test_redis_coming_back_marks_the_gap(redis_server: RedisServer) -> None:
    here, there = (Events(RedisTransport(redis_server.url)) for _ in range(2))
    await here.start()
    await there.start()
    async with there.subscribe("a") as far:
        redis_server.kill()
        here.publish_now("a", "while away")
        redis_server.start()
        found = [await next_of(far, 15)]
        while found[-1].type != "again":
            here.publish_now("a", "again")
            found.append(await next_of(far, 15))
        assert MISSED in [e.type for e in found]
    await here.stop()
    await there.stop()


async def test_old_long_events_are_swept(conninfo: str, events: Events) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await connection.execute(
            "insert into event_payload (id, body, at) values "
            "(gen_random_uuid(), 'old', now() - interval '1 hour'), (gen_random_uuid(), 'new', now())"
        )
        await PostgresTransport._sweep(connection)
        cursor = await connection.execute("select body from event_payload")
        assert await cursor.fetchall() == [("new",)]


async def test_what_others_write_to_the_channel_does_no_harm(conninfo: str, events: Events) -> None:
    async with events.subscribe("*") as near:
        with psycopg.connect(conninfo, autocommit=True) as other:
            other.execute("select pg_notify('tertulia_events', 'nonsense')")
            other.execute("select pg_notify('tertulia_events', '@' || gen_random_uuid()::text)")
        assert (await next_of(near)).data["reason"] == "reconnected"
        events.publish_now("a", "still here")
        assert (await next_of(near)).type == "still here"
