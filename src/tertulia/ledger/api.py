"""Usage, prices and budgets over HTTP."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Path, Query

from tertulia.identity.access import Access
from tertulia.identity.domain import Principal, Role
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    NotSignedInError,
)
from tertulia.kernel.http import Cursor, Limit, Router, TransactionRoute, Tx
from tertulia.kernel.pages import Page, Position, cut
from tertulia.kernel.problems import problems
from tertulia.ledger.domain import READ, WRITE, Asked, BudgetMissingError, Dimension
from tertulia.ledger.protocol import (
    BudgetCreate,
    BudgetList,
    BudgetOut,
    BudgetUpdate,
    PricesOut,
    TotalOut,
    TotalsOut,
    UseOut,
)
from tertulia.ledger.service import Ledger

Id = Annotated[UUID, Path(alias="id")]

GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)
MOST_DIMENSIONS = 3


def router(ledger: Ledger, access: Access) -> APIRouter:
    """`/api/usage` and `/api/budgets`; members see what their spaces used, admins set what they may spend."""
    api = Router(prefix="/api", tags=["usage"], route_class=TransactionRoute)
    _add_usage(api, ledger, access)
    _add_budgets(api, ledger, access)
    return api


def _asked(access: Access) -> Callable[..., Any]:
    """Makes the dependency that reads the filters every list of uses takes."""
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type

    async def asked(
        who: Reader,
        space_id: Annotated[
            UUID | None, Query(description="Only this space; else every space one is in.")
        ] = None,
        since: Annotated[datetime | None, Query(description="From this moment on.")] = None,
        until: Annotated[datetime | None, Query(description="Before this moment.")] = None,
        door: Annotated[str | None, Query(max_length=100)] = None,
        engine: Annotated[str | None, Query(max_length=100)] = None,
        api_key_id: UUID | None = None,
        person: Annotated[str | None, Query(max_length=300)] = None,
    ) -> Asked:
        for moment in (since, until):
            if moment is not None and moment.tzinfo is None:
                raise InvalidRequestError("A moment needs its time zone, such as a Z at its end.")
        for words in (door, engine, person):
            if words is not None and "\x00" in words:
                raise InvalidRequestError("A filter may not hold a zero character. Leave it out.")
        if space_id is not None:
            who.need_role(space_id)
        spaces = (space_id,) if space_id is not None else tuple(who.roles)
        return Asked(spaces, since, until, door, engine, api_key_id, person)

    return asked


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequestError(
            "There is no such time zone. Give one as Europe/Madrid."
        ) from None
    return name


def _add_usage(api: APIRouter, ledger: Ledger, access: Access) -> None:
    Wanted = Annotated[Asked, Depends(_asked(access))]  # noqa: N806 - a type
    filtered = problems(*GUARDED, NotFoundError, InvalidRequestError)

    @api.get("/usage", summary="Add up what was used", responses=filtered)
    async def get_usage(
        tx: Tx,
        wanted: Wanted,
        by: Annotated[
            list[Dimension],
            Query(max_length=MOST_DIMENSIONS, description="What to add up by; repeat for several."),
        ] = [Dimension.DAY],  # noqa: B006 - FastAPI copies it
        timezone: Annotated[
            str, Query(max_length=60, description="Whose midnight begins a day.")
        ] = "UTC",
    ) -> TotalsOut:
        """Sums by day, door, engine, key, space or person; seconds, tokens and characters stay apart."""
        totals = await ledger.totals(tx, wanted, list(dict.fromkeys(by)), _zone(timezone))
        return TotalsOut(currency=ledger.currency, items=[TotalOut.of(t) for t in totals])

    @api.get("/usage/entries", summary="List single uses", responses=filtered)
    async def list_uses(
        tx: Tx,
        wanted: Wanted,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[UseOut]:
        """The latest first, each with the price it was counted at."""
        rows = await ledger.entries(tx, wanted, Position.parse(cursor), limit)
        page, last = cut(rows, limit)
        return Page[UseOut](
            items=[UseOut.of(entry) for entry in page],
            next_cursor=Position(last.at, last.id).cursor() if last else None,
        )

    @api.get(
        "/usage/prices",
        summary="What do engines cost?",
        dependencies=[Depends(access.require(READ))],
        responses=problems(*GUARDED),
    )
    async def get_prices() -> PricesOut:
        """The prices of the settings; engines of the server itself are free unless listed."""
        return PricesOut.of(ledger.prices, ledger.currency)


def _add_budgets(api: APIRouter, ledger: Ledger, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type
    known = (*GUARDED, BudgetMissingError)

    async def needed(tx: Tx, who: Principal, id_: UUID) -> None:
        space_id = await ledger.space_of(tx, id_)
        if not who.in_space(space_id):
            raise BudgetMissingError
        who.need_role(space_id, Role.ADMIN)

    @api.get("/budgets", summary="List budgets", responses=problems(*GUARDED))
    async def list_budgets(tx: Tx, who: Reader) -> BudgetList:
        """Those of one's spaces, with what is spent of each."""
        found = await ledger.budgets(tx, list(who.roles))
        return BudgetList(items=[BudgetOut.of(b, ledger.currency) for b in found])

    @api.post(
        "/budgets",
        status_code=201,
        summary="Set a budget",
        responses=problems(*GUARDED, NotFoundError, ConflictError, InvalidRequestError),
    )
    async def create_budget(tx: Tx, who: Writer, body: BudgetCreate) -> BudgetOut:
        """Once it is used up, engines that cost money are replaced by free ones, or refused."""
        space_id = who.space(body.space_id)
        who.need_role(space_id, Role.ADMIN)
        made = await ledger.set_budget(tx, space_id, body.api_key_id, body.period, body.amount)
        return BudgetOut.of(made, ledger.currency)

    @api.patch("/budgets/{id}", summary="Change a budget", responses=problems(*known))
    async def update_budget(tx: Tx, who: Writer, id_: Id, body: BudgetUpdate) -> BudgetOut:
        """Counts from now on; what is spent stays spent."""
        await needed(tx, who, id_)
        return BudgetOut.of(await ledger.change_budget(tx, id_, body.amount), ledger.currency)

    @api.delete(
        "/budgets/{id}", status_code=204, summary="Remove a budget", responses=problems(*known)
    )
    async def delete_budget(tx: Tx, who: Writer, id_: Id) -> None:
        """Spending is no longer bounded by it."""
        await needed(tx, who, id_)
        await ledger.remove_budget(tx, id_)
