"""Search over HTTP: what was said anywhere, and all of it as a zip."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from tertulia.identity.access import Access
from tertulia.identity.errors import MissingScopeError
from tertulia.kernel.errors import ForbiddenError, NotFoundError, NotSignedInError
from tertulia.kernel.http import Cursor, Limit, Router, TransactionRoute, Tx
from tertulia.kernel.pages import Page, cut
from tertulia.kernel.problems import problems
from tertulia.transcripts.domain import Filter
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.filtering import filter_of
from tertulia.transcripts.protocol import FacetsOut, Format, HitOut
from tertulia.transcripts.searching import LONGEST_QUERY, HitPosition, Order
from tertulia.transcripts.searching import Query as SearchQuery
from tertulia.transcripts.service import TranscriptService

Words = Annotated[
    str,
    Query(
        max_length=LONGEST_QUERY,
        description='Words that must all be there; `"a phrase"`, `or`, `-without`, `begin*`. Nothing is a mistake.',
    ),
]
GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, NotFoundError)


def router(service: TranscriptService, exporter: Exporter, access: Access) -> APIRouter:
    """`/api/search`; only what is in the caller's own spaces is looked at."""
    api = Router(prefix="/api/search", tags=["transcripts"], route_class=TransactionRoute)
    Wanted = Annotated[Filter, Depends(filter_of(access))]  # noqa: N806 - a type

    @api.get("", summary="Search what was said", responses=problems(*GUARDED))
    async def search(
        tx: Tx,
        wanted: Wanted,
        q: Words = "",
        order: Order = Order.RANK,
        cursor: Cursor = None,
        limit: Limit = 20,
    ) -> Page[HitOut]:
        """The segments that hold the words, the best first or the latest first."""
        after = HitPosition.parse(cursor)
        hits = await service.search(
            tx, SearchQuery.parse(q), wanted, order=order, after=after, limit=limit
        )
        page, last = cut(hits, limit)
        return Page[HitOut](
            items=[HitOut.of(hit) for hit in page],
            next_cursor=HitPosition.of(last, order).cursor() if last else None,
        )

    @api.get("/facets", summary="Count what is found", responses=problems(*GUARDED))
    async def search_facets(tx: Tx, wanted: Wanted, q: Words = "") -> FacetsOut:
        """By kind, speaker, person, language, tag, engine and month; without words all that the filters leave."""
        return FacetsOut.of(await service.facets(tx, SearchQuery.parse(q), wanted))

    @api.get(
        "/export",
        response_class=Response,
        summary="Export what a search finds",
        responses={
            **problems(*GUARDED),
            200: {"description": "The files.", "content": {"application/zip": {}}},
        },
    )
    async def export_search(
        wanted: Wanted,
        q: Words = "",
        format: Format = "txt",  # noqa: A002 - the query's own word
        original: Annotated[
            bool, Query(description="As it was first written, without corrections.")
        ] = False,
    ) -> StreamingResponse:
        """A zip of every transcript in which something is found; without words of all that the filters leave."""
        archive = exporter.archive(SearchQuery.parse(q), wanted, format, original=original)
        name = {"Content-Disposition": 'attachment; filename="transcripts.zip"'}
        return StreamingResponse(archive, media_type="application/zip", headers=name)

    return api
