"""How long conversations are kept, and what is erased before: rules, people, receipts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from tertulia.identity.access import Access
from tertulia.identity.domain import Principal, Role
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.errors import (
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    NotSignedInError,
)
from tertulia.kernel.http import Cursor, Limit, Router, TransactionRoute, Tx
from tertulia.kernel.pages import Page, Position, cut
from tertulia.kernel.problems import problems
from tertulia.transcripts.domain import READ, WRITE
from tertulia.transcripts.erasing import Erasing, Keeping, ReceiptMissingError
from tertulia.transcripts.errors import TranscriptMissingError
from tertulia.transcripts.keeping_protocol import (
    ConversationsErasure,
    PersonErasure,
    ReceiptList,
    ReceiptOut,
    RetentionRule,
    RetentionRules,
)

Id = Annotated[UUID, Path(alias="id")]
GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)


def router(erasing: Erasing, keeping: Keeping, access: Access) -> APIRouter:
    """`/api/erasures`, and `/api/spaces/{id}/retention`."""
    api = Router(prefix="/api", tags=["erasure"], route_class=TransactionRoute)
    _add_rules(api, keeping, access)
    _add_erasing(api, erasing, access)
    _add_receipts(api, erasing, access)
    return api


def _add_rules(api: APIRouter, keeping: Keeping, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.get(
        "/spaces/{id}/retention",
        summary="See how long conversations are kept",
        responses=problems(*GUARDED, NotFoundError),
    )
    async def get_retention(tx: Tx, who: Reader, id_: Id) -> RetentionRules:
        """The rules of a space; without any everything is kept."""
        who.need_role(id_)
        found = await keeping.rules(tx, id_)
        return RetentionRules(rules=[RetentionRule.of(rule) for rule in found])

    @api.put(
        "/spaces/{id}/retention",
        summary="Say how long conversations are kept",
        responses=problems(*GUARDED, NotFoundError, InvalidRequestError),
    )
    async def put_retention(tx: Tx, who: Writer, id_: Id, body: RetentionRules) -> RetentionRules:
        """Takes the place of the rules before; a round every night goes by them."""
        who.need_role(id_, Role.ADMIN)
        found = await keeping.set_rules(tx, id_, [rule.rule(id_) for rule in body.rules])
        return RetentionRules(rules=[RetentionRule.of(rule) for rule in found])


def _add_erasing(api: APIRouter, erasing: Erasing, access: Access) -> None:
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.post(
        "/erasures/conversations",
        summary="Erase conversations",
        responses=problems(*GUARDED, TranscriptMissingError),
    )
    async def erase_conversations(tx: Tx, who: Writer, body: ConversationsErasure) -> ReceiptList:
        """With everything that hangs on them; all or, where one is not there, none."""
        made = await erasing.conversations(tx, list(who.roles), body.transcript_ids, who.user_id)
        return ReceiptList(items=[ReceiptOut.of(receipt) for receipt in made])

    @api.post(
        "/erasures/person",
        summary="Erase a person",
        responses=problems(*GUARDED, NotFoundError, InvalidRequestError),
    )
    async def erase_person(tx: Tx, who: Writer, body: PersonErasure) -> ReceiptOut:
        """All they said in a space, and the recordings in which they are heard; what others said stays."""
        space_id = who.space(body.space_id)
        who.need_role(space_id, Role.ADMIN)
        return ReceiptOut.of(await erasing.person(tx, space_id, body.person, who.user_id))


def _add_receipts(api: APIRouter, erasing: Erasing, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type

    @api.get("/erasures", summary="List receipts", responses=problems(*GUARDED))
    async def list_erasures(
        tx: Tx,
        who: Reader,
        person: Annotated[
            str | None, Query(max_length=200, description="Only this person's, of one page.")
        ] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[ReceiptOut]:
        """What was erased in one's spaces, the latest first."""
        rows = await erasing.receipts(tx, list(who.roles), Position.parse(cursor), limit)
        page, last = cut(rows, limit)
        return Page[ReceiptOut](
            items=[ReceiptOut.of(r) for r in page if person is None or r.is_of(person)],
            next_cursor=Position(last.erased_at, last.id).cursor() if last else None,
        )

    @api.get(
        "/erasures/{id}",
        summary="Look at a receipt",
        responses=problems(*GUARDED, ReceiptMissingError),
    )
    async def get_erasure(tx: Tx, who: Reader, id_: Id) -> ReceiptOut:
        """What went, and how much."""
        return ReceiptOut.of(await erasing.receipt(tx, list(who.roles), id_))
