"""How far back a search has to look before it has enough, where there is very much to look through."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from tertulia.transcripts.domain import Filter

FEW = 300_000
"""Segments among which any word is found at once."""
SPARE = 3.0
"""How many times as many as are wanted are expected from the first look; words come in heaps."""
STEP = 8.0
"""How much farther the next look goes."""

_EXTENT = """
select c.reltuples,
  (select min(first) from unnest(%(spaces)s::uuid[]) h(id) cross join lateral (
    select said_at from transcript_segments where space_id = h.id and is_final
    order by said_at, transcript_id, utterance_id limit 1) f(first)),
  (select max(last) from unnest(%(spaces)s::uuid[]) h(id) cross join lateral (
    select said_at from transcript_segments where space_id = h.id and is_final
    order by said_at desc, transcript_id desc, utterance_id desc limit 1) l(last))
from pg_class c where c.oid = 'transcript_segments'::regclass
"""


async def looking_back(
    connection: psycopg.AsyncConnection[Any],
    counted: sql.Composed,
    values: Mapping[str, Any],
    wanted: Filter,
    until: datetime | None,
    most: int,
) -> Sequence[datetime | None]:
    """From when to look, first and then, until there are `most`; None is from the beginning.

    The index of words knows no time: it would fetch every segment in which a word stands to find the latest. What
    is said later stands farther on in the table, though, so that a look at the last part of it fetches only those.
    """
    found = await connection.execute(_EXTENT, {"spaces": list(wanted.spaces)}, prepare=True)
    row = await found.fetchone()
    if row is None or row[0] < FEW or row[1] is None:
        return [None]
    first, last = row[1], min(filter(None, (row[2], until, wanted.until)))
    expected = await _expected(connection, counted, values)
    # past it enough of them are come upon by going back one by one
    if not SPARE * most < expected < math.sqrt(most * row[0]) or last <= first:
        return [None]
    looks: list[datetime | None] = []
    share = SPARE * most / expected
    while share < 1 and len(looks) < 2:
        looks.append(last - (last - first) * share)
        share *= STEP
    return [*looks, None]


async def _expected(
    connection: psycopg.AsyncConnection[Any], counted: sql.Composed, values: Mapping[str, Any]
) -> float:
    """How much the planner expects to be found; it knows how often the more frequent words come."""
    asked = sql.SQL("explain (format json) {}").format(counted)
    row = await (await connection.execute(asked, values, prepare=False)).fetchone()
    assert row is not None
    return float(row[0][0]["Plan"]["Plan Rows"])
