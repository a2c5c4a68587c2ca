"""Empty jobs: ours, with the transaction that a step has, against Procrastinate's own worker alone."""

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

import procrastinate
from sqlalchemy import text

from bench.measure import at_least, in_turn
from tertulia.jobs import Enqueue, Jobs, Step, Worker
from tertulia.kernel.database import Database
from tertulia.kernel.postgres import EmbeddedPostgres
from tertulia.kernel.schema import Schema

JOBS = 1_500
CONCURRENCY = 4


async def _clear(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.session.execute(text("truncate procrastinate_jobs, procrastinate_events cascade"))


async def main() -> int:
    quick = "--quick" in sys.argv
    count = JOBS // 5 if quick else JOBS
    folder = tempfile.TemporaryDirectory()
    server = EmbeddedPostgres(Path(folder.name))
    server.start()
    await asyncio.to_thread(Schema(server.conninfo).upgrade)
    database = Database(server.conninfo, pool=8)
    # both say as little: what is compared is work, not words
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

    async def ours() -> float:
        await _clear(database)
        jobs = Jobs(database)

        async def nothing(step: Step) -> None:
            """An empty step."""

        jobs.register("bench.nothing", nothing)
        async with database.transaction() as tx:
            await jobs.enqueue_many(tx, "bench.nothing", [Enqueue({"n": n}) for n in range(count)])
        started = time.perf_counter()
        await Worker(jobs, concurrency=CONCURRENCY).run(until_idle=True)
        return count / (time.perf_counter() - started)

    async def alone() -> float:
        await _clear(database)
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=server.conninfo, max_size=8)
        )

        @app.task(name="bench.alone")
        async def nothing(n: int) -> None:
            """An empty task."""

        async with app.open_async():
            await nothing.batch_defer_async(*({"n": n} for n in range(count)))
            started = time.perf_counter()
            await app.run_worker_async(
                wait=False, concurrency=CONCURRENCY, install_signal_handlers=False
            )
            return count / (time.perf_counter() - started)

    mine, baseline = await in_turn(ours, alone, rounds=3)
    ratio = at_least(
        "jobs: our step ÷ Procrastinate's own empty job", mine, baseline, "jobs/s", 0.9
    )
    print(ratio.line())
    await database.close()
    server.stop()
    folder.cleanup()
    return 0 if ratio.holds else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
