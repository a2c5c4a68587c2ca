"""Batched upserts through the unit of work, against psycopg's own `unnest` on a bare connection."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from sqlalchemy import Boolean, Column, Float, Integer, MetaData, Table, Text, text

from bench.measure import at_least, in_turn
from tertulia.kernel.bulk import Upsert
from tertulia.kernel.database import Database
from tertulia.kernel.postgres import EmbeddedPostgres

ROWS = 500
BATCHES = 40
NAMES = ("id", "words", "final", "at")
LINES = Table(
    "lines",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("words", Text),
    Column("final", Boolean),
    Column("at", Float),
)
MAKE = "create unlogged table lines (id int primary key, words text, final bool, at float8)"
PLAIN = """
insert into lines select * from unnest(%s::int[], %s::text[], %s::bool[], %s::float8[])
on conflict (id) do update set words = excluded.words, final = excluded.final, at = excluded.at
"""


def batch(number: int) -> list[tuple[int, str, bool, float]]:
    """Half of each batch is new, half replaces rows of the one before."""
    start = number * ROWS // 2
    return [
        (i, f"what was said at {i}, and then some more of it", i % 2 == 0, i / 10)
        for i in range(start, start + ROWS)
    ]


async def main() -> int:
    quick = "--quick" in sys.argv
    batches = [batch(n) for n in range(BATCHES // 4 if quick else BATCHES)]
    folder = tempfile.TemporaryDirectory()
    server = EmbeddedPostgres(Path(folder.name))
    server.start()
    database = Database(server.conninfo, pool=2)
    upsert = Upsert(LINES, NAMES, key=["id"])
    async with database.transaction() as tx:
        await tx.session.execute(text(MAKE))
    plain = await psycopg.AsyncConnection.connect(server.conninfo)

    async def ours() -> float:
        started = time.perf_counter()
        for rows in batches:
            async with database.transaction() as tx:
                await upsert.run(tx, rows)
        return len(batches) * ROWS / (time.perf_counter() - started)

    async def baseline() -> float:
        started = time.perf_counter()
        for rows in batches:
            await plain.execute(
                PLAIN, [list(c) for c in zip(*rows, strict=True)], binary=True, prepare=True
            )
            await plain.commit()
        return len(batches) * ROWS / (time.perf_counter() - started)

    ratio = at_least(
        "batched upsert ÷ plain psycopg unnest", *await in_turn(ours, baseline), "rows/s", 0.8
    )
    print(ratio.line())
    await plain.close()
    await database.close()
    server.stop()
    folder.cleanup()
    return 0 if ratio.holds else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
