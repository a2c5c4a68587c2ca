"""What was said on its way into files: rows as the formats take them, many transcripts at once."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql

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
select o.place, s.* from unnest(%(ids)s::uuid[]) with ordinality o(id, place) cross join lateral (
  select s.utterance_id, {text}, s.start_seconds, s.end_seconds, {words}, s.language, s.confidence, {speaker}, s.channel
  from transcript_segments s {firsts}
  where s.transcript_id = o.id and s.is_final {after}
  order by s.start_seconds, s.utterance_id limit %(most)s
) s
order by o.place, s.start_seconds, s.utterance_id limit %(most)s
""")
_AFTER = sql.SQL("and (s.start_seconds, s.utterance_id) > (%(start)s, %(utterance)s)")
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
        values: dict[str, Any] = {"ids": list(ids), "most": most}
        if after is not None:
            values |= {"start": after[0], "utterance": after[1]}
        statement = _statement(timed, original=original, after=after is not None)
        connection = await tx.raw()
        found = await connection.execute(statement, values, binary=True, prepare=False)
        return await found.fetchall()

    async def until(self, tx: Transaction, id_: UUID) -> float:
        """When the last that is said in a transcript ends."""
        connection = await tx.raw()
        found = await connection.execute(
            "select max(end_seconds) from transcript_segments where transcript_id = %s and is_final",
            (id_,),
        )
        row = await found.fetchone()
        return (row[0] if row else None) or 0.0


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
