"""A recording whose worker is killed is read by the next one, once."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.speech.transcriptions.conftest import Hand, Look
from tests.speech.transcriptions.test_tasks import until

from tertulia.kernel.database import Database
from tertulia.speech.transcriptions.domain import Owner, Status
from tertulia.speech.transcriptions.service import TranscriptionService

pytestmark = pytest.mark.db

ROOT = Path(__file__).parents[3]


@contextmanager
def worker(conninfo: str, blobs: Path, mode: str) -> Iterator[subprocess.Popen[bytes]]:
    module = "tests.speech.transcriptions.child"
    command = [sys.executable, "-m", module, conninfo, str(blobs), mode]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


async def test_a_recording_whose_worker_is_killed_is_read_by_the_next(
    conninfo: str,
    database: Database,
    hand_over: Hand,
    look: Look,
    service: TranscriptionService,
    owner_of: Owner,
    tmp_path: Path,
) -> None:
    async with database.transaction() as tx:
        await tx.session.execute(text("create table try (n int, mode text)"))
    new = await hand_over(b"sound")

    async def halfway() -> bool:
        return (await look(new.id)).progress == 0.5

    async def done() -> bool:
        return (await look(new.id)).status is Status.DONE

    with worker(conninfo, tmp_path / "blobs", "hang") as first:
        await until(halfway)
        first.kill()
        first.wait(10)
        assert (await look(new.id)).status is Status.RUNNING
        with worker(conninfo, tmp_path / "blobs", "work"):
            await until(done)
    async with database.transaction() as tx:
        tries = (await tx.session.execute(text("select n, mode from try"))).all()
        _, read = await service.recognition(tx, owner_of, new.id)
    assert sorted(tries) == [(5, "hang"), (5, "work")]
    assert read.text == "buenos días"
