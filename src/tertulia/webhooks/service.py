"""Webhooks: who is told of what, what became of it, and telling it again."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from tertulia.jobs import Enqueue, Jobs
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.ids import new_id
from tertulia.kernel.outbound import OutboundGuard
from tertulia.kernel.pages import Position
from tertulia.webhooks.domain import (
    DISABLED,
    MAX_ENDPOINTS,
    SECRET_OVERLAP,
    TEST,
    Attempt,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EventTypes,
    Failure,
    TooManyWebhooksError,
    UnknownDeliveryError,
    UnknownWebhookError,
    WebhookDisabledError,
    judge,
    new_webhook_secret,
)
from tertulia.webhooks.sending import Letter
from tertulia.webhooks.store import WebhookStore

DELIVER = "webhooks.deliver"
PRIORITY = -10
"""What people wait for goes before what they are told of."""

ORPHANED_AFTER = timedelta(minutes=10)
SWEEP_AT_ONCE = 1_000


class Announcer(Protocol):
    """Tells the page at once; events/ does it."""

    async def publish(
        self, tx: Transaction, topic: str, type_: str, data: Mapping[str, Any]
    ) -> object: ...


class Webhooks:
    """Turns events into deliveries, and keeps the ledger of them."""

    def __init__(
        self,
        jobs: Jobs,
        guard: OutboundGuard,
        clock: Clock,
        *,
        announcer: Announcer | None = None,
        keep_days: int = 30,
    ) -> None:
        self._jobs = jobs
        self._guard = guard
        self._clock = clock
        self._announcer = announcer
        self._keep = timedelta(days=keep_days)
        self._store = WebhookStore()
        self.types = EventTypes()

    # Endpoints

    async def list(self, tx: Transaction, space_ids: Sequence[UUID]) -> list[Endpoint]:
        """The endpoints of these spaces, newest first."""
        return await self._store.endpoints(tx, space_ids)

    async def get(self, tx: Transaction, endpoint_id: UUID) -> Endpoint:
        endpoint = await self._store.find_endpoint(tx, endpoint_id)
        if endpoint is None:
            raise UnknownWebhookError
        return endpoint

    async def create(
        self,
        tx: Transaction,
        *,
        space_id: UUID,
        url: str,
        types: Sequence[str],
        description: str = "",
        created_by: UUID | None = None,
    ) -> Endpoint:
        """An endpoint with a fresh secret. Without `types` it is told of everything."""
        wanted = self.types.check(types)
        await self._guard.check_url(url)
        if await self._store.count_endpoints(tx, space_id) >= MAX_ENDPOINTS:
            raise TooManyWebhooksError(
                f"A space has at most {MAX_ENDPOINTS} webhooks. Remove one first."
            )
        endpoint = Endpoint(
            id=new_id(),
            space_id=space_id,
            url=url,
            types=wanted,
            description=description,
            enabled=True,
            disabled_reason=None,
            created_by=created_by,
            created_at=self._clock.now(),
            failing_since=None,
            secret=new_webhook_secret(),
            previous_secret=None,
            previous_secret_until=None,
        )
        await self._store.add_endpoint(tx, endpoint)
        return endpoint

    async def update(
        self,
        tx: Transaction,
        endpoint_id: UUID,
        *,
        url: str | None = None,
        types: Sequence[str] | None = None,
        enabled: bool | None = None,
        description: str | None = None,
    ) -> Endpoint:
        """Changes what is given. Switching it on forgets why it was switched off."""
        if url is not None:
            await self._guard.check_url(url)
        endpoint = await self._locked(tx, endpoint_id)
        endpoint = replace(
            endpoint,
            url=endpoint.url if url is None else url,
            types=endpoint.types if types is None else self.types.check(types),
            description=endpoint.description if description is None else description,
        )
        if enabled is not None and enabled != endpoint.enabled:
            endpoint = replace(endpoint, enabled=enabled, disabled_reason=None, failing_since=None)
        await self._store.save_endpoint(tx, endpoint)
        return endpoint

    async def delete(self, tx: Transaction, endpoint_id: UUID) -> None:
        """Removes it with its ledger; what is on its way is not delivered."""
        await self._store.delete_endpoint(tx, endpoint_id)

    async def rotate(self, tx: Transaction, endpoint_id: UUID) -> Endpoint:
        """Gives it a new secret; for a day deliveries are signed with both."""
        endpoint = await self._locked(tx, endpoint_id)
        endpoint = replace(
            endpoint,
            secret=new_webhook_secret(),
            previous_secret=endpoint.secret,
            previous_secret_until=self._clock.now() + SECRET_OVERLAP,
        )
        await self._store.save_endpoint(tx, endpoint)
        return endpoint

    # Events

    async def emit(
        self, tx: Transaction, space_id: UUID, type_: str, data: Mapping[str, Any]
    ) -> None:
        """Has the space's endpoints told of something, if and when `tx` is committed."""
        if type_ not in self.types:
            raise LookupError(f"No event is called {type_}. Register it first.")
        endpoints = await self._store.endpoints(tx, [space_id])
        wanting = [e for e in endpoints if e.enabled and e.wants(type_)]
        if wanting:
            await self._send(tx, space_id, type_, data, wanting)

    async def test(self, tx: Transaction, endpoint_id: UUID) -> Delivery:
        """Sends an event that says nothing to this endpoint alone."""
        endpoint = await self.get(tx, endpoint_id)
        _need_enabled(endpoint)
        data = {"message": "It works.", "webhook_id": str(endpoint.id)}
        [delivery_id] = await self._send(tx, endpoint.space_id, TEST, data, [endpoint])
        return (await self.delivery(tx, delivery_id))[0]

    # The ledger

    async def deliveries(
        self, tx: Transaction, endpoint_id: UUID, before: Position | None, limit: int
    ) -> Sequence[Delivery]:
        """Up to `limit`, newest first."""
        return await self._store.deliveries(tx, endpoint_id, before, limit)

    async def delivery(self, tx: Transaction, delivery_id: UUID) -> tuple[Delivery, Endpoint, str]:
        """A delivery, its endpoint, and the body that is sent."""
        found = await self._store.find_delivery(tx, delivery_id)
        if found is None:
            raise UnknownDeliveryError
        return found

    async def attempts(self, tx: Transaction, delivery_id: UUID) -> Sequence[Attempt]:
        return await self._store.attempts(tx, delivery_id)

    async def replay(self, tx: Transaction, delivery_id: UUID) -> Delivery:
        """Delivers the same event to the same endpoint once more, under the same message id."""
        delivery, endpoint, _ = await self.delivery(tx, delivery_id)
        _need_enabled(endpoint)
        [again] = await self._deliver(tx, delivery.event_id, [endpoint])
        return (await self.delivery(tx, again))[0]

    # What the job does

    async def letter(self, tx: Transaction, delivery_id: UUID) -> Letter | None:
        """What is to be sent now; None when nothing is left to do. Fails what can no longer be sent."""
        found = await self._store.find_delivery(tx, delivery_id)
        if found is None or found[0].status is not DeliveryStatus.PENDING:
            return None
        delivery, endpoint, body = found
        if not endpoint.enabled:
            await self._store.save_delivery(
                tx,
                replace(
                    delivery,
                    status=DeliveryStatus.FAILED,
                    failure=Failure.DISABLED,
                    next_attempt_at=None,
                ),
            )
            return None
        return Letter(
            url=endpoint.url,
            secrets=endpoint.secrets(self._clock.now()),
            event_id=delivery.event_id,
            body=body,
        )

    async def record(self, tx: Transaction, delivery_id: UUID, attempt: Attempt) -> None:
        """Writes a try into the ledger and enqueues the next one, if there is to be one."""
        found = await self._store.find_delivery(tx, delivery_id)
        if found is None:
            return
        # Whoever removes the endpoint locks it before its deliveries; so do we, or the two would wait for each other.
        delivery, endpoint = found[0], await self._store.find_endpoint(tx, found[1].id, lock=True)
        if endpoint is None:
            return
        verdict = judge(
            attempt,
            tries=delivery.attempts + 1,
            failing_since=endpoint.failing_since,
            chance=random.random(),  # noqa: S311 - spreads load, guards nothing
        )
        due = (
            None
            if verdict.wait_seconds is None
            else self._clock.now() + timedelta(seconds=verdict.wait_seconds)
        )
        await self._store.add_attempt(tx, delivery_id, attempt)
        await self._store.save_delivery(
            tx,
            replace(
                delivery,
                status=verdict.status,
                attempts=delivery.attempts + 1,
                response_status=attempt.response_status,
                failure=attempt.failure,
                next_attempt_at=due,
                delivered_at=self._clock.now() if attempt.succeeded else None,
            ),
        )
        await self._store.set_failing(tx, endpoint.id, None if attempt.succeeded else attempt.at)
        if verdict.disable is not None:
            await self._disable(tx, endpoint.id, verdict.disable)
        if due is not None:
            await self._enqueue(tx, [delivery_id], due)

    async def orphans(self, tx: Transaction) -> Sequence[UUID]:
        """Deliveries whose job has got lost."""
        return await self._store.overdue(tx, self._clock.now() - ORPHANED_AFTER, SWEEP_AT_ONCE)

    async def prune(self, tx: Transaction) -> None:
        """Forgets events and deliveries that are older than they are kept."""
        await self._store.prune(tx, self._clock.now() - self._keep)

    async def _send(
        self,
        tx: Transaction,
        space_id: UUID,
        type_: str,
        data: Mapping[str, Any],
        endpoints: Sequence[Endpoint],
    ) -> Sequence[UUID]:
        now = self._clock.now()
        payload = {"type": type_, "timestamp": now.isoformat(), "data": dict(data)}
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        event_id = new_id()
        await self._store.add_event(tx, event_id, space_id, type_, body, now)
        return await self._deliver(tx, event_id, endpoints)

    async def _deliver(
        self, tx: Transaction, event_id: UUID, endpoints: Sequence[Endpoint]
    ) -> Sequence[UUID]:
        ids = await self._store.add_deliveries(
            tx, event_id, [e.id for e in endpoints], self._clock.now()
        )
        await self._enqueue(tx, ids, None)
        return ids

    async def _enqueue(self, tx: Transaction, ids: Sequence[UUID], due: datetime | None) -> None:
        items = [Enqueue({"delivery_id": str(id_)}, key=str(id_)) for id_ in ids]
        await self._jobs.enqueue_many(tx, DELIVER, items, schedule_at=due, priority=PRIORITY)

    async def _disable(self, tx: Transaction, endpoint_id: UUID, reason: str) -> None:
        endpoint = await self._locked(tx, endpoint_id)
        if not endpoint.enabled:
            return
        await self._store.save_endpoint(
            tx, replace(endpoint, enabled=False, disabled_reason=reason)
        )
        data = {"webhook_id": str(endpoint.id), "reason": reason}
        await self.emit(tx, endpoint.space_id, DISABLED, data)
        if self._announcer is not None:
            await self._announcer.publish(tx, f"space:{endpoint.space_id}", DISABLED, data)

    async def _locked(self, tx: Transaction, endpoint_id: UUID) -> Endpoint:
        endpoint = await self._store.find_endpoint(tx, endpoint_id, lock=True)
        if endpoint is None:
            raise UnknownWebhookError
        return endpoint


def _need_enabled(endpoint: Endpoint) -> None:
    if not endpoint.enabled:
        raise WebhookDisabledError("The webhook is switched off. Switch it on first.")
