"""Search by meaning over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from tertulia.identity.access import Access
from tertulia.identity.domain import Principal
from tertulia.identity.errors import MissingScopeError
from tertulia.kernel.errors import ForbiddenError, NotFoundError, NotSignedInError
from tertulia.kernel.http import Limit, Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems
from tertulia.ledger.domain import BudgetExceededError
from tertulia.transcripts.domain import READ, Filter
from tertulia.transcripts.filtering import filter_of
from tertulia.transcripts.meaning import Meaning, MeaningUnavailableError
from tertulia.transcripts.protocol import HitOut
from tertulia.transcripts.searching import LONGEST_QUERY

GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, NotFoundError)
Words = Annotated[str, Query(max_length=LONGEST_QUERY, description="What it is about.")]


class SearchOptions(BaseModel):
    """How can be searched here."""

    meaning: bool = Field(description="Whether search by meaning works.")
    reason: str | None = Field(description="What it lacks, where it does not.")


class NearList(BaseModel):
    """Passages by how near they are; `rank` is from 0 to 1."""

    items: list[HitOut]


def router(meaning: Meaning, access: Access) -> APIRouter:
    """`/api/search/meaning` and `/api/search/options`."""
    api = Router(prefix="/api/search", tags=["transcripts"], route_class=TransactionRoute)
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Wanted = Annotated[Filter, Depends(filter_of(access))]  # noqa: N806 - a type

    @api.get("/options", summary="See how can be searched", responses=problems(*GUARDED))
    async def search_options(tx: Tx, _: Reader) -> SearchOptions:
        """Whether there is search by meaning, and what it lacks."""
        missing = await meaning.missing(tx)
        return SearchOptions(meaning=missing is None, reason=missing)

    @api.get(
        "/meaning",
        summary="Search by meaning",
        responses=problems(*GUARDED, MeaningUnavailableError, BudgetExceededError),
    )
    async def search_by_meaning(
        tx: Tx, wanted: Wanted, q: Words = "", limit: Limit = 20
    ) -> NearList:
        """The passages that mean something near to what is asked, whatever their words; only of final conversations."""
        hits = await meaning.search(tx, q, wanted, limit)
        return NearList(items=[HitOut.of(hit) for hit in hits])

    return api
