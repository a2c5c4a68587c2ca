"""The tables of the ledger and their queries."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    ForeignKey,
    Index,
    Numeric,
    Select,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from tertulia.kernel.database import Base, Transaction
from tertulia.kernel.pages import Position
from tertulia.kernel.rows import Rows
from tertulia.ledger.domain import Asked, Budget, Dimension, Entry, Period, Total, Unit, Use

Moment = DateTime(timezone=True)


class UseRow(Base):
    """One use of an engine. What it belonged to may go; that it was used, and paid, remains."""

    __tablename__ = "uses"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    door: Mapped[str] = mapped_column(Text)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    transcript_id: Mapped[UUID | None]
    person: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[UUID | None]
    api_key_id: Mapped[UUID | None]
    engine: Mapped[str] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    quantity: Mapped[float]
    price: Mapped[Decimal | None] = mapped_column(Numeric)
    price_version: Mapped[str] = mapped_column(Text)
    cost: Mapped[Decimal | None] = mapped_column(Numeric)
    latency_ms: Mapped[int | None]

    __table_args__ = (
        Index("ix_uses_space_id_at_id", "space_id", "at", "id"),
        Index("ix_uses_transcript_id", "transcript_id"),
        Index("ix_uses_person", "space_id", "person"),
    )


class BudgetRow(Base):
    """How much may be spent."""

    __tablename__ = "budgets"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    api_key_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("api_keys.id", ondelete="CASCADE"), index=True
    )
    period: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Numeric)
    created_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (
        Index(
            "uq_budgets_space_id_api_key_id_period",
            "space_id",
            "api_key_id",
            "period",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )


_USES = Rows(UseRow)


class LedgerStore:
    """Queries."""

    async def add(self, tx: Transaction, entries: Sequence[Entry]) -> None:
        rows = [
            {
                "id": entry.id,
                "at": entry.at,
                "door": entry.use.door,
                "space_id": entry.use.space_id,
                "transcript_id": entry.use.transcript_id,
                "person": entry.use.person,
                "user_id": entry.use.user_id,
                "api_key_id": entry.use.api_key_id,
                "engine": entry.use.engine,
                "model": entry.use.model,
                "unit": entry.use.unit.value,
                "quantity": entry.use.quantity,
                "price": entry.price,
                "price_version": entry.price_version,
                "cost": entry.cost,
                "latency_ms": entry.use.latency_ms,
            }
            for entry in entries
        ]
        await _USES.insert(tx, rows)

    async def entries(
        self, tx: Transaction, asked: Asked, after: Position | None, limit: int
    ) -> list[Entry]:
        query = select(UseRow).where(*_where(asked))
        if after is not None:
            query = query.where(tuple_(UseRow.at, UseRow.id) < (after.at, after.id))
        query = query.order_by(UseRow.at.desc(), UseRow.id.desc()).limit(limit)
        return [_entry(row) for row in await tx.session.scalars(query)]

    async def totals(
        self, tx: Transaction, asked: Asked, by: Sequence[Dimension], timezone: str
    ) -> list[Total]:
        groups = [_group(dimension, timezone).label(f"by_{dimension}") for dimension in by]
        query: Select[Any] = (
            select(
                *groups,
                UseRow.unit,
                func.count().label("uses"),
                func.sum(UseRow.quantity).label("quantity"),
                func.coalesce(func.sum(UseRow.cost), 0).label("cost"),
                func.count().filter(UseRow.cost.is_(None)).label("unpriced"),
                func.avg(UseRow.latency_ms).label("latency"),
            )
            .where(*_where(asked))
            .group_by(*groups, UseRow.unit)
            .order_by(*groups, UseRow.unit)
        )
        return [
            Total(
                group={d.value: getattr(row, f"by_{d}") for d in by},
                unit=Unit(row.unit),
                uses=row.uses,
                quantity=row.quantity,
                cost=row.cost,
                unpriced_uses=row.unpriced,
                latency_ms=float(row.latency) if row.latency is not None else None,
            )
            for row in await tx.session.execute(query)
        ]

    async def budgets(
        self, tx: Transaction, spaces: Sequence[UUID], periods: dict[Period, datetime]
    ) -> list[Budget]:
        """Every budget of the spaces, with what was spent of it in the period under way."""
        spent = (
            select(func.coalesce(func.sum(UseRow.cost), 0))
            .where(
                UseRow.space_id == BudgetRow.space_id,
                UseRow.at
                >= func.coalesce(
                    *(
                        _when(BudgetRow.period == period.value, began)
                        for period, began in periods.items()
                    )
                ),
                (BudgetRow.api_key_id.is_(None)) | (UseRow.api_key_id == BudgetRow.api_key_id),
            )
            .correlate(BudgetRow)
            .scalar_subquery()
        )
        query = (
            select(BudgetRow, spent)
            .where(BudgetRow.space_id.in_(spaces))
            .order_by(BudgetRow.created_at, BudgetRow.id)
        )
        return [
            _budget(row, amount or Decimal(0)) for row, amount in await tx.session.execute(query)
        ]

    async def put_budget(self, tx: Transaction, budget: Budget) -> None:
        tx.session.add(
            BudgetRow(
                id=budget.id,
                space_id=budget.space_id,
                api_key_id=budget.api_key_id,
                period=budget.period.value,
                amount=budget.amount,
                created_at=budget.created_at,
            )
        )
        await tx.session.flush()

    async def change_budget(self, tx: Transaction, id_: UUID, amount: Decimal) -> None:
        await tx.session.execute(update(BudgetRow).where(BudgetRow.id == id_).values(amount=amount))

    async def remove_budget(self, tx: Transaction, id_: UUID) -> None:
        await tx.session.execute(delete(BudgetRow).where(BudgetRow.id == id_))

    async def budget_space(self, tx: Transaction, id_: UUID) -> UUID | None:
        return await tx.session.scalar(select(BudgetRow.space_id).where(BudgetRow.id == id_))

    async def forget_transcripts(self, tx: Transaction, ids: Sequence[UUID]) -> int:
        """Uses of erased conversations stay as sums of money that belong to nobody."""
        found = await tx.session.execute(
            update(UseRow)
            .where(UseRow.transcript_id.in_(ids))
            .values(transcript_id=None, person=None)
            .returning(UseRow.id)
        )
        return len(found.all())

    async def forget_person(self, tx: Transaction, space_id: UUID, person: str) -> int:
        found = await tx.session.execute(
            update(UseRow)
            .where(UseRow.space_id == space_id, UseRow.person == person)
            .values(person=None)
            .returning(UseRow.id)
        )
        return len(found.all())


def _when(condition: ColumnElement[bool], began: datetime) -> ColumnElement[Any]:
    return case((condition, literal(began, Moment)))


def _where(asked: Asked) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [UseRow.space_id.in_(asked.spaces)]
    if asked.since is not None:
        conditions.append(UseRow.at >= asked.since)
    if asked.until is not None:
        conditions.append(UseRow.at < asked.until)
    for column, wanted in (
        (UseRow.door, asked.door),
        (UseRow.engine, asked.engine),
        (UseRow.api_key_id, asked.api_key_id),
        (UseRow.person, asked.person),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    return [and_(*conditions)]


def _group(dimension: Dimension, timezone: str) -> ColumnElement[Any]:
    columns: dict[Dimension, ColumnElement[Any]] = {
        Dimension.DAY: func.to_char(func.timezone(timezone, UseRow.at), "YYYY-MM-DD"),
        Dimension.DOOR: cast(UseRow.door, Text),
        Dimension.ENGINE: cast(UseRow.engine, Text),
        Dimension.KEY: cast(UseRow.api_key_id, Text),
        Dimension.SPACE: cast(UseRow.space_id, Text),
        Dimension.PERSON: cast(UseRow.person, Text),
        Dimension.UNIT: cast(UseRow.unit, Text),
    }
    return columns[dimension]


def _entry(row: UseRow) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        use=Use(
            door=row.door,
            space_id=row.space_id,
            engine=row.engine,
            unit=Unit(row.unit),
            quantity=row.quantity,
            model=row.model,
            transcript_id=row.transcript_id,
            person=row.person,
            user_id=row.user_id,
            api_key_id=row.api_key_id,
            latency_ms=row.latency_ms,
        ),
        price=row.price,
        price_version=row.price_version,
        cost=row.cost,
    )


def _budget(row: BudgetRow, spent: Decimal) -> Budget:
    return Budget(
        id=row.id,
        space_id=row.space_id,
        api_key_id=row.api_key_id,
        period=Period(row.period),
        amount=row.amount,
        created_at=row.created_at,
        spent=spent,
    )
