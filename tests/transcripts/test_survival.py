"""What is killed at the worst moment: nothing told is lost, nothing is there twice, and the next one goes on."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin
from tests.speech.transcriptions.test_tasks import until
from tests.transcripts.child import SESSIONS, UTTERANCES

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.domain import BlobRef
from tertulia.blobs.intake import from_bytes
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs, Worker
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import StorageFullError
from tertulia.speech.transcriptions.domain import Wishes
from tertulia.transcripts.domain import ReadingStatus, State
from tertulia.transcripts.readings import Readings
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.tasks import HallTasks

pytestmark = [pytest.mark.db, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def child(
    conninfo: str, folder: Path, *how: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.transcripts.child", conninfo, str(folder), *how,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def lines(process: asyncio.subprocess.Process) -> AsyncIterator[Any]:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if line.endswith(b"\n"):
            yield json.loads(line)


async def kept(database: Database) -> dict[str, str]:
    async with database.transaction() as tx:
        rows = await tx.session.execute(
            text("select utterance_id, text from transcript_segments where is_final")
        )
        return {row[0]: row[1] for row in rows}


async def test_what_a_killed_writer_told_is_there_and_the_next_adds_the_rest(
    conninfo: str, database: Database, begin: Begin, tmp_path: Path
) -> None:
    made = await begin()
    told: dict[str, str] = {}
    async with child(conninfo, tmp_path, "write", str(made.id)) as first:
        async for utterance, said in lines(first):
            told[utterance] = said
            if len(told) == 100:
                first.kill()
    assert 100 <= len(told) < SESSIONS * UTTERANCES
    there = await kept(database)
    assert {utterance: there.get(utterance) for utterance in told} == told

    async with child(conninfo, tmp_path, "write", str(made.id)) as second:
        again = {utterance: said async for utterance, said in lines(second)}
        assert await second.wait() == 0
    # what was durable is a repetition, and nobody is told of it twice
    assert not set(again) & set(there)
    whole = {f"s{s}.{n}": f"said {s} {n}" for s in range(SESSIONS) for n in range(UTTERANCES)}
    assert await kept(database) == whole


async def test_a_reading_whose_worker_is_killed_is_made_by_the_next(
    conninfo: str,
    database: Database,
    hall: TranscriptService,
    hall_recordings: Recordings,
    hall_readings: Readings,
    hall_blobs: BlobService,
    local_store: LocalStore,
    begin: Begin,
    owner: Person,
) -> None:
    made = await begin("una vez")
    spaces = [owner.space.id]
    async with database.transaction() as tx:
        blob = await hall_blobs.put(
            tx, from_bytes(b"sound"), kind="recording", content_type="audio/ogg"
        )
        await hall_recordings.attach(tx, made.id, blob)
        await hall.finish(tx, None, made.id)
        await hall_readings.ask(tx, spaces, made.id, Wishes(), None)
        await tx.session.execute(
            text("delete from procrastinate_jobs where task_name not like '%read_again'")
        )
    folder = local_store._root

    async def status() -> ReadingStatus:
        async with database.transaction() as tx:
            return (await hall_readings.list(tx, spaces, made.id))[1].status

    async def done() -> bool:
        return await status() is ReadingStatus.DONE

    async with child(conninfo, folder, "read", "hang") as first:
        assert first.stdout is not None
        assert await first.stdout.readline() == b"reading\n"
        first.kill()
        await first.wait()
    assert await status() is ReadingStatus.RUNNING
    async with child(conninfo, folder, "read", "work") as second:
        assert second.stdout is not None
        assert await second.stdout.readline() == b"reading\n"
        await until(done)
    async with database.transaction() as tx:
        said = await hall_readings.segments(tx, spaces, made.id, 2, None, 10)
    assert [s.text for s in said] == ["otra vez"]


class Filling(LocalStore):
    """A folder whose disk is full for a while."""

    full = True

    async def put(
        self, key: str, stream: AsyncIterator[bytes], *, content_type: str, name: str | None = None,
        max_bytes: int | None = None,
    ) -> BlobRef:  # fmt: skip
        if self.full:
            async for _ in stream:
                raise StorageFullError("The disk is full. Make room.")
        return await super().put(
            key, stream, content_type=content_type, name=name, max_bytes=max_bytes
        )


async def test_a_disk_that_fills_keeps_no_conversation_from_ending(
    database: Database,
    local_store: LocalStore,
    hall_clock: HeldClock,
    heard: Any,
    tone: Any,
    begin: Begin,
    conninfo: str,
) -> None:
    made = await begin("lo dicho")
    store = Filling(local_store._root)
    blobs, own = BlobService(database, store, hall_clock), Jobs(database)
    full = TranscriptService(blobs=blobs, clock=hall_clock, announcer=heard, jobs=own)
    HallTasks(full, Recordings(full, blobs, own), tone).register(own)
    async with database.transaction() as tx:
        await full.finish(tx, None, made.id)
    await Worker(own).run(until_idle=True)
    async with database.transaction() as tx:
        found = await full.get(tx, None, made.id)
        assert (found.state, found.document) == (State.FINAL, None)
        assert [orphan.key for orphan in await full.stale(tx)] == [str(made.id)]
        await tx.session.execute(text("update procrastinate_jobs set scheduled_at = now()"))
    store.full = False
    await Worker(own).run(until_idle=True)
    async with database.transaction() as tx:
        found = await full.get(tx, None, made.id)
        assert found.document_is_current
        assert await full.stale(tx) == []
