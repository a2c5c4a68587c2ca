"""Listening over HTTP: the sound, how it looks, and who is heard when."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from tertulia.blobs.domain import BlobMissingError, BlobStore, RangeNotSatisfiableError
from tertulia.blobs.http import blob_response
from tertulia.identity.access import Access
from tertulia.identity.domain import Principal
from tertulia.identity.errors import MissingScopeError
from tertulia.kernel.errors import ForbiddenError, NotSignedInError
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems
from tertulia.transcripts.domain import READ
from tertulia.transcripts.errors import TranscriptMissingError
from tertulia.transcripts.protocol import SpeakerList, WaveformOut
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.waveform import MOST_POINTS

Id = Annotated[UUID, Path(alias="id")]
Points = Annotated[int, Query(ge=10, le=MOST_POINTS, description="How many at most.")]
KNOWN = (NotSignedInError, ForbiddenError, MissingScopeError, TranscriptMissingError)


def router(recordings: Recordings, access: Access, store: BlobStore) -> APIRouter:
    """What a player needs of `/api/transcripts/{id}`."""
    api = Router(prefix="/api/transcripts", tags=["transcripts"], route_class=TransactionRoute)
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type

    @api.get(
        "/{id}/audio",
        response_class=Response,
        summary="Listen to a conversation",
        responses={
            **problems(*KNOWN, BlobMissingError, RangeNotSatisfiableError),
            200: {"description": "The recording.", "content": {"audio/*": {}}},
        },
    )
    async def play_transcript(request: Request, tx: Tx, who: Reader, id_: Id) -> Response:
        """The recording, whole or in ranges."""
        blob = await recordings.audio(tx, list(who.roles), id_)
        return await blob_response(store, blob.ref, request.headers)

    @api.get(
        "/{id}/waveform",
        summary="See how a conversation sounds",
        responses=problems(*KNOWN, BlobMissingError),
    )
    async def get_waveform(tx: Tx, who: Reader, id_: Id, points: Points = 1_000) -> WaveformOut:
        """The loudest of each stretch of the recording, for a player to draw."""
        drawn = await recordings.waveform(tx, list(who.roles), id_)
        return WaveformOut.of(drawn, points)

    @api.get("/{id}/speakers", summary="See who is heard when", responses=problems(*KNOWN))
    async def list_speakers(tx: Tx, who: Reader, id_: Id) -> SpeakerList:
        """The speakers or channels, how much each says, and when."""
        return SpeakerList.of(await recordings.lanes(tx, list(who.roles), id_))

    return api
