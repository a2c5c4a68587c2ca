"""The grouping writer: many sessions, few statements, nothing lost, nothing told before it is durable."""

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin, Heard

from tertulia.kernel.clock import HeldClock, SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import InvalidRequestError, UnavailableError
from tertulia.kernel.ids import new_id
from tertulia.speech.domain import Word
from tertulia.speech.redaction import Redaction
from tertulia.transcripts.domain import Draft, Outcome
from tertulia.transcripts.errors import TranscriptMissingError
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.writer import SegmentWriter

pytestmark = pytest.mark.db


def count(conninfo: str) -> int:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("select count(*) from transcript_segments").fetchone()
    assert row
    return int(row[0])


async def test_many_sessions_share_statements_and_leave_no_duplicates(
    database: Database, begin: Begin, segment_writer: SegmentWriter, conninfo: str, heard: Heard
) -> None:
    made = [await begin() for _ in range(20)]

    async def session(transcript_id: Any) -> None:
        for i in range(10):
            draft = Draft(f"u{i}", f"guess {i}", i, i + 1, is_final=False)
            final = Draft(f"u{i}", f"said {i}", i, i + 1)
            await segment_writer.append(transcript_id, [draft])
            assert await segment_writer.append(transcript_id, [final]) == [Outcome.WRITTEN]
            assert await segment_writer.append(transcript_id, [final, draft]) == [Outcome.KEPT] * 2

    await asyncio.gather(*(session(t.id) for t in made))
    assert await asyncio.to_thread(count, conninfo) == 200
    assert segment_writer.statements <= 100
    assert sum(1 for _, final in heard.segments() if final) == 200


async def test_what_is_told_is_durable(database: Database, begin: Begin, conninfo: str) -> None:
    made = await begin()
    seen: list[int] = []

    class Looking(Heard):
        def publish_now(
            self, topic: str, type_: str, data: Mapping[str, Any] | None = None
        ) -> None:
            seen.append(count(conninfo))

    async with SegmentWriter(database, SystemClock(), Looking()).running() as writer:
        await writer.append(made.id, [Draft("a", "x", 0, 1), Draft("b", "y", 1, 2)])
    assert seen == [2]


async def test_it_writes_at_once_and_then_gathers(
    database: Database, begin: Begin, heard: Heard, conninfo: str
) -> None:
    made = await begin()
    clock = HeldClock()

    def handed(*names: str) -> list["asyncio.Task[list[Outcome]]"]:
        return [
            asyncio.create_task(writer.append(made.id, [Draft(name, "x", 0, 1)])) for name in names
        ]

    async with SegmentWriter(database, clock, heard, gather_seconds=0.02).running() as writer:
        await asyncio.wait_for(asyncio.gather(*handed("a", "b")), 10)
        assert writer.statements == 1
        waiting = handed("c", "d")
        await clock.advance(0.019)
        assert await asyncio.to_thread(count, conninfo) == 2
        waiting += handed("e")
        await clock.advance(0.002)
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        assert writer.statements == 2


async def test_one_that_is_wrong_does_not_harm_the_others(
    database: Database, begin: Begin, segment_writer: SegmentWriter, conninfo: str
) -> None:
    made = await begin()
    good = [segment_writer.append(made.id, [Draft(f"u{i}", "x", 0, 1)]) for i in range(5)]
    gone = segment_writer.append(new_id(), [Draft("u", "x", 0, 1)])
    wrong = segment_writer.append(made.id, [Draft("a/b", "x", 0, 1)])
    *fine, missing, refused = await asyncio.gather(*good, gone, wrong, return_exceptions=True)
    assert fine == [[Outcome.WRITTEN]] * 5
    assert isinstance(missing, TranscriptMissingError)
    assert isinstance(refused, InvalidRequestError)
    assert await asyncio.to_thread(count, conninfo) == 5


async def test_a_row_the_database_refuses_fails_alone(
    database: Database, begin: Begin, segment_writer: SegmentWriter, conninfo: str
) -> None:
    good, bad = await begin(), await begin()
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await connection.execute(
            "alter table transcript_segments add constraint picky check (text <> 'poison')"
        )
    results = await asyncio.gather(
        segment_writer.append(good.id, [Draft("u", "fine", 0, 1)]),
        segment_writer.append(bad.id, [Draft("u", "poison", 0, 1)]),
        return_exceptions=True,
    )
    assert results[0] == [Outcome.WRITTEN]
    assert isinstance(results[1], Exception)
    assert "poison" not in str(results[1])
    assert await asyncio.to_thread(count, conninfo) == 1


async def test_a_transcript_deleted_meanwhile_takes_nobody_along(
    database: Database, hall: TranscriptService, begin: Begin, segment_writer: SegmentWriter
) -> None:
    stays, goes = await begin(), await begin()

    async def delete() -> None:
        async with database.transaction() as tx:
            await hall.delete(tx, [goes.space_id], goes.id)

    async def write(transcript_id: Any) -> list[str]:
        outcomes: list[str] = []
        for i in range(20):
            try:
                outcomes += await segment_writer.append(transcript_id, [Draft(f"u{i}", "x", i, i)])
            except TranscriptMissingError:
                outcomes.append("missing")
        return outcomes

    kept, gone, _ = await asyncio.gather(write(stays.id), write(goes.id), delete())
    assert kept == ["written"] * 20
    assert gone[-1] == "missing"


async def test_at_the_end_everything_handed_over_is_written(
    database: Database, begin: Begin, heard: Heard, conninfo: str
) -> None:
    made = await begin()
    writer = SegmentWriter(database, SystemClock(), heard, gather_seconds=0.01)
    async with writer.running():
        waiting = [
            asyncio.create_task(writer.append(made.id, [Draft(f"u{i}", "x", i, i)]))
            for i in range(50)
        ]
        await asyncio.sleep(0)
    assert [await w for w in waiting] == [[Outcome.WRITTEN]] * 50
    assert await asyncio.to_thread(count, conninfo) == 50
    with pytest.raises(UnavailableError):
        await writer.append(made.id, [Draft("late", "x", 0, 1)])


async def test_past_what_may_wait_callers_wait_before(
    database: Database, begin: Begin, heard: Heard, conninfo: str
) -> None:
    made = await begin()
    writer = SegmentWriter(database, SystemClock(), heard, most_rows=4, most_waiting=8)
    async with writer.running():
        await asyncio.gather(
            *(writer.append(made.id, [Draft(f"u{i}", "x", i, i)]) for i in range(100))
        )
    assert await asyncio.to_thread(count, conninfo) == 100
    assert writer.statements >= 25


async def test_a_database_that_is_away_fails_the_callers_and_not_the_writer(
    begin: Begin, database: Database, heard: Heard, owner: Person
) -> None:
    made = await begin()
    away = Database("host=/nowhere dbname=none", pool=1)
    async with SegmentWriter(away, SystemClock(), heard).running() as writer:
        for _ in range(2):
            with pytest.raises(UnavailableError):
                await writer.append(made.id, [Draft("u", "x", 0, 1)])
    await away.close()
    assert heard.segments() == []


async def test_what_must_not_be_kept_is_masked_before_it_is_written_or_told(
    database: Database, begin: Begin, heard: Heard, conninfo: str
) -> None:
    made = await begin()
    redaction = Redaction(cards=True)
    said = "my card is 4111 1111 1111 1111"
    words = tuple(Word(word, i, i + 1) for i, word in enumerate(said.split()))
    writer = SegmentWriter(database, SystemClock(), heard, redaction=redaction)
    async with writer.running():
        await writer.append(made.id, [Draft("a", said, 0, 7, is_final=False)])
        await writer.append(made.id, [Draft("a", said, 0, 7, words=words)])
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("select text, words::text from transcript_segments").fetchone()
    assert row is not None
    assert row[0] == "my card is ••••"
    assert "1111" not in row[1] + str(heard.events)
