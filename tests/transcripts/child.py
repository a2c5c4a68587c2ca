"""Processes that a test kills: CONNINFO BLOBS write TRANSCRIPT, or CONNINFO BLOBS read MODE."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs, Worker
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.speech.domain import Recognition, Segment
from tertulia.speech.transcriptions.domain import Progress, Wishes
from tertulia.transcripts.appending import Silent
from tertulia.transcripts.domain import Draft
from tertulia.transcripts.readings import Readings
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.tasks import ReadingTasks
from tertulia.transcripts.writer import SegmentWriter

SESSIONS = 8
UTTERANCES = 150


class Aloud(Silent):
    """Says on standard output which finals are told."""

    def publish_now(self, topic: str, type_: str, data: Mapping[str, Any] | None = None) -> None:
        for segment in (data or {}).get("segments", ()):
            if segment["is_final"]:
                sys.stdout.write(json.dumps([segment["utterance_id"], segment["text"]]) + "\n")
        sys.stdout.flush()


async def write(database: Database, transcript_id: UUID) -> None:
    """Sessions that say all they have to say, from the beginning, whatever was said before."""
    async with SegmentWriter(database, SystemClock(), Aloud()).running() as writer:

        async def session(name: int) -> None:
            for n in range(UTTERANCES):
                utterance = f"s{name}.{n}"
                guess = Draft(utterance, "a guess", n, n + 1, is_final=False)
                await writer.append(transcript_id, [guess])
                said = Draft(utterance, f"said {name} {n}", n, n + 1)
                await writer.append(transcript_id, [said])

        await asyncio.gather(*(session(name) for name in range(SESSIONS)))


class Reader:
    """`hang` never answers."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    async def read(self, source: Path, wishes: Wishes, progress: Progress) -> Recognition:
        sys.stdout.write("reading\n")
        sys.stdout.flush()
        if self._mode == "hang":
            await asyncio.Event().wait()
        return Recognition((Segment("otra vez", 0.0, 1.0),), "es", 1.0, "whisper")

    def chain(self, wishes: Wishes) -> str:
        return wishes.engine or "auto"


async def read(database: Database, blobs: BlobService, mode: str) -> None:
    """A worker that reads recordings again."""
    clock, jobs = SystemClock(), Jobs(database)
    hall = TranscriptService(blobs=blobs, clock=clock, announcer=Silent(), jobs=jobs)
    readings = Readings(hall, Recordings(hall, blobs, jobs), jobs, clock, lambda _: None)
    ReadingTasks(readings, Reader(mode)).register(jobs)
    await Worker(jobs, heartbeat_seconds=0.2, dead_after_seconds=1).run()


async def main(conninfo: str, folder: str, what: str, how: str) -> None:
    database = Database(conninfo, pool=8)
    blobs = BlobService(database, LocalStore(Path(folder)), SystemClock())
    await (write(database, UUID(how)) if what == "write" else read(database, blobs, how))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
