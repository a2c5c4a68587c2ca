"""The hall: appending in batches against a plain `unnest`, and searching by HTTP against the query alone."""

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import psycopg
import uvicorn
from fastapi import APIRouter, FastAPI
from sqlalchemy import text

from bench.measure import Ratio, at_least, at_most, in_turn, median, percentile
from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.service import BlobService
from tertulia.identity.access import Access
from tertulia.identity.domain import Principal, PrincipalKind, Role
from tertulia.jobs import Jobs
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.http import TransactionRoute
from tertulia.kernel.ids import new_id
from tertulia.kernel.postgres import EmbeddedPostgres
from tertulia.kernel.schema import Schema
from tertulia.transcripts import search_api
from tertulia.transcripts.appending import Silent
from tertulia.transcripts.domain import Draft, Filter, Kind
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.searching import Order, Query
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.store.search import found_rows
from tertulia.transcripts.writer import SegmentWriter

SESSIONS = 200
DRAFTS_A_FINAL = 2
"""Every utterance is guessed twice before it is final, as live text is."""
AT_ONCE = 5
"""Utterances a session hands over together, so that batches are as long as statements can be."""
WORDS_A_SEGMENT = 14
VOCABULARY = 50_000
SEGMENTS_A_TRANSCRIPT = 50
ROWS_AT_ONCE = 5_000
PAGE = 20

PLAIN = """
insert into transcript_segments (transcript_id, utterance_id, space_id, said_at, start_seconds, end_seconds, text,
  language, is_final)
select * from unnest(%s::uuid[], %s::text[], %s::uuid[], %s::timestamptz[], %s::float8[], %s::float8[], %s::text[],
  %s::text[], %s::bool[])
on conflict (transcript_id, utterance_id) do update set text = excluded.text, is_final = excluded.is_final,
  end_seconds = excluded.end_seconds
"""


class Speech:
    """Sentences whose words are as uneven as those of a language: the n-th word comes 1/n as often."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        letters = "aeioulnrstdcmpbgvf"
        self.words = list(
            dict.fromkeys(
                "".join(self._random.choices(letters, k=self._random.randint(3, 9)))
                for _ in range(VOCABULARY)
            )
        )
        self._weights = list(accumulate(1 / n for n in range(1, len(self.words) + 1)))

    def say(self, words: int = WORDS_A_SEGMENT) -> str:
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=words))


@contextmanager
def corpus_folder(segments: int, kind: str = "") -> Iterator[Path]:
    """Where a corpus is: kept for the next time under the folder in `BENCH_CORPUS`, if that is set."""
    kept = os.environ.get("BENCH_CORPUS")
    if kept:
        yield Path(kept, f"{segments}{kind}")
        return
    with scratch_folder() as folder:
        yield folder


@contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


class Hall:
    """A hall on a database of its own, with one space."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder / "postgres")
        (folder / "postgres").mkdir(parents=True, exist_ok=True)
        self._server.start()
        Schema(self._server.conninfo, binaries=self._server.binaries).upgrade()
        self.conninfo = self._server.conninfo
        self.database = Database(self.conninfo, pool=4)
        clock = SystemClock()
        blobs = BlobService(self.database, LocalStore(folder / "blobs"), clock)
        jobs = Jobs(self.database)
        self.service = TranscriptService(blobs=blobs, clock=clock, announcer=Silent(), jobs=jobs)
        self.writer = SegmentWriter(self.database, clock, Silent())
        self.space = new_id()

    async def open(self) -> None:
        """Makes the space, or finds the one of a corpus that was made before."""
        async with self.database.transaction() as tx:
            there = await tx.session.scalar(text("select id from spaces"))
            if there is not None:
                self.space = there
                return
            await tx.session.execute(
                text("insert into spaces (id, name, created_at) values (:id, 'bench', now())"),
                {"id": self.space},
            )

    async def transcripts(self, number: int) -> list[UUID]:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        async with self.database.transaction() as tx:
            return [
                (
                    await self.service.create(
                        tx,
                        self.space,
                        Kind.LIVE,
                        language="es",
                        started_at=start + timedelta(hours=i),
                    )
                ).id
                for i in range(number)
            ]

    async def close(self) -> None:
        await self.database.close()
        self._server.stop()


async def appending(hall: Hall, utterances: int, rounds: int) -> tuple[Ratio, int]:
    """Goal 5: the same segments through the writer and straight into the table; and how many are there twice."""
    speech = Speech(5)
    said = [speech.say() for _ in range(utterances)]
    plain = await psycopg.AsyncConnection.connect(hall.conninfo)
    total = SESSIONS * utterances * (DRAFTS_A_FINAL + 1)

    def rounds_of(first: int) -> list[list[Draft]]:
        """Two guesses at a few utterances, and then what was said."""
        numbers = range(first, first + AT_ONCE)
        cuts = [20 + 20 * i for i in range(DRAFTS_A_FINAL)] + [None]
        return [
            [Draft(f"u{n}", said[n][:cut], n, n + 1, is_final=cut is None) for n in numbers]
            for cut in cuts
        ]

    spoken = [drafts for n in range(0, utterances, AT_ONCE) for drafts in rounds_of(n)]

    async def ours() -> float:
        ids = await hall.transcripts(SESSIONS)

        async def session(id_: UUID) -> None:
            for drafts in spoken:
                await hall.writer.append(id_, drafts)

        async with hall.writer.running():
            started = time.perf_counter()
            await asyncio.gather(*(session(id_) for id_ in ids))
            return total / (time.perf_counter() - started)

    async def baseline() -> float:
        ids = await hall.transcripts(SESSIONS)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        started = time.perf_counter()
        for drafts in spoken:
            rows = [
                (id_, d.utterance_id, hall.space, at, d.start, d.end, d.text, "es", d.is_final)
                for id_ in ids
                for d in drafts
            ]
            columns = [list(c) for c in zip(*rows, strict=True)]
            await plain.execute(PLAIN, columns, binary=True, prepare=True)
            await plain.commit()
        return total / (time.perf_counter() - started)

    measured = await in_turn(ours, baseline, rounds)
    twice = await plain.execute(
        "select count(*) - count(distinct (transcript_id, utterance_id)) from transcript_segments"
    )
    duplicates = cast(tuple[int], await twice.fetchone())[0]
    await plain.close()
    claim = f"goal 5: appended by {SESSIONS} sessions ÷ plain unnest"
    return at_least(claim, *measured, "rows/s", 0.6), duplicates


class Everybody(Access):
    """Lets everybody in, so that what is measured is the search."""

    def __init__(self, space: UUID) -> None:
        self._who = Principal(
            kind=PrincipalKind.USER,
            credential_id=new_id(),
            user_id=new_id(),
            roles={space: Role.OWNER},
        )

    async def principal(self, connection: Any) -> Principal:
        return self._who


async def fill(hall: Hall, segments: int, each: int = SEGMENTS_A_TRANSCRIPT) -> Speech:
    """Conversations of `each` segments, all final, unless they are there already; and who says them."""
    speech = Speech(6)
    async with hall.database.transaction() as tx:
        if await tx.session.scalar(text("select exists (select from transcript_segments)")):
            return speech
    connection = await psycopg.AsyncConnection.connect(hall.conninfo)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ids = await hall.transcripts(segments // each)
    said = ((n, i) for n in range(len(ids)) for i in range(each))
    while batch := list(islice(said, ROWS_AT_ONCE)):
        rows = [
            (ids[n], f"u{i}", hall.space, at + timedelta(hours=n, seconds=i), i * 1.0, i + 1.0, speech.say(), "es", True)
            for n, i in batch
        ]  # fmt: skip
        columns = [list(c) for c in zip(*rows, strict=True)]
        await connection.execute(PLAIN, columns, binary=True)
        await connection.commit()
    await connection.set_autocommit(True)
    await connection.execute("vacuum analyze")
    await connection.close()
    return speech


async def timed(works: Sequence[Any], arguments: Sequence[Any]) -> list[float]:
    """p95 in seconds of each, taken in turn with the same arguments."""
    took: list[list[float]] = [[] for _ in works]
    for number, argument in enumerate(arguments):
        # whoever asks first fetches what the others find in memory: each is first as often as the others
        for place in range(len(works)):
            which = (number + place) % len(works)
            started = time.perf_counter()
            await works[which](argument)
            took[which].append(time.perf_counter() - started)
    return [percentile(times, 0.95) for times in took]


async def searching(hall: Hall, segments: int, queries: int, rounds: int) -> Ratio:
    """Goal 6: a search by HTTP against an empty endpoint and the query alone, with words as uneven as speech."""
    speech = await fill(hall, segments)
    asked = [speech.say(1 + n % 2) for n in range(queries)]
    app = FastAPI()
    app.state.database = hall.database
    exporter = Exporter(hall.database)
    app.include_router(search_api.router(hall.service, exporter, Everybody(hall.space)))
    empty_routes = APIRouter(route_class=TransactionRoute)

    @empty_routes.get("/empty")
    async def empty() -> dict[str, int]:
        return {}

    app.include_router(empty_routes)
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="critical"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    raw = await psycopg.AsyncConnection.connect(hall.conninfo, autocommit=True)
    wanted = Filter([hall.space])

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def by_http(words: str) -> None:
            answer = await client.get("/api/search", params={"q": words, "limit": PAGE})
            assert answer.status_code == 200

        async def by_nothing(_: str) -> None:
            assert (await client.get("/empty")).status_code == 200

        async def by_query(words: str) -> None:
            await found_rows(raw, Query.parse(words), wanted, Order.RANK, None, PAGE + 1)

        works = (by_http, by_nothing, by_query)
        await timed(works, asked[: queries // 4])
        taken = [await timed(works, asked) for _ in range(rounds)]
    server.should_exit = True
    await running
    await raw.close()
    http, nothing, query = (median(column) for column in zip(*taken, strict=True))
    print(
        f"{segments:,} segments: search p95 {http * 1e3:.2f} ms, "
        f"empty endpoint {nothing * 1e3:.2f} ms, query alone {query * 1e3:.2f} ms"
    )
    claim = f"goal 6: search by HTTP ÷ (empty endpoint + query), {segments:,} segments"
    return at_most(claim, http * 1e3, (nothing + query) * 1e3, "ms", 1.4)


async def main() -> int:
    quick = "--quick" in sys.argv
    sizes = (20_000,) if quick else (100_000, 1_000_000)
    ratios: list[Ratio] = []
    for measure in (None, *sizes):
        with corpus_folder(measure) if measure else scratch_folder() as folder:
            hall = Hall(folder)
            await hall.open()
            if measure is None:
                ratio, duplicates = await appending(hall, 10 if quick else 40, 3 if quick else 5)
                print(f"duplicates: {duplicates}")
                ratios.append(ratio)
                failed = duplicates != 0
            else:
                ratios.append(await searching(hall, measure, 100 if quick else 400, 3))
            await hall.close()
    for ratio in ratios:
        print(ratio.line())
    return 1 if failed or not all(r.holds for r in ratios) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
