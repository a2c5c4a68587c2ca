"""A worker in a process of its own, for tests that kill it: `python -m tests.jobs.child CONNINFO MODE`."""

import asyncio
import signal
import sys

from sqlalchemy import text

from tertulia.jobs import Jobs, Step, Worker
from tertulia.kernel.database import Database


def service(database: Database, mode: str) -> Jobs:
    """`hang` never ends a step once it has written its row; `work` does."""
    jobs = Jobs(database)

    async def write(step: Step) -> None:
        async with step.transaction() as tx:
            await tx.session.execute(
                text("insert into try (n, mode) values (:n, :mode)"),
                {"n": step.args["n"], "mode": mode},
            )
        await step.tx.session.execute(text("insert into done values (:n)"), {"n": step.args["n"]})
        if mode == "hang":
            await asyncio.Event().wait()

    jobs.register("test.write", write)
    return jobs


async def main(conninfo: str, mode: str) -> None:
    database = Database(conninfo, pool=8)
    worker = Worker(
        service(database, mode), shutdown_seconds=0.2, heartbeat_seconds=0.2, dead_after_seconds=1
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    await worker.run()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
