"""What a webhook is: its endpoint, its events, its deliveries, and when they are tried again."""

import base64
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook as Signer

from tertulia.jobs import Retry
from tertulia.kernel.errors import ConflictError, InvalidRequestError, NotFoundError

RETRY = Retry.after(5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, jitter=0.1)
"""Ten tries over a little more than three days."""

DISABLE_AFTER = timedelta(days=5)
"""An endpoint that has not taken anything for so long is switched off."""

SECRET_OVERLAP = timedelta(hours=24)
"""For so long after a rotation deliveries are signed with the secret before, too."""

MAX_ENDPOINTS = 20
GONE = 410
TEST = "webhook.test"
DISABLED = "webhook.disabled"


class UnknownWebhookError(NotFoundError):
    """Unknown, or of a space one is not in."""

    title = "There is no such webhook"


class UnknownDeliveryError(NotFoundError):
    """Unknown, or of a space one is not in."""

    title = "There is no such delivery"


class WebhookDisabledError(ConflictError):
    """Nothing is delivered to a webhook that is switched off."""

    code = "webhook_disabled"
    title = "The webhook is switched off"


class TooManyWebhooksError(ConflictError):
    """A space has as many webhooks as it may have."""

    code = "too_many_webhooks"
    title = "The space has too many webhooks"


class DeliveryStatus(StrEnum):
    """Where a delivery stands; the two ends are final."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Failure(StrEnum):
    """Why a try failed."""

    STATUS = "status"
    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    UNKNOWN_HOST = "unknown_host"
    REFUSED = "refused"
    DISABLED = "disabled"


EXPLAINED = {
    Failure.STATUS: "The address answered with an error.",
    Failure.REDIRECT: "The address sent us elsewhere; redirects are not followed. Give the final address.",
    Failure.TIMEOUT: "The address did not answer in time.",
    Failure.CONNECTION: "No connection to the address could be made, or it broke off.",
    Failure.UNKNOWN_HOST: "The name in the address is not known.",
    Failure.REFUSED: "The address leads into an internal network.",
    Failure.DISABLED: "The webhook was switched off before it could be delivered.",
}
"""What a person reads in the ledger."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of somebody else's that is told of a space's events."""

    id: UUID
    space_id: UUID
    url: str
    types: tuple[str, ...]
    """Which events: names, or `member.*`; none means every event."""
    description: str
    enabled: bool
    disabled_reason: str | None
    created_by: UUID | None
    created_at: datetime
    failing_since: datetime | None
    """Since when every try has failed."""
    secret: str = field(repr=False)
    previous_secret: str | None = field(repr=False)
    previous_secret_until: datetime | None

    def wants(self, type_: str) -> bool:
        return not self.types or any(matches(pattern, type_) for pattern in self.types)

    def secrets(self, now: datetime) -> list[str]:
        """What deliveries are signed with now."""
        if self.previous_secret and self.previous_secret_until and now < self.previous_secret_until:
            return [self.secret, self.previous_secret]
        return [self.secret]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    type: str
    status: DeliveryStatus
    attempts: int
    response_status: int | None
    failure: Failure | None
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery."""

    at: datetime
    duration_ms: int
    response_status: int | None
    failure: Failure | None

    @property
    def succeeded(self) -> bool:
        return self.failure is None


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event that endpoints can ask for."""

    name: str
    description: str
    example: Mapping[str, Any]


class EventTypes:
    """Every kind of event there is; packages above add theirs when the server is put together."""

    def __init__(self) -> None:
        self._types: dict[str, EventType] = {}
        self.register(TEST, "Sent when somebody tries a webhook out.", {"message": "It works."})
        self.register(
            DISABLED,
            "A webhook of the space was switched off because its address kept failing.",
            {"webhook_id": "0199d3a0-0000-7000-8000-000000000000", "reason": "gone"},
        )

    def register(self, name: str, description: str, example: Mapping[str, Any]) -> str:
        """Adds a type and gives its name back; the same name twice is a mistake in the program."""
        if name in self._types:
            raise ValueError(f"the event type {name} is registered twice")
        self._types[name] = EventType(name, description, example)
        return name

    def __iter__(self) -> Iterator[EventType]:
        return iter(sorted(self._types.values(), key=lambda t: t.name))

    def __contains__(self, name: str) -> bool:
        return name in self._types

    def check(self, patterns: Sequence[str]) -> tuple[str, ...]:
        """Refuses what no event can ever match."""
        for pattern in patterns:
            if not any(matches(pattern, name) for name in self._types):
                raise InvalidRequestError(
                    f"No event is called {pattern[:100]}. GET /api/webhooks/types lists those there are."
                )
        return tuple(dict.fromkeys(patterns))


_PATTERN = re.compile(r"(\*|[a-z0-9_.]+?)(\.\*)?")


def matches(pattern: str, type_: str) -> bool:
    """`*` is every event, `member.*` those whose name begins with `member.`."""
    if pattern == "*":
        return True
    if not _PATTERN.fullmatch(pattern):
        return False
    if pattern.endswith(".*"):
        return type_.startswith(pattern[:-1])
    return pattern == type_


def new_webhook_secret() -> str:
    """A secret as Standard Webhooks writes them: 32 random bytes."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def message_id(event_id: UUID) -> str:
    """Stays the same over every try, so that a receiver knows an event it has seen."""
    return f"msg_{event_id.hex}"


def signed_headers(
    secrets_: Sequence[str], event_id: UUID, body: str, now: datetime
) -> dict[str, str]:
    """The three headers of Standard Webhooks; one signature a secret."""
    name = message_id(event_id)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(s).sign(name, now, body) for s in secrets_),
    }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one try means for its delivery and its endpoint."""

    status: DeliveryStatus
    wait_seconds: float | None
    """Until the next try, when there is one."""
    disable: str | None
    """Why the endpoint is switched off, if it is."""


def judge(
    attempt: Attempt, *, tries: int, failing_since: datetime | None, chance: float
) -> Verdict:
    """`tries` counts this one; `chance` is uniform between 0 and 1."""
    if attempt.succeeded:
        return Verdict(DeliveryStatus.SUCCEEDED, None, None)
    if attempt.response_status == GONE:
        return Verdict(DeliveryStatus.FAILED, None, "gone")
    if failing_since is not None and attempt.at - failing_since >= DISABLE_AFTER:
        return Verdict(DeliveryStatus.FAILED, None, "failing")
    wait = RETRY.wait_seconds(tries, chance)
    return Verdict(DeliveryStatus.FAILED if wait is None else DeliveryStatus.PENDING, wait, None)
