"""Many rows in one statement."""

import pytest
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, text

from tertulia.kernel.bulk import Upsert
from tertulia.kernel.database import Database

pytestmark = pytest.mark.db

LINES = Table(
    "lines",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("words", Text),
    Column("final", Boolean),
)
COLUMNS = ("id", "words", "final")


@pytest.fixture
async def lines(database: Database) -> Database:
    """A database with one table of lines."""
    async with database.transaction() as tx:
        await tx.session.execute(
            text("create table lines (id int primary key, words text, final bool)")
        )
    return database


async def all_rows(database: Database) -> list[tuple[int, str, bool]]:
    async with database.transaction() as tx:
        found = await tx.session.execute(text("select * from lines order by id"))
        return [tuple(row) for row in found]  # type: ignore[misc]


async def test_rows_come_in_and_are_replaced_by_key(lines: Database) -> None:
    upsert = Upsert(LINES, COLUMNS, key=["id"])
    async with lines.transaction() as tx:
        await upsert.run(tx, [(1, "a", False), (2, "niño, «мир» 🎙", True)])
        await upsert.run(tx, [(1, "b", True)])
        await upsert.run(tx, [])
    assert await all_rows(lines) == [(1, "b", True), (2, "niño, «мир» 🎙", True)]


async def test_a_condition_keeps_what_is_there(lines: Database) -> None:
    upsert = Upsert(LINES, COLUMNS, key=["id"], only_if="not lines.final", returning=["id"])
    async with lines.transaction() as tx:
        assert await upsert.run(tx, [(1, "final", True), (2, "draft", False)]) == [(1,), (2,)]
        assert await upsert.run(tx, [(1, "late", False), (2, "final", True)]) == [(2,)]
    assert await all_rows(lines) == [(1, "final", True), (2, "final", True)]


async def test_without_an_update_the_first_one_stays(lines: Database) -> None:
    upsert = Upsert(LINES, COLUMNS, key=["id"], update=[])
    async with lines.transaction() as tx:
        await upsert.run(tx, [(1, "first", False)])
        await upsert.run(tx, [(1, "second", False)])
    assert await all_rows(lines) == [(1, "first", False)]
