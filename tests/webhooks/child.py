"""A worker for webhooks in a process of its own: `python -m tests.webhooks.child CONNINFO`."""

import asyncio
import sys

from tertulia.jobs import Jobs, Worker
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.outbound import OutboundGuard, guarded_client
from tertulia.webhooks import Sender, Webhooks, tasks


async def main(conninfo: str) -> None:
    database = Database(conninfo, pool=4)
    jobs, clock, guard = Jobs(database), SystemClock(), OutboundGuard(["127.0.0.0/8"])
    client = guarded_client(guard, timeout_seconds=30)
    tasks.register(jobs, Webhooks(jobs, guard, clock), Sender(client, clock, timeout_seconds=30))
    await Worker(jobs, heartbeat_seconds=0.2, dead_after_seconds=1).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
