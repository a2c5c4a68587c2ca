"""Readings over HTTP: another engine's text beside the current one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from tertulia.blobs.domain import BlobMissingError
from tertulia.identity.access import Access
from tertulia.identity.domain import Principal
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.errors import ForbiddenError, NotSignedInError
from tertulia.kernel.http import Cursor, Limit, Router, TransactionRoute, Tx
from tertulia.kernel.pages import Page, cut
from tertulia.kernel.problems import problems
from tertulia.transcripts.cursors import SegmentPosition
from tertulia.transcripts.domain import READ, WRITE
from tertulia.transcripts.errors import (
    ReadingInUseError,
    ReadingMissingError,
    ReadingUnfinishedError,
    SegmentNotFinalError,
    TranscriptMissingError,
    TranscriptOutdatedError,
)
from tertulia.transcripts.protocol import SegmentOut, TranscriptOut
from tertulia.transcripts.readings import Readings
from tertulia.transcripts.readings_protocol import (
    DifferenceOut,
    ReadingAsk,
    ReadingChoice,
    ReadingList,
    ReadingOut,
)

Id = Annotated[UUID, Path(alias="id")]
Number = Annotated[int, Path(ge=1, le=1_000_000)]
KNOWN = (
    NotSignedInError,
    ForbiddenError,
    MissingScopeError,
    CrossSiteError,
    TranscriptMissingError,
)
SHOWN = (*KNOWN, ReadingMissingError, ReadingUnfinishedError)


def router(readings: Readings, access: Access) -> APIRouter:
    """`/api/transcripts/{id}/readings`."""
    api = Router(
        prefix="/api/transcripts/{id}/readings",
        tags=["transcripts"],
        route_class=TransactionRoute,
    )
    _add_reading(api, readings, access)
    _add_choosing(api, readings, access)
    return api


def _add_reading(api: APIRouter, readings: Readings, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type

    @api.get("", summary="List the readings of a conversation", responses=problems(*KNOWN))
    async def list_readings(tx: Tx, who: Reader, id_: Id) -> ReadingList:
        """What its door heard, and what other engines made of its recording."""
        found = await readings.list(tx, list(who.roles), id_)
        return ReadingList(items=[ReadingOut.of(reading) for reading in found])

    @api.get("/{number}/segments", summary="Read one reading", responses=problems(*SHOWN))
    async def list_reading_segments(
        tx: Tx, who: Reader, id_: Id, number: Number, cursor: Cursor = None, limit: Limit = 200
    ) -> Page[SegmentOut]:
        """Its text, in order."""
        after = SegmentPosition.parse(cursor)
        place = after.place if after else None
        found = await readings.segments(tx, list(who.roles), id_, number, place, limit)
        page, last = cut(found, limit)
        return Page[SegmentOut](
            items=[SegmentOut.of(segment) for segment in page],
            next_cursor=SegmentPosition(last.start, last.utterance_id).cursor() if last else None,
        )

    @api.get("/{number}/difference", summary="Compare two readings", responses=problems(*SHOWN))
    async def compare_readings(
        tx: Tx,
        who: Reader,
        id_: Id,
        number: Number,
        against: Annotated[
            int | None, Query(ge=1, description="Another reading; the current one without it.")
        ] = None,
    ) -> DifferenceOut:
        """Where this reading says something else, word by word."""
        found = await readings.difference(tx, list(who.roles), id_, number, against)
        return DifferenceOut.of(found)


def _add_choosing(api: APIRouter, readings: Readings, access: Access) -> None:
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.post(
        "",
        status_code=202,
        summary="Read a conversation again",
        responses=problems(*KNOWN, BlobMissingError, SegmentNotFinalError),
    )
    async def create_reading(tx: Tx, who: Writer, id_: Id, body: ReadingAsk) -> ReadingOut:
        """Has its recording read by another engine, in the background; the current text stays."""
        asked = await readings.ask(tx, list(who.roles), id_, body.wishes(), who.user_id)
        return ReadingOut.of(asked)

    @api.post(
        "/{number}/choose",
        summary="Choose a reading",
        responses=problems(*SHOWN, TranscriptOutdatedError),
    )
    async def choose_reading(
        tx: Tx, who: Writer, id_: Id, number: Number, body: ReadingChoice
    ) -> TranscriptOut:
        """Makes it what is searched, corrected, exported and analysed; the one before is kept with its corrections."""
        chosen = await readings.choose(tx, list(who.roles), id_, number, body.version)
        return TranscriptOut.of(chosen)

    @api.delete(
        "/{number}",
        status_code=204,
        summary="Remove a reading",
        responses=problems(*KNOWN, ReadingMissingError, ReadingInUseError),
    )
    async def delete_reading(tx: Tx, who: Writer, id_: Id, number: Number) -> None:
        """Removes one that is not the current one."""
        await readings.delete(tx, list(who.roles), id_, number)
