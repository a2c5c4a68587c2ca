"""What was said on its way into files: rows as the formats take them, many transcripts at once."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format

from tertulia.kernel.database import Transaction
from tertulia.speech.formats.subtitles import CUE_CHARACTERS, CUE_SECONDS
from tertulia.transcripts.store.segments import Place

Row = tuple[Any, ...]
"""The transcript's place among those asked for (from 1), the utterance, and a `Line` whose words are JSON."""


class Timed(StrEnum):
    """Which segments come with the times of their words."""

    NONE = "none"
    LONG = "long"
    """Those that are too long for one subtitle."""
    ALL = "all"


_ROWS = sql.SQL("""
select o.place, s.* from unnest($1::uuid[]) with ordinality o(id, place) cross join lateral (
  select s.utterance_id, {text}, s.start_seconds, s.end_seconds, {words}, s.language, s.confidence, {speaker}, s.channel
  from transcript_segments s {firsts}
  where s.transcript_id = o.id and s.is_final {after}
  order by s.start_seconds, s.utterance_id limit $2::bigint
) s
order by o.place, s.start_seconds, s.utterance_id limit $2::bigint
""")
_AFTER = sql.SQL("and (s.start_seconds, s.utterance_id) > ($3::float8, $4::text)")
_FIRSTS = sql.SQL("""
left join lateral (
  select true as there, e.text_before, e.speaker_before, e.words_before from transcript_edits e
  where e.transcript_id = s.transcript_id and e.utterance_id = s.utterance_id and s.edited_at is not null
  order by e.version limit 1
) e on true
""")
_LONG = sql.SQL(
    "case when char_length({text}) > {characters} or s.end_seconds - s.start_seconds > {seconds} then {words} end"
)


class LineStore:
    """Reads lines in the order they were said."""

    async def read(
        self,
        tx: Transaction,
        ids: Sequence[UUID],
        after: Place | None,
        most: int,
        *,
        timed: Timed,
        original: bool,
    ) -> list[Row]:
        """The first `most` lines of these transcripts, one after the other; past `after`, where one alone is asked."""
        statement = _statement(timed, original=original, after=after is not None)
        values = [f"{{{','.join(map(str, ids))}}}", str(most)]
        if after is not None:
            values += [repr(after[0]), after[1]]
        connection = await tx.raw()
        asked = statement.as_bytes(connection), [value.encode() for value in values]
        reading = asyncio.create_task(asyncio.to_thread(_fetched, connection, *asked))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            # the connection is the thread's until it is done with it
            await asyncio.wait({reading})
            raise

    async def until(self, tx: Transaction, id_: UUID) -> float:
        """When the last that is said in a transcript ends."""
        connection = await tx.raw()
        found = await connection.execute(
            "select max(end_seconds) from transcript_segments where transcript_id = %s and is_final",
            (id_,),
        )
        row = await found.fetchone()
        return (row[0] if row else None) or 0.0


def _fetched(
    connection: psycopg.AsyncConnection[Any], statement: bytes, values: Sequence[bytes]
) -> list[Row]:
    """All rows in one call that holds neither the event loop nor the interpreter.

    Read piece by piece as it comes, each piece would wait until whoever writes the rows before down lets go.
    """
    found = connection.pgconn.exec_params(statement, values, result_format=Format.BINARY)
    if found.status != ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(found)
    transformer = Transformer(connection)
    transformer.set_pgresult(found)
    return transformer.load_rows(0, found.ntuples, tuple)


def _statement(timed: Timed, *, original: bool, after: bool) -> sql.Composed:
    def first(now: LiteralString, before: LiteralString) -> sql.Composed:
        chosen = sql.SQL("case when e.there then {} else {} end")
        kept = sql.SQL(now)
        return chosen.format(sql.SQL(before), kept) if original else sql.Composed([kept])

    text = first("s.text", "e.text_before")
    words: sql.Composable = sql.SQL("null::text")
    if timed is not Timed.NONE:
        words = first("s.words::text", "e.words_before::text")
    if timed is Timed.LONG:
        limits = sql.Literal(CUE_CHARACTERS), sql.Literal(CUE_SECONDS)
        words = _LONG.format(text=text, characters=limits[0], seconds=limits[1], words=words)
    return _ROWS.format(
        text=sql.Composed([text, sql.SQL(" as text")]),
        words=sql.Composed([words, sql.SQL(" as words")]),
        speaker=sql.Composed([first("s.speaker", "e.speaker_before"), sql.SQL(" as speaker")]),
        firsts=_FIRSTS if original else sql.SQL(""),
        after=_AFTER if after else sql.SQL(""),
    )
