"""A delivery whose worker is killed while the other side takes its time."""

import asyncio
import sys
from pathlib import Path

import pytest
from tests.fixtures.identity import Person
from tests.fixtures.webhooks import Reached

from tertulia.jobs import Jobs, Worker
from tertulia.kernel.database import Database
from tertulia.webhooks import Webhooks
from tertulia.webhooks.domain import DeliveryStatus

pytestmark = pytest.mark.db

ROOT = Path(__file__).parents[2]


async def test_a_delivery_goes_on_after_its_worker_was_killed(
    conninfo: str,
    database: Database,
    jobs: Jobs,
    webhooks: Webhooks,
    receiver: Reached,
    owner: Person,
) -> None:
    async with database.transaction() as tx:
        endpoint = await webhooks.create(tx, space_id=owner.space.id, url=receiver.url, types=[])
        await webhooks.emit(tx, owner.space.id, "member.joined", {"name": "Añil"})
    receiver.app.hangs = True
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.webhooks.child", conninfo, cwd=ROOT
    )
    try:
        async with asyncio.timeout(30):
            await receiver.app.heard.wait()
    finally:
        first.kill()
        await first.wait()
    receiver.app.hangs = False
    receiver.app.heard.clear()
    worker = Worker(jobs, heartbeat_seconds=0.2, dead_after_seconds=1)
    done = asyncio.Event()
    worker.watch(lambda report: done.set() if report.name == "webhooks.deliver" else None)
    task = asyncio.create_task(worker.run())
    async with asyncio.timeout(30):
        await done.wait()
    worker.stop()
    await task
    async with database.transaction() as tx:
        [delivery] = await webhooks.deliveries(tx, endpoint.id, None, 10)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.SUCCEEDED, 1)
    first_try, second_try = receiver.app.received
    assert first_try.message_id == second_try.message_id
