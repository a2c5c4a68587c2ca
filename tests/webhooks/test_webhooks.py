"""From an event to somebody else's server, on a real PostgreSQL and over real HTTP."""

import json
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.fixtures.identity import Person
from tests.fixtures.webhooks import Reached

from tertulia.kernel.database import Database
from tertulia.webhooks import Webhooks
from tertulia.webhooks.domain import (
    MAX_ENDPOINTS,
    Delivery,
    DeliveryStatus,
    Endpoint,
    Failure,
    TooManyWebhooksError,
    UnknownWebhookError,
    WebhookDisabledError,
)

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]


@pytest.fixture
async def endpoint(
    database: Database, webhooks: Webhooks, receiver: Reached, owner: Person
) -> Endpoint:
    async with database.transaction() as tx:
        endpoint = await webhooks.create(
            tx, space_id=owner.space.id, url=receiver.url, types=["member.*", "webhook.*"]
        )
    receiver.app.secrets.append(endpoint.secret)
    return endpoint


async def emit(database: Database, webhooks: Webhooks, space_id: UUID, type_: str) -> None:
    async with database.transaction() as tx:
        await webhooks.emit(tx, space_id, type_, {"name": "Añil"})


async def ledger(database: Database, webhooks: Webhooks, endpoint: Endpoint) -> list[Delivery]:
    async with database.transaction() as tx:
        return list(await webhooks.deliveries(tx, endpoint.id, None, 100))


async def make_due(database: Database) -> None:
    """Lets the wait before the next try be over."""
    async with database.transaction() as tx:
        await tx.session.execute(
            text("update procrastinate_jobs set scheduled_at = null where status = 'todo'")
        )


async def test_an_event_arrives_signed(
    database: Database, webhooks: Webhooks, receiver: Reached, endpoint: Endpoint, drain_jobs: Drain
) -> None:
    await emit(database, webhooks, endpoint.space_id, "member.joined")
    await drain_jobs()
    [received] = receiver.app.received
    assert received.verified_by == (endpoint.secret,)
    body = json.loads(received.body)
    assert (body["type"], body["data"]) == ("member.joined", {"name": "Añil"})
    assert body["timestamp"]
    [delivery] = await ledger(database, webhooks, endpoint)
    assert delivery.status is DeliveryStatus.SUCCEEDED
    assert (delivery.attempts, delivery.response_status) == (1, 204)
    assert delivery.delivered_at is not None
    assert delivery.next_attempt_at is None


async def test_only_what_was_asked_for_and_committed_is_sent(
    database: Database,
    webhooks: Webhooks,
    receiver: Reached,
    endpoint: Endpoint,
    outsider: Person,
    drain_jobs: Drain,
) -> None:
    webhooks.types.register("other.thing", "Something else.", {})
    await emit(database, webhooks, endpoint.space_id, "other.thing")
    await emit(database, webhooks, outsider.space.id, "member.joined")
    with pytest.raises(RuntimeError):
        async with database.transaction() as tx:
            await webhooks.emit(tx, endpoint.space_id, "member.joined", {})
            raise RuntimeError
    async with database.transaction() as tx:
        with pytest.raises(LookupError):
            await webhooks.emit(tx, endpoint.space_id, "not.registered", {})
        await webhooks.update(tx, endpoint.id, enabled=False)
    await emit(database, webhooks, endpoint.space_id, "member.joined")
    await drain_jobs()
    assert receiver.app.received == []


async def test_a_failure_is_tried_again_under_the_same_id(
    database: Database, webhooks: Webhooks, receiver: Reached, endpoint: Endpoint, drain_jobs: Drain
) -> None:
    receiver.app.statuses = [500, 302, 200]
    await emit(database, webhooks, endpoint.space_id, "member.joined")
    await drain_jobs()
    [delivery] = await ledger(database, webhooks, endpoint)
    assert (delivery.status, delivery.failure) == (DeliveryStatus.PENDING, Failure.STATUS)
    assert delivery.next_attempt_at is not None
    wait = (delivery.next_attempt_at - delivery.created_at).total_seconds()
    assert 4 < wait < 15
    async with database.transaction() as tx:
        assert (await webhooks.get(tx, endpoint.id)).failing_since is not None
    for _ in range(2):
        await make_due(database)
        await drain_jobs()
    [delivery] = await ledger(database, webhooks, endpoint)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.SUCCEEDED, 3)
    assert len({r.message_id for r in receiver.app.received}) == 1
    async with database.transaction() as tx:
        log = await webhooks.attempts(tx, delivery.id)
        assert (await webhooks.get(tx, endpoint.id)).failing_since is None
    assert [a.failure for a in log] == [Failure.STATUS, Failure.REDIRECT, None]
    assert [a.response_status for a in log] == [500, 302, 200]


async def test_a_rotated_secret_overlaps_with_the_one_before(
    database: Database, webhooks: Webhooks, receiver: Reached, endpoint: Endpoint, drain_jobs: Drain
) -> None:
    async with database.transaction() as tx:
        rotated = await webhooks.rotate(tx, endpoint.id)
    receiver.app.secrets.append(rotated.secret)
    await emit(database, webhooks, endpoint.space_id, "member.joined")
    await drain_jobs()
    assert receiver.app.received[0].verified_by == (endpoint.secret, rotated.secret)
    async with database.transaction() as tx:
        await tx.session.execute(
            text("update webhook_endpoints set previous_secret_until = now() - interval '1 second'")
        )
    await emit(database, webhooks, endpoint.space_id, "member.joined")
    await drain_jobs()
    assert receiver.app.received[1].verified_by == (rotated.secret,)


async def test_a_delivery_can_be_replayed_and_a_webhook_tried_out(
    database: Database, webhooks: Webhooks, receiver: Reached, endpoint: Endpoint, drain_jobs: Drain
) -> None:
    async with database.transaction() as tx:
        first = await webhooks.test(tx, endpoint.id)
    await drain_jobs()
    async with database.transaction() as tx:
        again = await webhooks.replay(tx, first.id)
    await drain_jobs()
    assert again.id != first.id
    assert [json.loads(r.body)["type"] for r in receiver.app.received] == ["webhook.test"] * 2
    assert len({r.message_id for r in receiver.app.received}) == 1
    assert [d.id for d in await ledger(database, webhooks, endpoint)] == [again.id, first.id]


async def test_an_address_that_is_gone_is_switched_off_and_the_others_are_told(
    database: Database,
    webhooks: Webhooks,
    receiver: Reached,
    endpoint: Endpoint,
    drain_jobs: Drain,
) -> None:
    receiver.app.statuses = [410, 204]
    async with database.transaction() as tx:
        await webhooks.create(
            tx, space_id=endpoint.space_id, url=receiver.url, types=["webhook.disabled"]
        )
    await emit(database, webhooks, endpoint.space_id, "member.joined")
    await drain_jobs()
    told = json.loads(receiver.app.received[1].body)
    assert told["type"] == "webhook.disabled"
    assert told["data"] == {"webhook_id": str(endpoint.id), "reason": "gone"}
    async with database.transaction() as tx:
        found = await webhooks.get(tx, endpoint.id)
        assert (found.enabled, found.disabled_reason) == (False, "gone")
        with pytest.raises(WebhookDisabledError):
            await webhooks.test(tx, endpoint.id)
        again = await webhooks.update(tx, endpoint.id, enabled=True)
        assert (again.enabled, again.disabled_reason) == (True, None)


async def test_days_of_failures_switch_it_off_and_what_waits_fails(
    database: Database, webhooks: Webhooks, receiver: Reached, endpoint: Endpoint, drain_jobs: Drain
) -> None:
    receiver.app.statuses = [500]
    await emit(database, webhooks, endpoint.space_id, "member.joined")
    await emit(database, webhooks, endpoint.space_id, "member.left")
    await drain_jobs()
    async with database.transaction() as tx:
        await tx.session.execute(
            text("update webhook_endpoints set failing_since = now() - interval '6 days'")
        )
        await tx.session.execute(
            text(
                "update procrastinate_jobs set scheduled_at = null "
                "where status = 'todo' and id = (select min(id) from procrastinate_jobs where status = 'todo')"
            )
        )
    await drain_jobs()
    async with database.transaction() as tx:
        assert (await webhooks.get(tx, endpoint.id)).disabled_reason == "failing"
    await make_due(database)
    await drain_jobs()
    failures = {d.failure for d in await ledger(database, webhooks, endpoint)}
    assert failures == {Failure.STATUS, Failure.DISABLED}
    assert len(receiver.app.received) == 3


async def test_slow_and_endless_answers_do_no_harm(
    database: Database, webhooks: Webhooks, receiver: Reached, endpoint: Endpoint, drain_jobs: Drain
) -> None:
    receiver.app.statuses = [200]
    receiver.app.body = b"x" * 5_000_000
    await emit(database, webhooks, endpoint.space_id, "member.joined")
    await drain_jobs()
    [delivery] = await ledger(database, webhooks, endpoint)
    assert delivery.status is DeliveryStatus.SUCCEEDED
    receiver.app.hangs = True
    await emit(database, webhooks, endpoint.space_id, "member.left")
    await drain_jobs()
    assert (await ledger(database, webhooks, endpoint))[0].failure is Failure.TIMEOUT


async def test_an_address_that_moved_inside_is_refused_when_it_is_used(
    database: Database, webhooks: Webhooks, endpoint: Endpoint, drain_jobs: Drain
) -> None:
    for url, failure in (
        ("http://169.254.169.254/latest", Failure.REFUSED),
        ("http://nobody.invalid/", Failure.UNKNOWN_HOST),
        ("http://127.0.0.1:9/", Failure.CONNECTION),
    ):
        async with database.transaction() as tx:
            await tx.session.execute(text("update webhook_endpoints set url = :url"), {"url": url})
        await emit(database, webhooks, endpoint.space_id, "member.joined")
        await drain_jobs()
        assert (await ledger(database, webhooks, endpoint))[0].failure is failure


async def test_a_delivery_without_its_job_gets_one_and_old_ones_go(
    database: Database, webhooks: Webhooks, receiver: Reached, endpoint: Endpoint, drain_jobs: Drain
) -> None:
    await emit(database, webhooks, endpoint.space_id, "member.joined")
    async with database.transaction() as tx:
        await tx.session.execute(text("delete from procrastinate_jobs"))
        await tx.session.execute(
            text("update webhook_deliveries set next_attempt_at = now() - interval '1 hour'")
        )
        assert len(await webhooks.orphans(tx)) == 1
        await webhooks._jobs.enqueue(tx, "jobs.sweep")
    await drain_jobs()
    assert len(receiver.app.received) == 1
    async with database.transaction() as tx:
        await webhooks.prune(tx)
    assert len(await ledger(database, webhooks, endpoint)) == 1
    async with database.transaction() as tx:
        await tx.session.execute(
            text("update webhook_events set created_at = now() - interval '31 days'")
        )
        await webhooks.prune(tx)
    assert await ledger(database, webhooks, endpoint) == []


async def test_endpoints_are_limited_and_known_by_their_id(
    database: Database, webhooks: Webhooks, endpoint: Endpoint
) -> None:
    async with database.transaction() as tx:
        for _ in range(MAX_ENDPOINTS - 1):
            await webhooks.create(tx, space_id=endpoint.space_id, url=endpoint.url, types=[])
        with pytest.raises(TooManyWebhooksError):
            await webhooks.create(tx, space_id=endpoint.space_id, url=endpoint.url, types=[])
        await webhooks.delete(tx, endpoint.id)
        with pytest.raises(UnknownWebhookError):
            await webhooks.get(tx, endpoint.id)
        assert "whsec_" not in repr(await webhooks.list(tx, [endpoint.space_id]))
