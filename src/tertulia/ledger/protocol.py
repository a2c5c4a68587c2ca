"""The wire models of usage and budgets. Money is written as a decimal in a string, so that nobody rounds it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tertulia.ledger.domain import Budget, Entry, Period, Prices, Total, Unit

Amount = Annotated[
    Decimal,
    Field(gt=0, max_digits=18, decimal_places=6, examples=["25.00"], description="How much."),
]


class UseOut(BaseModel):
    """One use of an engine."""

    id: UUID
    at: datetime
    door: str = Field(examples=["voice"])
    space_id: UUID
    transcript_id: UUID | None
    person: str | None
    user_id: UUID | None
    api_key_id: UUID | None
    engine: str = Field(examples=["whisper"])
    model: str | None
    unit: Unit
    quantity: float
    price: Decimal | None = Field(description="For one unit; null when no price is configured.")
    price_version: str = Field(description="Names the list of prices it was counted with.")
    cost: Decimal | None
    latency_ms: int | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        use = entry.use
        return cls(
            id=entry.id,
            at=entry.at,
            door=use.door,
            space_id=use.space_id,
            transcript_id=use.transcript_id,
            person=use.person,
            user_id=use.user_id,
            api_key_id=use.api_key_id,
            engine=use.engine,
            model=use.model,
            unit=use.unit,
            quantity=use.quantity,
            price=entry.price,
            price_version=entry.price_version,
            cost=entry.cost,
            latency_ms=use.latency_ms,
        )


class TotalOut(BaseModel):
    """Uses added up."""

    group: dict[str, str | None] = Field(
        description="The value of each dimension asked for.", examples=[{"day": "2026-03-01"}]
    )
    unit: Unit
    uses: int
    quantity: float
    cost: Decimal
    unpriced_uses: int = Field(description="Uses of engines whose price nobody configured.")
    latency_ms: float | None = Field(description="Mean of those that were measured.")

    @classmethod
    def of(cls, total: Total) -> Self:
        return cls(
            group=dict(total.group),
            unit=total.unit,
            uses=total.uses,
            quantity=total.quantity,
            cost=total.cost,
            unpriced_uses=total.unpriced_uses,
            latency_ms=total.latency_ms,
        )


class TotalsOut(BaseModel):
    """Uses added up, in the currency of the server."""

    currency: str = Field(examples=["USD"])
    items: list[TotalOut]


class PricesOut(BaseModel):
    """What engines cost, as this server is set up."""

    currency: str = Field(examples=["USD"])
    version: str
    prices: dict[str, dict[Unit, Decimal]] = Field(
        description="By engine, or `engine:model`; of one unit.",
        examples=[{"openai:whisper-1": {"seconds": "0.0001"}}],
    )

    @classmethod
    def of(cls, prices: Prices, currency: str) -> Self:
        listed = {
            engine: {Unit(unit): price for unit, price in units.items()}
            for engine, units in prices.listed.items()
        }
        return cls(currency=currency, version=prices.version, prices=listed)


class BudgetCreate(BaseModel):
    """A budget to be."""

    model_config = ConfigDict(extra="forbid")

    space_id: UUID | None = Field(None, description="The active space when left out.")
    api_key_id: UUID | None = Field(None, description="Only what this key spends.")
    period: Period = Period.MONTH
    amount: Amount


class BudgetUpdate(BaseModel):
    """A budget's new amount."""

    model_config = ConfigDict(extra="forbid")

    amount: Amount


class BudgetOut(BaseModel):
    """A budget, and what is spent of it."""

    id: UUID
    space_id: UUID
    api_key_id: UUID | None
    period: Period
    amount: Decimal
    spent: Decimal = Field(description="In the period under way, in UTC.")
    used_up: bool
    currency: str = Field(examples=["USD"])
    created_at: datetime

    @classmethod
    def of(cls, budget: Budget, currency: str) -> Self:
        return cls(
            id=budget.id,
            space_id=budget.space_id,
            api_key_id=budget.api_key_id,
            period=budget.period,
            amount=budget.amount,
            spent=budget.spent,
            used_up=budget.used_up,
            currency=currency,
            created_at=budget.created_at,
        )


class BudgetList(BaseModel):
    """The budgets of one's spaces."""

    items: list[BudgetOut]
