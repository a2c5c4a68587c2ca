"""Saved searches and people over HTTP."""

from typing import Annotated
from uuid import UUID

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
from tertulia.kernel.http import Limit, Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems
from tertulia.transcripts.domain import READ, WRITE
from tertulia.transcripts.keeping_protocol import (
    MergedOut,
    PersonList,
    PersonMerge,
    PersonNaming,
    PersonOut,
    SavedSearchBody,
    SavedSearchList,
    SavedSearchOut,
    SavedSearchUpdate,
)
from tertulia.transcripts.saved import People, SavedSearches, SavedSearchMissingError

Id = Annotated[UUID, Path(alias="id")]
GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)


def router(saved: SavedSearches, people: People, access: Access) -> APIRouter:
    """`/api/search/saved` and `/api/people`."""
    api = Router(prefix="/api", tags=["transcripts"], route_class=TransactionRoute)
    _add_saved(api, saved, access)
    _add_people(api, people, access)
    return api


def _add_saved(api: APIRouter, saved: SavedSearches, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type

    @api.get("/search/saved", summary="List saved searches", responses=problems(*GUARDED))
    async def list_saved_searches(tx: Tx, who: Reader) -> SavedSearchList:
        """One's own, and those that others share in one's spaces."""
        found = await saved.list(tx, list(who.roles), who.person())
        return SavedSearchList(items=[SavedSearchOut.of(one) for one in found])

    @api.post(
        "/search/saved",
        status_code=201,
        summary="Save a search",
        responses=problems(*GUARDED, NotFoundError, ConflictError),
    )
    async def create_saved_search(tx: Tx, who: Reader, body: SavedSearchBody) -> SavedSearchOut:
        """Words and filters under a name."""
        made = await saved.create(
            tx,
            who.space(body.space_id),
            who.person(),
            name=body.name,
            words=body.q,
            filters=body.filters.row(),
            is_shared=body.is_shared,
        )
        return SavedSearchOut.of(made)

    @api.patch(
        "/search/saved/{id}",
        summary="Change a saved search",
        responses=problems(*GUARDED, SavedSearchMissingError),
    )
    async def update_saved_search(
        tx: Tx, who: Reader, id_: Id, body: SavedSearchUpdate
    ) -> SavedSearchOut:
        """Only one's own."""
        changed = await saved.update(
            tx,
            list(who.roles),
            who.person(),
            id_,
            name=body.name,
            words=body.q,
            filters=body.filters.row() if body.filters else None,
            is_shared=body.is_shared,
        )
        return SavedSearchOut.of(changed)

    @api.delete(
        "/search/saved/{id}",
        status_code=204,
        summary="Remove a saved search",
        responses=problems(*GUARDED, SavedSearchMissingError),
    )
    async def delete_saved_search(tx: Tx, who: Reader, id_: Id) -> None:
        """Only one's own."""
        await saved.delete(tx, list(who.roles), who.person(), id_)


def _add_people(api: APIRouter, people: People, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.get("/people", summary="List people", responses=problems(*GUARDED, NotFoundError))
    async def list_people(
        tx: Tx,
        who: Reader,
        space_id: UUID | None = None,
        q: Annotated[
            str | None, Query(max_length=200, description="Part of name or reference.")
        ] = None,
        limit: Limit = 50,
    ) -> PersonList:
        """The people whom references follow through one's spaces, those heard last first."""
        if space_id is not None:
            who.need_role(space_id)
        spaces = [space_id] if space_id else list(who.roles)
        found = await people.list(tx, spaces, q, limit)
        return PersonList(items=[PersonOut.of(person) for person in found])

    @api.put(
        "/people",
        status_code=204,
        summary="Name a person",
        responses=problems(*GUARDED, NotFoundError, InvalidRequestError),
    )
    async def name_person(tx: Tx, who: Writer, body: PersonNaming) -> None:
        """Says what the person behind a reference is called."""
        await people.name(tx, who.space(body.space_id), body.reference, body.name)

    @api.post(
        "/people/merge",
        summary="Merge two people",
        responses=problems(*GUARDED, NotFoundError, InvalidRequestError),
    )
    async def merge_people(tx: Tx, who: Writer, body: PersonMerge) -> MergedOut:
        """Two references turn out to be one person: all conversations of the one become the other's."""
        space_id = who.space(body.space_id)
        who.need_role(space_id, Role.ADMIN)
        merged = await people.merge(tx, space_id, body.reference, body.into)
        return MergedOut(conversations=merged)
