"""Uses, prices and budgets in plain types."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from tertulia.kernel.errors import NotFoundError, TertuliaError

READ = "usage:read"
WRITE = "usage:write"

FREE = frozenset(
    {"whisper", "sherpa", "pocketsphinx", "espeak", "piper", "ollama", "offline", "scripted"}
)
"""Engines that run on the server's own machines: nobody sends a bill for them."""


class Unit(StrEnum):
    """What a use is counted in."""

    SECONDS = "seconds"
    TOKENS_IN = "tokens_in"
    TOKENS_OUT = "tokens_out"
    CHARACTERS = "characters"


class Period(StrEnum):
    """How long a budget lasts before it begins anew, in UTC."""

    DAY = "day"
    MONTH = "month"

    def began(self, now: datetime) -> datetime:
        """When the period that `now` is in began."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if self is Period.DAY else midnight.replace(day=1)


class Dimension(StrEnum):
    """What uses can be added up by."""

    DAY = "day"
    DOOR = "door"
    ENGINE = "engine"
    KEY = "key"
    SPACE = "space"
    PERSON = "person"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Use:
    """One use of an engine: what was asked of it, by whom, for which conversation."""

    door: str
    space_id: UUID
    engine: str
    unit: Unit
    quantity: float
    model: str | None = None
    transcript_id: UUID | None = None
    person: str | None = None
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Spender:
    """In whose name something is about to be spent."""

    space_id: UUID
    api_key_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A use as the ledger keeps it, with the price it was counted at."""

    id: UUID
    at: datetime
    use: Use
    price: Decimal | None
    """For one unit; None when nobody told the server what the engine costs."""
    price_version: str
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Total:
    """Uses added up: by the dimensions asked for, and always by unit apart."""

    group: Mapping[str, str | None]
    unit: Unit
    uses: int
    quantity: float
    cost: Decimal
    unpriced_uses: int
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which uses to look at."""

    spaces: tuple[UUID, ...]
    since: datetime | None = None
    until: datetime | None = None
    door: str | None = None
    engine: str | None = None
    api_key_id: UUID | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a space, or one of its keys, may spend in a period."""

    id: UUID
    space_id: UUID
    api_key_id: UUID | None
    period: Period
    amount: Decimal
    created_at: datetime
    spent: Decimal = Decimal(0)
    """In the period under way."""

    @property
    def used_up(self) -> bool:
        return self.spent >= self.amount


@dataclass(frozen=True, slots=True)
class Prices:
    """What engines cost, as the settings say."""

    listed: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    def of(self, engine: str, model: str | None, unit: Unit) -> Decimal | None:
        """The price of one unit: the model's, else the engine's; nothing for our own engines; None when unknown."""
        for name in (f"{engine}:{model}", engine):
            if name in self.listed:
                return self.listed[name].get(unit, Decimal(0))
        return Decimal(0) if engine.partition(":")[0] in FREE else None

    def free(self, engine: str) -> bool:
        """Whether nothing that `engine` does can cost anything."""
        names = [name for name in self.listed if name.partition(":")[0] == engine or name == engine]
        if names:
            return not any(price for name in names for price in self.listed[name].values())
        return engine.partition(":")[0] in FREE

    @property
    def version(self) -> str:
        """Names this list, so that a cost can be told from one made at other prices."""
        plain = {
            engine: {unit: str(price) for unit, price in sorted(units.items())}
            for engine, units in sorted(self.listed.items())
        }
        return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:12]


class BudgetExceededError(TertuliaError):
    """The budget is used up, and no cheaper engine is configured."""

    status = 402
    code = "budget_exceeded"
    title = "The budget is used up"


class BudgetMissingError(NotFoundError):
    """Unknown, or of another space."""

    code = "budget_not_found"
    title = "There is no such budget"
