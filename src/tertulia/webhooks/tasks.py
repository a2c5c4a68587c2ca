"""The jobs of webhooks."""

from uuid import UUID

from tertulia.jobs import Jobs, Orphan, Retry, Step
from tertulia.kernel.database import Transaction
from tertulia.webhooks.sending import Sender
from tertulia.webhooks.service import DELIVER, Webhooks

PRUNE = "webhooks.prune"


def register(jobs: Jobs, webhooks: Webhooks, sender: Sender) -> None:
    """Makes the jobs known to the worker."""

    async def deliver(step: Step) -> None:
        # Sent and recorded apart: no connection is held while the other side takes its time. Whoever dies in
        # between has it sent once more, which receivers recognise by the message id.
        delivery_id = UUID(step.args["delivery_id"])
        async with step.transaction() as tx:
            letter = await webhooks.letter(tx, delivery_id)
        if letter is not None:
            attempt = await sender.send(letter)
            await webhooks.record(step.tx, delivery_id, attempt)

    async def find(tx: Transaction) -> list[Orphan]:
        return [
            Orphan(key=str(id_), args={"delivery_id": str(id_)})
            for id_ in await webhooks.orphans(tx)
        ]

    async def prune(step: Step) -> None:
        await webhooks.prune(step.tx)

    jobs.register(DELIVER, deliver, retry=Retry(cap_seconds=300), timeout_seconds=300)
    jobs.sweep(DELIVER, find)
    jobs.register(PRUNE, prune)
    jobs.schedule("43 3 * * *", PRUNE)
