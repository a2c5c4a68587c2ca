"""Passages and their vectors. Their table is made where pgvector is, and not by a migration: not every PostgreSQL has it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import Filter
from tertulia.transcripts.store.search import (
    TRANSCRIPT,
    OfTranscript,
    Parameters,
    transcript_conditions,
)
from tertulia.transcripts.store.transcripts import transcript_of

LOCK = 7_355_609
MOST_INDEXED = 2_000
"""Dimensions pgvector's index takes of whole numbers; above it those of half precision are indexed."""

_TABLE: LiteralString = """
create table if not exists transcript_passages (
  transcript_id uuid not null references transcripts (id) on delete cascade,
  model text not null,
  number integer not null,
  space_id uuid not null,
  said_at timestamptz not null,
  start_seconds float8 not null,
  end_seconds float8 not null,
  first_utterance text not null,
  sha256 text not null,
  embedding vector not null,
  primary key (transcript_id, model, number)
);
create table if not exists transcript_passages_of (
  transcript_id uuid not null references transcripts (id) on delete cascade,
  model text not null,
  version integer not null,
  primary key (transcript_id, model)
)
"""
_WAITING: LiteralString = """
select t.id from transcripts t left join transcript_passages_of p on p.transcript_id = t.id and p.model = %s
where t.state = 'final' and p.version is distinct from t.version order by t.updated_at desc limit %s
"""
_NEAREST = sql.SQL("""
with near as materialized (
  select s.transcript_id, s.start_seconds, s.end_seconds, s.first_utterance, s.said_at,
    (s.embedding::{type}({dimensions}) <=> %(asked)s::{type}({dimensions}))::float8 as distance
  from transcript_passages s {join} where {where}
  order by s.embedding::{type}({dimensions}) <=> %(asked)s::{type}({dimensions}) limit %(limit)s
)
select near.*, {transcript}, said.speaker, said.person, said.language, said.text
from near join transcripts t on t.id = near.transcript_id
cross join lateral (
  select min(g.speaker) filter (where g.utterance_id = near.first_utterance) as speaker,
    min(g.person) filter (where g.utterance_id = near.first_utterance) as person,
    min(g.language) filter (where g.utterance_id = near.first_utterance) as language,
    string_agg(g.text, ' ' order by g.start_seconds, g.utterance_id) as text
  from transcript_segments g where g.transcript_id = near.transcript_id and g.is_final
    and g.start_seconds between near.start_seconds and near.end_seconds
    and (g.start_seconds, g.utterance_id) >= (near.start_seconds, near.first_utterance)
) said
where said.text is not null
order by near.distance, near.said_at desc
""")


@dataclass(frozen=True, slots=True)
class Passage:
    """A few sentences in a row, long enough to be about something."""

    number: int
    first_utterance: str
    start: float
    last_start: float
    """When the last of its segments begins."""
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


class PassageStore:
    """Vectors of passages, of one model at a time."""

    async def missing(self, tx: Transaction) -> str | None:
        """What keeps vectors from being kept here; None where nothing does. Makes the tables the first time."""
        connection = await tx.raw()
        there = await connection.execute("select to_regclass('transcript_passages_of') is not null")
        if (await there.fetchone() or (False,))[0]:
            return None
        known = await connection.execute(
            "select exists (select from pg_available_extensions where name = 'vector')"
        )
        if not (await known.fetchone() or (False,))[0]:
            return "This PostgreSQL has no pgvector. Install the extension `vector` on its machine."
        try:
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
                await connection.execute("create extension if not exists vector")
                await connection.execute(_TABLE)
        except psycopg.errors.InsufficientPrivilege:
            return "The database's user may not make extensions. Run `create extension vector` as its owner."
        return None

    async def waiting(self, tx: Transaction, model: str, limit: int) -> Sequence[UUID]:
        """Final conversations whose passages are not of their version."""
        connection = await tx.raw()
        rows = await connection.execute(_WAITING, (model, limit))
        return [row[0] for row in await rows.fetchall()]

    async def known(self, tx: Transaction, id_: UUID, model: str) -> dict[int, str]:
        """Digests of the passages there are, by number."""
        connection = await tx.raw()
        rows = await connection.execute(
            "select number, sha256 from transcript_passages where transcript_id = %s and model = %s",
            (id_, model),
        )
        return {row[0]: row[1] for row in await rows.fetchall()}

    async def put(
        self,
        tx: Transaction,
        id_: UUID,
        model: str,
        version: int,
        passages: Sequence[Passage],
        vectors: dict[int, Sequence[float]],
    ) -> None:
        """Keeps the passages of a version: those with a vector are written, others stay, and what is past them goes."""
        connection = await tx.raw()
        for passage in passages:
            place = (
                passage.first_utterance,
                passage.start,
                passage.last_start,
                id_,
                model,
                passage.number,
            )
            if passage.number not in vectors:
                await connection.execute(
                    "update transcript_passages set first_utterance = %s, start_seconds = %s, end_seconds = %s"
                    " where transcript_id = %s and model = %s and number = %s",
                    place,
                )
                continue
            await connection.execute(
                """
insert into transcript_passages (first_utterance, start_seconds, end_seconds, transcript_id, model, number, space_id,
  said_at, sha256, embedding)
select %s, %s, %s, t.id, %s, %s, t.space_id, t.started_at + make_interval(secs => %s), %s, %s::vector
from transcripts t where t.id = %s
on conflict (transcript_id, model, number) do update set first_utterance = excluded.first_utterance,
  start_seconds = excluded.start_seconds, end_seconds = excluded.end_seconds, said_at = excluded.said_at,
  sha256 = excluded.sha256, embedding = excluded.embedding
""",
                (
                    *place[:3],
                    model,
                    passage.number,
                    passage.start,
                    passage.sha256,
                    literal(vectors[passage.number]),
                    id_,
                ),
            )
        await connection.execute(
            "delete from transcript_passages where transcript_id = %s and model = %s and number > %s",
            (id_, model, len(passages)),
        )
        await connection.execute(
            "insert into transcript_passages_of (transcript_id, model, version) values (%s, %s, %s)"
            " on conflict (transcript_id, model) do update set version = excluded.version",
            (id_, model, version),
        )

    async def index(self, tx: Transaction, model: str, dimensions: int) -> None:
        """An index of this model's vectors, made while there are few of them."""
        name = "ix_passages_" + hashlib.sha256(f"{model} {dimensions}".encode()).hexdigest()[:24]
        type_ = type_of(dimensions)
        connection = await tx.raw()
        await connection.execute(
            sql.SQL(
                "create index if not exists {name} on transcript_passages using hnsw"
                " ((embedding::{type}({dimensions})) {operators}) where model = {model}"
            ).format(
                name=sql.Identifier(name),
                type=sql.SQL(type_),
                dimensions=sql.Literal(dimensions),
                operators=sql.SQL(f"{type_}_cosine_ops"),
                model=sql.Literal(model),
            )
        )

    async def forget(self, tx: Transaction, ids: Sequence[UUID]) -> int:
        """Removes the passages of conversations, where there are any."""
        connection = await tx.raw()
        there = await connection.execute("select to_regclass('transcript_passages_of') is not null")
        if not (await there.fetchone() or (False,))[0]:
            return 0
        await connection.execute(
            "delete from transcript_passages_of where transcript_id = any(%s::uuid[])", (list(ids),)
        )
        gone = await connection.execute(
            "delete from transcript_passages where transcript_id = any(%s::uuid[])", (list(ids),)
        )
        return gone.rowcount

    async def nearest(
        self, tx: Transaction, model: str, asked: Sequence[float], wanted: Filter, limit: int
    ) -> Sequence[tuple[Any, Any]]:
        """Rows of the passages nearest to a vector, each with its transcript."""
        parameters: Parameters = {
            "asked": literal(asked),
            "model": model,
            "limit": limit,
            "spaces": list(wanted.spaces),
        }
        of_transcript = transcript_conditions(wanted, parameters)
        where = [
            sql.SQL("s.space_id = any(%(spaces)s::uuid[])"),
            sql.SQL("s.model = {}").format(sql.Literal(model)),
            *_passage_conditions(wanted, parameters),
            *of_transcript,
        ]
        join = sql.SQL("join transcripts t on t.id = s.transcript_id" if of_transcript else "")
        statement = _NEAREST.format(
            type=sql.SQL(type_of(len(asked))),
            dimensions=sql.Literal(len(asked)),
            join=join,
            where=sql.SQL(" and ").join(where),
            transcript=TRANSCRIPT,
        )
        connection = await tx.raw()
        # what the filters drop is made up for by going on, until there is a page
        await connection.execute("set local hnsw.iterative_scan = relaxed_order")
        async with connection.cursor(row_factory=namedtuple_row) as cursor:
            await cursor.execute(statement, parameters, prepare=False)
            return [(row, transcript_of(OfTranscript(row))) for row in await cursor.fetchall()]


def _passage_conditions(wanted: Filter, parameters: Parameters) -> list[sql.Composable]:
    """What a passage knows of itself, and what one of its segments has to be."""
    found: list[sql.Composable] = []
    for name, value, condition in (
        ("since", wanted.since, "s.said_at >= %(since)s"),
        ("until", wanted.until, "s.said_at < %(until)s"),
        ("transcript", wanted.transcript_id, "s.transcript_id = %(transcript)s"),
        ("speaker", wanted.speaker, _ONE.format("g.speaker = %(speaker)s")),
        ("person", wanted.person, _ONE.format("g.person = %(person)s")),
        (
            "languages",
            list(wanted.languages) or None,
            _ONE.format("split_part(g.language, '-', 1) = any(%(languages)s::text[])"),
        ),
    ):
        if value is not None:
            parameters[name] = value
            found.append(sql.SQL(condition))
    return found


_ONE: LiteralString = (
    "exists (select from transcript_segments g where g.transcript_id = s.transcript_id"
    " and g.start_seconds between s.start_seconds and s.end_seconds and {})"
)


def literal(vector: Sequence[float]) -> str:
    """A vector as PostgreSQL reads it."""
    return "[" + ",".join(f"{value:.7g}" for value in vector) + "]"


def type_of(dimensions: int) -> LiteralString:
    return "vector" if dimensions <= MOST_INDEXED else "halfvec"
