"""Full-text search: access, words and filters in one query; the words found are marked for the rows shown only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import Filter
from tertulia.transcripts.searching import (
    START,
    STOP,
    Hit,
    HitPosition,
    Order,
    Query,
    marks_in,
)
from tertulia.transcripts.store.looking_back import looking_back
from tertulia.transcripts.store.segments import segment_of
from tertulia.transcripts.store.tables import TranscriptRow
from tertulia.transcripts.store.transcripts import transcript_of

RANKED = 500
"""Of a word that stands everywhere the latest so many are ranked: a page must not cost more than it shows."""
MARKED_CHARACTERS = 20_000
"""How far into a segment found words are marked."""

TRANSCRIPT = sql.SQL(", ").join(
    sql.SQL("t.{0} as {1}").format(sql.Identifier(c.name), sql.Identifier(f"t_{c.name}"))
    for c in TranscriptRow.__table__.columns
)
_SEGMENT = sql.SQL(
    "s.transcript_id, s.utterance_id, s.text, s.start_seconds, s.end_seconds, s.is_final, s.said_at, s.speaker,"
    " s.person, s.channel, s.language, s.confidence, null::jsonb as words, s.edited_at"
)
_PLACE = sql.SQL("s.said_at desc, s.transcript_id desc, s.utterance_id desc")
_LATEST = sql.SQL("""
select s.transcript_id, s.utterance_id, s.said_at, {also}
from transcript_segments s {join} where {where} {after} order by {place} limit {limit}
""")
_OF_SPACES = sql.SQL("""
select s.* from unnest(%(spaces)s::uuid[]) as home(space_id) cross join lateral ({latest}) s
order by {place} limit {limit}
""")
_BY_RANK = sql.SQL("""
select * from (
  select m.transcript_id, m.utterance_id, m.said_at, ts_rank(m.search, {query})::float8 as rank, count(*) over () as among
  from ({latest}) m
) s where true {after} order by s.rank desc, {place} limit %(limit)s
""")
_AFTER_TIME = sql.SQL(
    "and (s.said_at, s.transcript_id, s.utterance_id) < (%(said_at)s, %(after_id)s, %(after_utterance)s)"
)
_AFTER_RANK = sql.SQL(
    "and (s.rank, s.said_at, s.transcript_id, s.utterance_id)"
    " < (%(after_rank)s, %(said_at)s, %(after_id)s, %(after_utterance)s)"
)
_SHOWN = sql.SQL("""
with found as materialized ({found}),
asked as materialized (select {asked} as typed, {folded} as folded)
select {segment}, {transcript}, found.rank as found_rank, found.among as found_among, {marked}
from found
cross join asked
join transcript_segments s using (transcript_id, utterance_id)
join transcripts t on t.id = s.transcript_id
order by found.rank desc, {place}
""")
_JOIN = sql.SQL("join transcripts t on t.id = s.transcript_id")

_NOTHING = sql.SQL("")

Parameters = dict[str, Any]


class SearchStore:
    """Finds segments. Queries are planned for their own words each time: how common a word is decides the way."""

    async def search(
        self,
        tx: Transaction,
        query: Query,
        wanted: Filter,
        order: Order,
        after: HitPosition | None,
        limit: int,
    ) -> Sequence[Hit]:
        """Hits in order, `limit` at most."""
        rows = await found_rows(await tx.raw(), query, wanted, order, after, limit)
        return [_hit(row) for row in rows]

    async def places(
        self,
        tx: Transaction,
        query: Query,
        wanted: Filter,
        after: HitPosition | None,
        limit: int,
    ) -> Sequence[HitPosition]:
        """Where something is found, the latest first, and no more than that: for going through all of it."""
        if query.is_empty or not wanted.spaces:
            return []
        parameters: Parameters = {"limit": limit}
        if after is not None:
            parameters |= _past(after)
        following = _AFTER_TIME if after else _NOTHING
        nothing = sql.SQL("null as rank")
        statement = latest(query, wanted, parameters, nothing, sql.SQL("%(limit)s"), following)
        connection = await tx.raw()
        found = await connection.execute(statement, parameters, prepare=False)
        return [HitPosition(0.0, at, id_, said) for id_, said, at, _ in await found.fetchall()]


async def found_rows(
    connection: psycopg.AsyncConnection[Any],
    query: Query,
    wanted: Filter,
    order: Order,
    after: HitPosition | None,
    limit: int,
) -> list[Any]:
    """The rows of a page, from as far back as need be: words of middling frequency stand in too many places to
    fetch them all, and in too few to come upon enough of them one by one.
    """
    most = limit if order is Order.TIME else RANKED
    until = after.said_at if after is not None and order is Order.TIME else None
    sinces = await looking_back(connection, *counted(query, wanted), wanted, until, most)
    rows: list[Any] = []
    for since in sinces:
        statement, parameters = compose(query, wanted, order, after, limit, since)
        async with connection.cursor(row_factory=namedtuple_row) as cursor:
            await cursor.execute(statement, parameters, prepare=False)
            rows = cast(list[Any], await cursor.fetchall())
        if rows and (len(rows) if order is Order.TIME else rows[0].found_among) >= most:
            break
    return rows


def compose(
    query: Query,
    wanted: Filter,
    order: Order,
    after: HitPosition | None,
    limit: int,
    looked_since: datetime | None = None,
) -> tuple[sql.Composed, Parameters]:
    """The statement and its parameters; nothing a person typed is ever part of the statement."""
    parameters: Parameters = {
        "looked_since": looked_since,
        "limit": limit,
        "ranked": RANKED,
        "options": f"StartSel={START}, StopSel={STOP}, HighlightAll=true",
        "marked": MARKED_CHARACTERS,
    }
    tongues = query.tongues(wanted.languages)
    asked = _any(tongues)
    if after is not None:
        parameters |= _past(after)
    if order is Order.TIME:
        following = _AFTER_TIME if after else sql.SQL("")
        rank = sql.SQL("0::float8 as rank, null::bigint as among")
        found = latest(query, wanted, parameters, rank, sql.SQL("%(limit)s"), following)
    else:
        words = sql.SQL("s.search")
        found = _BY_RANK.format(
            query=asked,
            latest=latest(query, wanted, parameters, words, sql.SQL("%(ranked)s")),
            after=_AFTER_RANK if after else sql.SQL(""),
            place=_PLACE,
        )
    statement = _SHOWN.format(
        found=found,
        asked=asked,
        folded=_any(tongues, "hall_fold(%(words)s)"),
        segment=_SEGMENT,
        transcript=TRANSCRIPT,
        marked=_MARKED,
        place=_PLACE,
    )
    return statement, parameters


def _past(after: HitPosition) -> Parameters:
    return {
        "said_at": after.said_at,
        "after_id": after.transcript_id,
        "after_utterance": after.utterance_id,
        "after_rank": after.rank,
    }


def latest(
    query: Query,
    wanted: Filter,
    parameters: Parameters,
    also: sql.Composable,
    limit: sql.Composable,
    after: sql.Composable = _NOTHING,
) -> sql.Composed:
    """The latest segments in which something is found, with `also` of each.

    Every space is asked by itself: only then does the index give its segments by time, and a page of what is
    everywhere costs no more than a page.
    """
    several = len(wanted.spaces) != 1
    where = _conditions(query, wanted, parameters)
    where.insert(0, sql.SQL("s.space_id = home.space_id" if several else "s.space_id = %(space)s"))
    if parameters.get("looked_since") is not None:
        where.append(sql.SQL("s.said_at >= %(looked_since)s"))
    of_transcript = transcript_conditions(wanted, parameters)
    found = _LATEST.format(
        also=also,
        join=_JOIN if of_transcript else _NOTHING,
        where=sql.SQL(" and ").join([*where, *of_transcript]),
        after=after,
        place=_PLACE,
        limit=limit,
    )
    if not several:
        return found
    return _OF_SPACES.format(latest=found, place=_PLACE, limit=limit)


def counted(query: Query, wanted: Filter) -> tuple[sql.Composed, Parameters]:
    """All that is found, for the planner to say how much that may be."""
    parameters: Parameters = {}
    where = [
        sql.SQL("s.space_id = any(%(spaces)s::uuid[])"),
        *_conditions(query, wanted, parameters),
    ]
    of_transcript = transcript_conditions(wanted, parameters)
    statement = sql.SQL("select from transcript_segments s {join} where {where}").format(
        join=_JOIN if of_transcript else _NOTHING,
        where=sql.SQL(" and ").join([*where, *of_transcript]),
    )
    return statement, parameters


def _conditions(query: Query, wanted: Filter, parameters: Parameters) -> list[sql.Composable]:
    """What a segment that is found has to be, but for its space."""
    parameters |= {"words": query.words, "beginnings": list(query.beginnings)}
    tongues = query.tongues(wanted.languages)
    where = _segment_conditions(wanted, parameters)
    where.append(sql.SQL("s.search @@ {}").format(_any(tongues)))
    if query.negates:
        where.append(_in_its_own_language(tongues))
    return where


def _asked(tongue: str, words: LiteralString = "%(words)s") -> sql.Composable:
    return sql.SQL("hall_query({}, {}, %(beginnings)s::text[])").format(
        sql.Literal(tongue), sql.SQL(words)
    )


def _any(tongues: Sequence[str], words: LiteralString = "%(words)s") -> sql.Composable:
    """What is asked, in whichever of these languages, each spelling once: the planner counts them."""
    return sql.SQL("hall_any({}::text[], {}, %(beginnings)s::text[])").format(
        sql.Literal(list(tongues)), sql.SQL(words)
    )


def _in_its_own_language(tongues: Sequence[str]) -> sql.Composable:
    """A word's absence is judged by the stemmer of the text's own language; another one would not see the word."""
    cases = sql.SQL(" ").join(
        sql.SQL("when {} then s.search @@ {}").format(sql.Literal(t), _asked(t)) for t in tongues
    )
    return sql.SQL("case hall_tongue(s.language) {} else s.search @@ {} end").format(
        cases, _asked("simple")
    )


_MARKED = sql.SQL("""
ts_headline({own}, left(s.text, %(marked)s), asked.typed, %(options)s) as marked,
ts_headline({own}, hall_fold(left(s.text, %(marked)s)), asked.folded, %(options)s) as marked_folded,
case when %(beginnings)s::text[] <> '{{}}'
  then ts_headline('simple', hall_fold(left(s.text, %(marked)s)), asked.typed, %(options)s)
end as marked_beginnings
""").format(
    own=sql.SQL(
        "(case hall_tongue(s.language) when 'es' then 'hall_es' when 'ru' then 'hall_ru'"
        " when 'en' then 'hall_en' else 'simple' end)::regconfig"
    )
)
"""The text with its found words marked: as it stands, in its folded spelling, and by beginnings of words."""


def _segment_conditions(wanted: Filter, parameters: Parameters) -> list[sql.Composable]:
    """What a segment knows of itself."""
    parameters |= {"spaces": list(wanted.spaces), "space": next(iter(wanted.spaces), None)}
    found: list[sql.Composable] = [sql.SQL("s.is_final")]
    for name, value, condition in (
        ("speaker", wanted.speaker, "s.speaker = %(speaker)s"),
        ("person", wanted.person, "s.person = %(person)s"),
        ("since", wanted.since, "s.said_at >= %(since)s"),
        ("until", wanted.until, "s.said_at < %(until)s"),
        ("transcript", wanted.transcript_id, "s.transcript_id = %(transcript)s"),
        (
            "languages",
            list(wanted.languages) or None,
            "split_part(s.language, '-', 1) = any(%(languages)s::text[])",
        ),
    ):
        if value is not None:
            parameters[name] = value
            found.append(sql.SQL(condition))
    return found


def transcript_conditions(wanted: Filter, parameters: Parameters) -> list[sql.Composable]:
    """What only the transcript knows; without any it need not be looked at before the page is known."""
    found: list[sql.Composable] = []
    for name, value, condition in (
        ("kinds", [k.value for k in wanted.kinds] or None, "t.kind = any(%(kinds)s::text[])"),
        ("tags", list(wanted.tags) or None, "t.tags @> %(tags)s::text[]"),
        ("shortest", wanted.shortest_seconds, "t.duration_seconds >= %(shortest)s"),
        ("longest", wanted.longest_seconds, "t.duration_seconds <= %(longest)s"),
        ("provider", wanted.provider, "strpos(t.provider, %(provider)s) > 0"),
    ):
        if value is not None:
            parameters[name] = value
            found.append(sql.SQL(condition))
    return found


class OfTranscript:
    """The part of a joined row that is the transcript."""

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, f"t_{name}")


def _hit(row: Any) -> Hit:
    marks = marks_in(row.text, row.marked, row.marked_folded, row.marked_beginnings)
    return Hit(transcript_of(OfTranscript(row)), segment_of(row), row.found_rank, marks)
