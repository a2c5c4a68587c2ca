"""The hall: how long a final takes until it is durable and told, while 200 sessions write beside a million segments."""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from uuid import UUID

import psycopg

from bench.hall import PLAIN, SESSIONS, Hall, Speech, corpus_folder, fill, scratch_folder
from bench.measure import Ratio, at_most, percentile
from tertulia.events.domain import Event
from tertulia.events.postgres import PostgresTransport
from tertulia.events.service import Events
from tertulia.kernel.clock import SystemClock
from tertulia.transcripts.appending import SEGMENTS, topic_of
from tertulia.transcripts.domain import Draft
from tertulia.transcripts.writer import SegmentWriter

DRAFT_SECONDS = 0.25
DRAFTS_A_FINAL = 7
"""A guess every quarter of a second and a final every two seconds: people who talk."""
GOAL_MS = 50.0
BESIDE = 1_000_000
"""Segments that are there already: the index that finals go into is as large as it gets."""


class Told:
    """When each final was told to somebody who listens."""

    def __init__(self) -> None:
        self.at: dict[tuple[str, str], float] = {}

    def hear(self, event: Event) -> None:
        now = time.perf_counter()
        if event.type == SEGMENTS:
            for segment in event.data["segments"]:
                if segment["is_final"]:
                    self.at[event.data["transcript_id"], segment["utterance_id"]] = now


async def talking(
    hall: Hall, ids: Sequence[UUID], seconds: float
) -> tuple[list[float], list[float], int]:
    """Milliseconds of every final until durable, and until told; and how many segments a second that were."""
    events = Events(PostgresTransport(hall.conninfo))
    await events.start()
    writer = SegmentWriter(hall.database, SystemClock(), events)
    speech, told, chance = Speech(9), Told(), random.Random(9)
    handed: dict[tuple[str, str], float] = {}
    durable: list[float] = []
    written = 0

    async def listen(id_: UUID) -> None:
        async with events.subscribe(topic_of(id_)) as subscription:
            async for event in subscription:
                told.hear(event)

    async def session(id_: UUID) -> None:
        nonlocal written
        await asyncio.sleep(chance.random() * DRAFT_SECONDS * DRAFTS_A_FINAL)
        until = time.perf_counter() + seconds
        number = 0
        while time.perf_counter() < until:
            number += 1
            said = speech.say()
            for part in range(DRAFTS_A_FINAL):
                began = time.perf_counter()
                draft = Draft(
                    f"u{number}", said[: 12 * part + 12], number, number + 1, is_final=False
                )
                await writer.append(id_, [draft])
                written += 1
                await asyncio.sleep(max(0.0, DRAFT_SECONDS - (time.perf_counter() - began)))
            began = time.perf_counter()
            handed[str(id_), f"u{number}"] = began
            await writer.append(id_, [Draft(f"u{number}", said, number, number + 1)])
            durable.append((time.perf_counter() - began) * 1e3)
            written += 1

    async with writer.running():
        listeners = [asyncio.create_task(listen(id_)) for id_ in ids]
        began = time.perf_counter()
        await asyncio.gather(*(session(id_) for id_ in ids))
        took = time.perf_counter() - began
    await asyncio.sleep(0.5)
    for listener in listeners:
        listener.cancel()
    await asyncio.gather(*listeners, return_exceptions=True)
    await events.stop()
    missing = set(handed) - set(told.at)
    assert not missing, f"{len(missing)} finals were never told"
    heard = [(told.at[key] - at) * 1e3 for key, at in handed.items()]
    return durable, heard, round(written / took)


async def alone(hall: Hall, id_: UUID, number: int) -> list[float]:
    """Milliseconds of one statement and its commit with nobody else there: the floor."""
    connection = await psycopg.AsyncConnection.connect(hall.conninfo)
    speech, took = Speech(9), []
    for n in range(number):
        began = time.perf_counter()
        row = [[id_], [f"alone{n}"], [hall.space], ["2026-01-01"], [0.0], [1.0], [speech.say()], ["es"], [True]]  # fmt: skip
        await connection.execute(PLAIN, row, prepare=True)
        await connection.commit()
        took.append((time.perf_counter() - began) * 1e3)
    await connection.close()
    return took


async def forget(hall: Hall, ids: Sequence[UUID]) -> None:
    """Leaves a corpus that is kept as it was found."""
    connection = await psycopg.AsyncConnection.connect(hall.conninfo, autocommit=True)
    await connection.execute("delete from transcripts where id = any(%s)", (list(ids),))
    await connection.execute("vacuum transcripts, transcript_segments")
    await connection.close()


async def main() -> int:
    quick = "--quick" in sys.argv
    with scratch_folder() if quick else corpus_folder(BESIDE) as folder:
        hall = Hall(folder)
        await hall.open()
        if not quick:
            await fill(hall, BESIDE)
        ids = await hall.transcripts(SESSIONS)
        floor = await alone(hall, ids[0], 200)
        durable, told, rate = await talking(hall, ids, 6.0 if quick else 25.0)
        await forget(hall, ids)
        await hall.close()
    for what, times in (("one row alone", floor), ("durable", durable), ("told", told)):
        shares = " · ".join(f"p{s:g} {percentile(times, s / 100):.1f}" for s in (50, 95, 99))
        print(f"{what}: {shares} ms of {len(times):,}")
    print(f"{SESSIONS} sessions, {rate:,} segments a second")
    claim = f"final durable and told p99, {SESSIONS} sessions ÷ {GOAL_MS:g} ms"
    ratio: Ratio = at_most(claim, percentile(told, 0.99), GOAL_MS, "ms", 1.0)
    print(ratio.line())
    return 0 if ratio.holds else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
