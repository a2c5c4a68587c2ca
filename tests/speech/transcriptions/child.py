"""A worker that reads recordings in a process of its own, for a test that kills it: CONNINFO BLOBS MODE."""

import asyncio
import sys
from pathlib import Path

from sqlalchemy import text

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs, Worker
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.speech.domain import Recognition, Segment
from tertulia.speech.transcriptions.domain import Progress, Wishes
from tertulia.speech.transcriptions.service import TranscriptionService
from tertulia.speech.transcriptions.tasks import TranscriptionTasks


class Reader:
    """Notes that it was asked; `hang` never answers."""

    def __init__(self, database: Database, mode: str) -> None:
        self._database = database
        self._mode = mode

    async def read(self, source: Path, wishes: Wishes, progress: Progress) -> Recognition:
        size = source.stat().st_size  # noqa: ASYNC240 - a few bytes on a local disk
        async with self._database.transaction() as tx:
            await tx.session.execute(
                text("insert into try values (:n, :mode)"), {"n": size, "mode": self._mode}
            )
        if self._mode == "hang":
            progress(0.5)
            await asyncio.Event().wait()
        return Recognition((Segment("buenos días", 0.0, 1.0),), "es", 1.0, "whisper")


async def main(conninfo: str, blobs: str, mode: str) -> None:
    database, clock = Database(conninfo, pool=8), SystemClock()
    jobs = Jobs(database)
    service = TranscriptionService(
        blobs=BlobService(database, LocalStore(Path(blobs)), clock),
        jobs=jobs,
        clock=clock,
        check=lambda _: None,
        max_upload_bytes=1000,
    )
    TranscriptionTasks(service, Reader(database, mode), clock).register(jobs)
    await Worker(jobs, heartbeat_seconds=0.2, dead_after_seconds=1).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
