"""`tertulia worker`, as a process that is told to stop."""

import asyncio
import json
import os
import signal
import sys

import pytest

from tertulia.jobs import Jobs
from tertulia.kernel.database import Database

pytestmark = pytest.mark.db

PROGRAM = "import typer; from tertulia.cli.worker import worker; typer.run(worker)"


async def test_it_runs_jobs_says_so_and_stops_when_told(
    conninfo: str, database: Database, jobs: Jobs, tmp_path: object
) -> None:
    environment = {**os.environ, "TERTULIA_DATABASE_URL": conninfo, "TERTULIA_DATA": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "--json", "--concurrency", "2",
        stdout=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            ready = json.loads(await process.stdout.readline())
            assert ready["pid"] == process.pid
            assert ready["concurrency"] == 2
            assert "jobs.prune" in ready["jobs"]
            async with database.transaction() as tx:
                await jobs.enqueue(tx, "jobs.prune")
            told = json.loads(await process.stdout.readline())
            while told["job"] != "jobs.prune":
                told = json.loads(await process.stdout.readline())
            assert told["outcome"] == "succeeded"
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
