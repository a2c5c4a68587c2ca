"""The unit of work: all or nothing, told afterwards, committed before the answer."""

import asyncio

import httpx
import psycopg
import pytest
from fastapi import APIRouter, FastAPI, Response
from psycopg.errors import DeadlockDetected, DiskFull
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tertulia.kernel.database import Database, translate
from tertulia.kernel.errors import ConflictError, StorageFullError, UnavailableError
from tertulia.kernel.http import TransactionRoute, Tx

pytestmark = pytest.mark.db


async def count(database: Database) -> int:
    async with database.transaction() as tx:
        return (await tx.session.execute(text("select count(*) from kept"))).scalar_one()


@pytest.fixture
async def kept(database: Database) -> Database:
    """A database with one empty table."""
    async with database.transaction() as tx:
        await tx.session.execute(text("create table kept (n int)"))
    return database


async def test_what_is_raised_undoes_everything(kept: Database) -> None:
    told: list[str] = []
    with pytest.raises(ConflictError):
        async with kept.transaction() as tx:
            await tx.session.execute(text("insert into kept values (1)"))
            tx.after_commit(lambda: told.append("committed"))
            raise ConflictError
    assert await count(kept) == 0
    assert told == []


async def test_those_who_wait_are_told_after_the_commit(kept: Database) -> None:
    seen: list[int] = []

    async def look() -> None:
        seen.append(await count(kept))

    async with kept.transaction() as tx:
        await tx.session.execute(text("insert into kept values (1)"))
        tx.after_commit(look)
        assert await count(kept) == 0
    assert seen == [1]


async def test_the_raw_connection_is_in_the_same_transaction(kept: Database) -> None:
    with pytest.raises(ConflictError):
        async with kept.transaction() as tx:
            raw = await tx.raw()
            await raw.execute("insert into kept values (1)")
            raise ConflictError
    assert await count(kept) == 0


async def test_the_commit_comes_before_the_answer(kept: Database) -> None:
    app = FastAPI()
    app.state.database = kept
    routes = APIRouter(route_class=TransactionRoute)

    @routes.post("/kept")
    async def keep(tx: Tx) -> str:
        await tx.session.execute(text("insert into kept values (1)"))
        return "kept"

    app.include_router(routes)
    at_answer: list[int] = []

    async def watched(scope, receive, send):  # type: ignore[no-untyped-def]
        async def watching(message):  # type: ignore[no-untyped-def]
            if message["type"] == "http.response.start":
                at_answer.append(await count(kept))
            await send(message)

        await app(scope, receive, watching)

    transport = httpx.ASGITransport(app=watched)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.post("/kept")).json() == "kept"
    assert at_answer == [1]


async def test_an_answer_that_refuses_undoes_everything_and_tells_nobody(kept: Database) -> None:
    app = FastAPI()
    app.state.database = kept
    routes = APIRouter(route_class=TransactionRoute)
    told: list[str] = []

    @routes.post("/kept")
    async def keep(tx: Tx) -> Response:
        await tx.session.execute(text("insert into kept values (1)"))
        tx.after_commit(lambda: told.append("committed"))
        return Response(status_code=409)

    app.include_router(routes)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.post("/kept")).status_code == 409
    assert await count(kept) == 0
    assert told == []


async def test_a_cancelled_unit_gives_its_connection_back(kept: Database) -> None:
    async def hold(holding: asyncio.Event) -> None:
        async with kept.transaction() as tx:
            await tx.session.execute(text("insert into kept values (1)"))
            holding.set()
            await asyncio.Event().wait()

    for _ in range(8):  # more than the pool has
        holding = asyncio.Event()
        task = asyncio.create_task(hold(holding))
        await holding.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await count(kept) == 0


async def test_a_restarted_database_costs_one_answer_and_no_more(kept: Database) -> None:
    await kept.ping()
    with psycopg.connect(kept.conninfo, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
    with pytest.raises(UnavailableError) as caught:
        await kept.ping()
    assert caught.value.headers["Retry-After"]
    await kept.ping()


async def test_a_database_that_is_away_is_said_to_be_away() -> None:
    away = Database("host=/nonexistent dbname=x", pool=2)
    with pytest.raises(UnavailableError):
        await away.ping()
    await away.close()


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (DiskFull(), StorageFullError),
        (DeadlockDetected(), UnavailableError),
        (psycopg.OperationalError("gone"), UnavailableError),
    ],
)
def test_errors_are_translated(cause: Exception, expected: type[Exception]) -> None:
    assert isinstance(translate(DBAPIError("select", {}, cause)), expected)
    assert isinstance(translate(cause), expected)


def test_other_errors_are_left_alone() -> None:
    assert translate(ValueError()) is None
    assert translate(None) is None
