"""The tables of webhooks and their queries."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DateTime,
    ForeignKey,
    Index,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from tertulia.kernel.database import Base, Transaction
from tertulia.kernel.ids import new_id
from tertulia.kernel.pages import Position
from tertulia.webhooks.domain import Attempt, Delivery, DeliveryStatus, Endpoint, Failure

Moment = DateTime(timezone=True)


class WebhookEndpointRow(Base):
    """An endpoint."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(Text)
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    description: Mapped[str] = mapped_column(Text)
    enabled: Mapped[bool]
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(Text)
    previous_secret: Mapped[str | None] = mapped_column(Text)
    previous_secret_until: Mapped[datetime | None] = mapped_column(Moment)
    created_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(Moment)
    failing_since: Mapped[datetime | None] = mapped_column(Moment)


class WebhookEventRow(Base):
    """An event, and the body that is signed and sent."""

    __tablename__ = "webhook_events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"), index=True)
    type: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, index=True)


class WebhookDeliveryRow(Base):
    """A delivery."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_endpoints.id", ondelete="CASCADE")
    )
    event_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_events.id", ondelete="CASCADE"), index=True
    )
    status: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    response_status: Mapped[int | None]
    failure: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    next_attempt_at: Mapped[datetime | None] = mapped_column(Moment)
    delivered_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index("ix_webhook_deliveries_endpoint_id_created_at_id", "endpoint_id", "created_at", "id"),
        Index(
            "ix_webhook_deliveries_pending",
            "next_attempt_at",
            postgresql_where=text("status = 'pending'"),
        ),
    )


class WebhookAttemptRow(Base):
    """A try of a delivery."""

    __tablename__ = "webhook_attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime] = mapped_column(Moment)
    duration_ms: Mapped[int]
    response_status: Mapped[int | None]
    failure: Mapped[str | None] = mapped_column(Text)


def _endpoint(row: WebhookEndpointRow) -> Endpoint:
    return Endpoint(
        id=row.id,
        space_id=row.space_id,
        url=row.url,
        types=tuple(row.types),
        description=row.description,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        created_by=row.created_by,
        created_at=row.created_at,
        failing_since=row.failing_since,
        secret=row.secret,
        previous_secret=row.previous_secret,
        previous_secret_until=row.previous_secret_until,
    )


def _delivery(row: WebhookDeliveryRow, type_: str) -> Delivery:
    return Delivery(
        id=row.id,
        endpoint_id=row.endpoint_id,
        event_id=row.event_id,
        type=type_,
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        response_status=row.response_status,
        failure=Failure(row.failure) if row.failure else None,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
    )


class WebhookStore:
    """Endpoints, events, deliveries and tries."""

    async def add_endpoint(self, tx: Transaction, endpoint: Endpoint) -> None:
        values = {**asdict(endpoint), "types": list(endpoint.types)}
        await tx.session.execute(insert(WebhookEndpointRow).values(**values))

    async def save_endpoint(self, tx: Transaction, endpoint: Endpoint) -> None:
        values = {**asdict(endpoint), "types": list(endpoint.types)}
        await tx.session.execute(
            update(WebhookEndpointRow).where(WebhookEndpointRow.id == endpoint.id).values(**values)
        )

    async def delete_endpoint(self, tx: Transaction, endpoint_id: UUID) -> None:
        await tx.session.execute(
            delete(WebhookEndpointRow).where(WebhookEndpointRow.id == endpoint_id)
        )

    async def find_endpoint(
        self, tx: Transaction, endpoint_id: UUID, *, lock: bool = False
    ) -> Endpoint | None:
        query = select(WebhookEndpointRow).where(WebhookEndpointRow.id == endpoint_id)
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        row = (await tx.session.execute(query)).scalar_one_or_none()
        return _endpoint(row) if row else None

    async def endpoints(self, tx: Transaction, space_ids: Sequence[UUID]) -> list[Endpoint]:
        """Newest first."""
        query = select(WebhookEndpointRow).where(WebhookEndpointRow.space_id.in_(space_ids))
        rows = await tx.session.execute(query.order_by(WebhookEndpointRow.id.desc()))
        return [_endpoint(row) for row in rows.scalars()]

    async def count_endpoints(self, tx: Transaction, space_id: UUID) -> int:
        query = select(func.count()).where(WebhookEndpointRow.space_id == space_id)
        return (await tx.session.execute(query.select_from(WebhookEndpointRow))).scalar_one()

    async def set_failing(self, tx: Transaction, endpoint_id: UUID, since: datetime | None) -> None:
        """Notes the first failure after a success, or a success."""
        unchanged = (
            WebhookEndpointRow.failing_since.is_not(None)
            if since is None
            else WebhookEndpointRow.failing_since.is_(None)
        )
        await tx.session.execute(
            update(WebhookEndpointRow)
            .where(WebhookEndpointRow.id == endpoint_id, unchanged)
            .values(failing_since=since)
        )

    async def add_event(
        self, tx: Transaction, event_id: UUID, space_id: UUID, type_: str, body: str, at: datetime
    ) -> None:
        await tx.session.execute(
            insert(WebhookEventRow).values(
                id=event_id, space_id=space_id, type=type_, body=body, created_at=at
            )
        )

    async def add_deliveries(
        self, tx: Transaction, event_id: UUID, endpoint_ids: Sequence[UUID], at: datetime
    ) -> list[UUID]:
        ids = [new_id() for _ in endpoint_ids]
        await tx.session.execute(
            insert(WebhookDeliveryRow),
            [
                {
                    "id": id_,
                    "endpoint_id": endpoint_id,
                    "event_id": event_id,
                    "status": DeliveryStatus.PENDING,
                    "attempts": 0,
                    "created_at": at,
                    "next_attempt_at": at,
                }
                for id_, endpoint_id in zip(ids, endpoint_ids, strict=True)
            ],
        )
        return ids

    async def find_delivery(
        self, tx: Transaction, delivery_id: UUID
    ) -> tuple[Delivery, Endpoint, str] | None:
        """A delivery, where it goes, and its body."""
        query = (
            select(WebhookDeliveryRow, WebhookEndpointRow, WebhookEventRow)
            .join(WebhookEndpointRow, WebhookEndpointRow.id == WebhookDeliveryRow.endpoint_id)
            .join(WebhookEventRow, WebhookEventRow.id == WebhookDeliveryRow.event_id)
            .where(WebhookDeliveryRow.id == delivery_id)
        )
        found = (await tx.session.execute(query)).one_or_none()
        if found is None:
            return None
        delivery, endpoint, event = found
        return _delivery(delivery, event.type), _endpoint(endpoint), event.body

    async def deliveries(
        self, tx: Transaction, endpoint_id: UUID, before: Position | None, limit: int
    ) -> list[Delivery]:
        """Newest first."""
        query = (
            select(WebhookDeliveryRow, WebhookEventRow.type)
            .join(WebhookEventRow, WebhookEventRow.id == WebhookDeliveryRow.event_id)
            .where(WebhookDeliveryRow.endpoint_id == endpoint_id)
        )
        place = tuple_(WebhookDeliveryRow.created_at, WebhookDeliveryRow.id)
        if before is not None:
            query = query.where(place < tuple_(before.at, before.id))
        query = query.order_by(WebhookDeliveryRow.created_at.desc(), WebhookDeliveryRow.id.desc())
        rows = await tx.session.execute(query.limit(limit))
        return [_delivery(row, type_) for row, type_ in rows]

    async def save_delivery(self, tx: Transaction, delivery: Delivery) -> None:
        values = asdict(delivery)
        del values["type"]
        await tx.session.execute(
            update(WebhookDeliveryRow).where(WebhookDeliveryRow.id == delivery.id).values(**values)
        )

    async def add_attempt(self, tx: Transaction, delivery_id: UUID, attempt: Attempt) -> None:
        await tx.session.execute(
            insert(WebhookAttemptRow).values(
                id=new_id(), delivery_id=delivery_id, **asdict(attempt)
            )
        )

    async def attempts(self, tx: Transaction, delivery_id: UUID) -> list[Attempt]:
        """In the order they were made."""
        query = select(WebhookAttemptRow).where(WebhookAttemptRow.delivery_id == delivery_id)
        rows = await tx.session.execute(query.order_by(WebhookAttemptRow.id))
        return [
            Attempt(
                at=row.at,
                duration_ms=row.duration_ms,
                response_status=row.response_status,
                failure=Failure(row.failure) if row.failure else None,
            )
            for row in rows.scalars()
        ]

    async def overdue(self, tx: Transaction, before: datetime, limit: int) -> Sequence[UUID]:
        """Deliveries whose next try should have been made long ago."""
        query = (
            select(WebhookDeliveryRow.id)
            .where(
                WebhookDeliveryRow.status == DeliveryStatus.PENDING,
                WebhookDeliveryRow.next_attempt_at < before,
            )
            .order_by(WebhookDeliveryRow.next_attempt_at)
            .limit(limit)
        )
        return (await tx.session.execute(query)).scalars().all()

    async def prune(self, tx: Transaction, before: datetime) -> None:
        """Forgets events with their deliveries, but none that is still on its way."""
        on_its_way = select(WebhookDeliveryRow.event_id).where(
            WebhookDeliveryRow.status == DeliveryStatus.PENDING
        )
        await tx.session.execute(
            delete(WebhookEventRow).where(
                WebhookEventRow.created_at < before, WebhookEventRow.id.not_in(on_its_way)
            )
        )
