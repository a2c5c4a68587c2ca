"""Analyses over HTTP: asked for, followed, read, removed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from tertulia.analysis.domain import (
    RUN,
    AnalysisMissingError,
    AnalysisRunningError,
    NothingSaidError,
    Requester,
)
from tertulia.analysis.protocol import AnalysisOut, AnalysisRequest
from tertulia.analysis.service import AnalysisService
from tertulia.identity.access import Access
from tertulia.identity.domain import Principal
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.errors import ForbiddenError, NotSignedInError
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems
from tertulia.language.errors import ModelUnavailableError, UnknownModelError
from tertulia.transcripts.domain import READ, WRITE
from tertulia.transcripts.errors import TranscriptMissingError
from tertulia.transcripts.service import TranscriptService

Id = Annotated[UUID, Path(alias="id")]
GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)
KNOWN = (*GUARDED, TranscriptMissingError)


def router(service: AnalysisService, hall: TranscriptService, access: Access) -> APIRouter:
    """`/api/transcripts/{id}/analysis`; everybody in a space may read, and ask for, what is in it."""
    api = Router(
        prefix="/api/transcripts/{id}/analysis", tags=["analysis"], route_class=TransactionRoute
    )
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Runner = Annotated[Principal, Depends(access.require(RUN))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.get("", summary="Read an analysis", responses=problems(*KNOWN, AnalysisMissingError))
    async def read_analysis(tx: Tx, who: Reader, id_: Id) -> AnalysisOut:
        """What was found, or how far the looking is. Events of the transcript tell when it changes."""
        transcript = await hall.get(tx, list(who.roles), id_)
        return AnalysisOut.of(await service.get(tx, list(who.roles), id_), transcript.version)

    @api.post(
        "",
        status_code=202,
        summary="Have a transcript analysed",
        responses=problems(
            *KNOWN,
            AnalysisRunningError,
            NothingSaidError,
            UnknownModelError,
            ModelUnavailableError,
        ),
    )
    async def request_analysis(tx: Tx, who: Runner, id_: Id, body: AnalysisRequest) -> AnalysisOut:
        """Has it read by a job; again after a failure or a change, or only some fields of it."""
        transcript = await hall.get(tx, list(who.roles), id_)
        asked = await service.request(
            tx,
            list(who.roles),
            id_,
            fields=[str(f) for f in body.fields] if body.fields else None,
            chain=body.chain,
            requester=Requester(who.user_id, who.key_id),
        )
        return AnalysisOut.of(asked, transcript.version)

    @api.delete(
        "",
        status_code=204,
        summary="Remove an analysis",
        responses=problems(*KNOWN, AnalysisMissingError),
    )
    async def delete_analysis(tx: Tx, who: Writer, id_: Id) -> None:
        """The transcript stays; one that is being made is stopped."""
        await service.delete(tx, list(who.roles), id_)

    return api
