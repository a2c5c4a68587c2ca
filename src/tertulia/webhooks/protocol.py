"""The wire models of webhooks."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tertulia.webhooks.domain import (
    EXPLAINED,
    Attempt,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EventType,
    Failure,
)

Url = Annotated[
    str,
    Field(min_length=1, max_length=2_000, examples=["https://example.org/hooks/tertulia"]),
]
Types = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100)]],
    Field(
        max_length=100,
        description="Names of events, or `member.*` for all that begin so; none means every event.",
        examples=[["webhook.*"]],
    ),
]
Description = Annotated[str, Field(max_length=500)]


class WebhookCreate(BaseModel):
    """A webhook to be."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    types: Types
    space_id: UUID
    description: Description = ""


class WebhookUpdate(BaseModel):
    """What is to change; what is left out or null stays as it is."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    types: Types | None = None
    enabled: bool | None = None
    description: Description | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if all(value is None for value in (self.url, self.types, self.enabled, self.description)):
            raise ValueError("give at least one of url, types, enabled and description")
        return self


class WebhookOut(BaseModel):
    """An address that is told of a space's events."""

    id: UUID
    url: str
    types: list[str]
    space_id: UUID
    description: str
    enabled: bool
    disabled_reason: str | None = Field(
        description="`gone` when the address said so, `failing` after days of failures, or null."
    )
    failing_since: datetime | None = Field(description="Since when every try has failed.")
    created_by: UUID | None
    created_at: datetime

    @classmethod
    def of(cls, endpoint: Endpoint) -> "WebhookOut":
        return cls(**_values(endpoint))


class WebhookCreated(WebhookOut):
    """A webhook with its secret, which is shown this once."""

    secret: str = Field(
        description="Deliveries are signed with it as Standard Webhooks say.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )

    @classmethod
    def of(cls, endpoint: Endpoint) -> "WebhookCreated":
        return cls(**_values(endpoint), secret=endpoint.secret)


class WebhookList(BaseModel):
    """Webhooks, newest first."""

    items: list[WebhookOut]


class EventTypeOut(BaseModel):
    """A kind of event that webhooks can ask for."""

    name: str
    description: str
    example: dict[str, Any] = Field(description="What `data` looks like.")

    @classmethod
    def of(cls, type_: EventType) -> "EventTypeOut":
        return cls(name=type_.name, description=type_.description, example=dict(type_.example))


class DeliveryOut(BaseModel):
    """One event on its way to one webhook."""

    id: UUID
    webhook_id: UUID
    type: str
    status: DeliveryStatus
    attempts: int = Field(description="How many tries there have been.")
    response_status: int | None = Field(description="What the address answered last.")
    error: str | None = Field(description="Why the last try failed, for people.")
    failure: Failure | None = Field(description="Why the last try failed, for programs.")
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryOut":
        return cls(
            id=delivery.id,
            webhook_id=delivery.endpoint_id,
            type=delivery.type,
            status=delivery.status,
            attempts=delivery.attempts,
            response_status=delivery.response_status,
            error=EXPLAINED[delivery.failure] if delivery.failure else None,
            failure=delivery.failure,
            created_at=delivery.created_at,
            next_attempt_at=delivery.next_attempt_at,
            delivered_at=delivery.delivered_at,
        )


class AttemptOut(BaseModel):
    """One try of a delivery."""

    at: datetime
    duration_ms: int
    response_status: int | None
    failure: Failure | None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptOut":
        return cls(
            at=attempt.at,
            duration_ms=attempt.duration_ms,
            response_status=attempt.response_status,
            failure=attempt.failure,
        )


class DeliveryDetail(DeliveryOut):
    """A delivery with what was sent and each of its tries."""

    payload: dict[str, Any]
    log: list[AttemptOut] = Field(description="The tries, in order.")

    @classmethod
    def with_log(
        cls, delivery: Delivery, body: str, attempts: Sequence[Attempt]
    ) -> "DeliveryDetail":
        return cls(
            **DeliveryOut.of(delivery).model_dump(),
            payload=json.loads(body),
            log=[AttemptOut.of(attempt) for attempt in attempts],
        )


def _values(endpoint: Endpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in WebhookOut.model_fields}
