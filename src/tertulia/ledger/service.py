"""The ledger: writes down every use, adds them up, and says when the money is gone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import ConflictError, InvalidRequestError
from tertulia.kernel.ids import new_id
from tertulia.kernel.pages import Position
from tertulia.ledger.domain import (
    Asked,
    Budget,
    BudgetExceededError,
    BudgetMissingError,
    Dimension,
    Entry,
    Period,
    Prices,
    Spender,
    Total,
    Use,
)
from tertulia.ledger.store import LedgerStore

MOST_BUDGETS = 100


class Ledger:
    """What was used, what it cost, and what may still be spent."""

    def __init__(
        self, clock: Clock, prices: Prices, *, cheaper: Mapping[str, str], currency: str
    ) -> None:
        self._store = LedgerStore()
        self._clock = clock
        self._cheaper = dict(cheaper)
        self.prices = prices
        self.currency = currency

    async def record(self, tx: Transaction, *uses: Use) -> None:
        """Writes uses down at today's prices, in the transaction that keeps what they brought."""
        now = self._clock.now()
        if uses:
            await self._store.add(tx, [self._priced(use, now) for use in uses])

    def _priced(self, use: Use, now: datetime) -> Entry:
        price = self.prices.of(use.engine, use.model, use.unit)
        cost = None if price is None else price * Decimal(str(use.quantity))
        return Entry(new_id(), now, use, price, self.prices.version, cost)

    async def allowed(self, tx: Transaction, spender: Spender, engine: str) -> str:
        """The engine to use: the one asked for, or the cheaper one when the budget is used up.

        Of a chain (`gladia,whisper`) what costs nothing remains.
        """
        chain = [name.strip() for name in engine.split(",") if name.strip()]
        if all(self.prices.free(name) for name in chain):
            return engine
        spent = [b for b in await self._budgets_of(tx, spender) if b.used_up]
        if not spent:
            return engine
        free = [found for name in chain if (found := self._free_instead(name))]
        if free:
            return ",".join(dict.fromkeys(free))
        raise self._exceeded(spent[0], engine)

    def _free_instead(self, engine: str) -> str | None:
        """`engine` or the first that is configured to stand in for it and costs nothing."""
        seen: set[str] = set()
        name: str | None = engine
        while name is not None and name not in seen:
            if self.prices.free(name):
                return name
            seen.add(name)
            name = self._cheaper.get(name)
        return None

    def _exceeded(self, budget: Budget, engine: str) -> BudgetExceededError:
        whose = "of this API key" if budget.api_key_id else "of this space"
        return BudgetExceededError(
            f"The {budget.period}'s budget {whose} ({budget.amount} {self.currency}) is used up, and `{engine}` costs money. "
            "Raise the budget, wait for the next period, or name a free engine in TERTULIA_CHEAPER_ENGINES.",
            budget_id=str(budget.id),
        )

    async def _budgets_of(self, tx: Transaction, spender: Spender) -> list[Budget]:
        return [
            budget
            for budget in await self.budgets(tx, [spender.space_id])
            if budget.api_key_id in (None, spender.api_key_id)
        ]

    async def entries(
        self, tx: Transaction, asked: Asked, after: Position | None, limit: int
    ) -> list[Entry]:
        """Single uses, the latest first; one more than `limit` when there are more."""
        return await self._store.entries(tx, asked, after, limit + 1)

    async def totals(
        self, tx: Transaction, asked: Asked, by: Sequence[Dimension], timezone: str = "UTC"
    ) -> list[Total]:
        """Uses added up; days begin at midnight of `timezone`."""
        return await self._store.totals(tx, asked, by, timezone)

    async def budgets(self, tx: Transaction, spaces: Sequence[UUID]) -> list[Budget]:
        """The budgets of spaces and of their keys, with what is spent."""
        now = self._clock.now().astimezone(UTC)
        return await self._store.budgets(tx, spaces, {p: p.began(now) for p in Period})

    async def set_budget(
        self,
        tx: Transaction,
        space_id: UUID,
        api_key_id: UUID | None,
        period: Period,
        amount: Decimal,
    ) -> Budget:
        """One budget for a space or key and period."""
        if len(await self.budgets(tx, [space_id])) >= MOST_BUDGETS:
            raise InvalidRequestError(
                f"A space has at most {MOST_BUDGETS} budgets. Remove one first."
            )
        budget = Budget(new_id(), space_id, api_key_id, period, amount, self._clock.now())
        try:
            await self._store.put_budget(tx, budget)
        except IntegrityError as error:
            if "fk_budgets_api_key_id" in str(error.orig):
                raise InvalidRequestError(
                    "There is no such API key. Take its id from the list of keys."
                ) from None
            raise ConflictError(
                "There is a budget for this already. Change its amount instead."
            ) from None
        return await self.budget(tx, budget)

    async def budget(self, tx: Transaction, budget: Budget) -> Budget:
        """`budget` with what is spent of it."""
        found = [b for b in await self.budgets(tx, [budget.space_id]) if b.id == budget.id]
        return found[0] if found else replace(budget)

    async def space_of(self, tx: Transaction, id_: UUID) -> UUID:
        """The space a budget belongs to."""
        space_id = await self._store.budget_space(tx, id_)
        if space_id is None:
            raise BudgetMissingError
        return space_id

    async def change_budget(self, tx: Transaction, id_: UUID, amount: Decimal) -> Budget:
        space_id = await self.space_of(tx, id_)
        await self._store.change_budget(tx, id_, amount)
        return next(b for b in await self.budgets(tx, [space_id]) if b.id == id_)

    async def remove_budget(self, tx: Transaction, id_: UUID) -> None:
        await self._store.remove_budget(tx, id_)

    async def forget_transcripts(self, tx: Transaction, ids: Sequence[UUID]) -> int:
        """Cuts uses loose from conversations that are being erased; the sums stay."""
        return await self._store.forget_transcripts(tx, ids)

    async def forget_person(self, tx: Transaction, space_id: UUID, person: str) -> int:
        """Cuts uses loose from somebody who is being erased."""
        return await self._store.forget_person(tx, space_id, person)
