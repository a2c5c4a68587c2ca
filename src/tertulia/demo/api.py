"""The demo over HTTP: made and removed with one request each."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from tertulia.demo.domain import scripts
from tertulia.demo.service import Demo
from tertulia.identity.access import Access
from tertulia.identity.domain import Principal
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.errors import ForbiddenError, NotFoundError, NotSignedInError
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems
from tertulia.transcripts.domain import READ, WRITE, Transcript

GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError, NotFoundError)
SpaceId = Annotated[UUID | None, Query(description="The caller's active one without it.")]


class DemoOut(BaseModel):
    """The demo of one space."""

    conversations: int = Field(description="How many there are of it; 0 where there is no demo.")
    of: int = Field(description="How many there are when it is whole.")
    transcripts: list[UUID]

    @classmethod
    def made(cls, found: list[Transcript]) -> Self:
        ids = [one.id for one in found]
        return cls(conversations=len(ids), of=len(scripts()), transcripts=ids)


def router(demo: Demo, access: Access) -> APIRouter:
    """`/api/demo`; whoever may add to a space may also show it with a demo."""
    api = Router(prefix="/api/demo", tags=["demo"], route_class=TransactionRoute)
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.get("", summary="See whether there is a demo", responses=problems(*GUARDED))
    async def get_demo(tx: Tx, who: Reader, space_id: SpaceId = None) -> DemoOut:
        """The scripted conversations of a space."""
        return DemoOut.made(await demo.there(tx, who.space(space_id)))

    @api.post("", status_code=202, summary="Make a demo", responses=problems(*GUARDED))
    async def make_demo(tx: Tx, who: Writer, space_id: SpaceId = None) -> DemoOut:
        """A few conversations in three languages, with sound and analyses, come within a minute; once more adds nothing."""
        space = who.space(space_id)
        await demo.begin(tx, space, by=who.user_id)
        return DemoOut.made(await demo.there(tx, space))

    @api.delete("", status_code=204, summary="Remove the demo", responses=problems(*GUARDED))
    async def remove_demo(tx: Tx, who: Writer, space_id: SpaceId = None) -> None:
        """Removes what the demo made and nothing else."""
        await demo.remove(tx, who.space(space_id))

    return api
