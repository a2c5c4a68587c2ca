"""Live sessions over HTTP; the sound itself comes by the socket."""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from tertulia.doors.live import captions, protocol, socket
from tertulia.doors.live.domain import (
    LONGEST_LIMIT_SECONDS,
    MOST_CHUNK_BYTES,
    MOST_CHUNKS,
    SHORTEST_LIMIT_SECONDS,
    LiveFullError,
    SessionMissingError,
    Status,
    StreamingSession,
)
from tertulia.doors.live.formats import UnsupportedFormatError
from tertulia.doors.live.models import (
    LiveEngine,
    LiveLimits,
    LiveLog,
    LiveLogOut,
    LiveMetricsOut,
    LiveSessionCreate,
    LiveSessionCreated,
    LiveSessionOut,
    LiveSessionText,
    LiveSessionUpdate,
    LiveStatus,
    LiveToken,
    LiveTokenAsked,
)
from tertulia.doors.live.node import LiveNode, over
from tertulia.doors.live.service import LiveService
from tertulia.doors.live.tokens import TokenRole
from tertulia.doors.live.window import WINDOW_CHUNKS
from tertulia.identity.access import Access
from tertulia.identity.domain import SPEECH, Principal
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
from tertulia.ledger.domain import BudgetExceededError
from tertulia.speech.engines.errors import EngineUnavailableError
from tertulia.speech.service import EngineInfo, ModelNotFoundError

PREFIX = "/api/streaming"
GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)
ONE = (*GUARDED, SessionMissingError)
CREATION = (
    *GUARDED,
    NotFoundError,
    ModelNotFoundError,
    UnsupportedFormatError,
    InvalidRequestError,
    BudgetExceededError,
    LiveFullError,
    EngineUnavailableError,
)
MIME_TYPES = (
    "audio/pcm;rate=16000",
    "audio/opus",
    "audio/webm;codecs=opus",
    "audio/ogg;codecs=opus",
    "audio/wav",
)

Id = Annotated[UUID, Path(alias="id")]
Engines = Callable[[], Sequence[EngineInfo]]


def router(service: LiveService, node: LiveNode, access: Access, engines: Engines) -> APIRouter:
    """`/api/streaming`: making sessions and looking at one's own."""
    api = Router(prefix=PREFIX, tags=["live"], route_class=TransactionRoute)
    _add_list(api, service, node, access)
    _add_one(api, service, node, access)
    _add_inside(api, service, access)
    _add_status(api, service, node, access, engines)
    return api


def _token(node: LiveNode, session: StreamingSession, role: TokenRole) -> dict[str, str]:
    path = socket.PATH if role is TokenRole.SPEAKER else captions.PATH
    return {
        **node.token(session, role),
        "socket_path": f"{path}?session_id={session.session_id}",
    }


def _add_list(api: APIRouter, service: LiveService, node: LiveNode, access: Access) -> None:
    Speaker = Annotated[Principal, Depends(access.require(SPEECH))]  # noqa: N806 - a type

    @api.post(
        "/sessions",
        status_code=201,
        summary="Begin a live session",
        responses=problems(*CREATION),
    )
    async def create_live_session(
        tx: Tx, who: Speaker, body: LiveSessionCreate
    ) -> LiveSessionCreated:
        """Makes a session and its transcript; its socket is to be opened within 30 seconds."""
        session = await service.create(tx, who, body.wanted())
        out = LiveSessionOut.of(session).model_dump()
        return LiveSessionCreated(**out, **_token(node, session, TokenRole.SPEAKER))

    @api.get("/sessions", summary="List one's live sessions", responses=problems(*GUARDED))
    async def list_live_sessions(
        tx: Tx,
        who: Speaker,
        cursor: Cursor = None,
        limit: Limit = 50,
        status: Annotated[list[Status] | None, Query(description="Only in these states.")] = None,
        q: Annotated[str | None, Query(max_length=200, description="In the title.")] = None,
    ) -> Page[LiveSessionOut]:
        """The latest first."""
        rows = await service.list(
            tx, who, after=Position.parse(cursor), limit=limit, statuses=status or (), words=q
        )
        page, last = cut(rows, limit)
        return Page[LiveSessionOut](
            items=[LiveSessionOut.of(found) for found in page],
            next_cursor=Position(last.start_time, last.session_id).cursor() if last else None,
        )


def _add_one(api: APIRouter, service: LiveService, node: LiveNode, access: Access) -> None:
    Speaker = Annotated[Principal, Depends(access.require(SPEECH))]  # noqa: N806 - a type

    @api.get("/sessions/{id}", summary="Get a live session", responses=problems(*ONE))
    async def get_live_session(tx: Tx, who: Speaker, id_: Id) -> LiveSessionText:
        """With all that was confirmed, and what is being said just now."""
        return LiveSessionText.of(await service.get(tx, who, id_))

    @api.patch("/sessions/{id}", summary="Rename a live session", responses=problems(*ONE))
    async def update_live_session(
        tx: Tx, who: Speaker, id_: Id, body: LiveSessionUpdate
    ) -> LiveSessionOut:
        """Its transcript in the hall gets the title too."""
        return LiveSessionOut.of(await service.rename(tx, who, id_, body.title))

    @api.delete(
        "/sessions/{id}",
        status_code=204,
        summary="End or remove a live session",
        responses=problems(*ONE),
    )
    async def delete_live_session(tx: Tx, who: Speaker, id_: Id) -> Response:
        """Ends it and keeps its text; of one that is over only the record of it goes."""
        await service.delete(tx, who, id_)
        return Response(status_code=204)

    @api.post(
        "/sessions/{id}/token",
        summary="Get a token for a live session",
        responses=problems(*ONE, ConflictError),
    )
    async def create_live_token(
        tx: Tx, who: Speaker, id_: Id, body: LiveTokenAsked | None = None
    ) -> LiveToken:
        """For a browser that speaks, or for a screen that shows the captions."""
        session = await service.own(tx, who, id_)
        if session.status.is_over:
            raise over(session)
        return LiveToken.model_validate(_token(node, session, (body or LiveTokenAsked()).role))


def _add_inside(api: APIRouter, service: LiveService, access: Access) -> None:
    Speaker = Annotated[Principal, Depends(access.require(SPEECH))]  # noqa: N806 - a type

    @api.get("/sessions/{id}/metrics", summary="Measure a live session", responses=problems(*ONE))
    async def get_live_metrics(tx: Tx, who: Speaker, id_: Id) -> LiveMetricsOut:
        """The present measurements, or the aggregated ones of a session that is over."""
        return LiveMetricsOut.of(*await service.metrics(tx, who, id_))

    @api.get("/sessions/{id}/log", summary="Read a live session's log", responses=problems(*ONE))
    async def get_live_log(tx: Tx, who: Speaker, id_: Id) -> LiveLog:
        """What happened when, without anything that was said."""
        return LiveLog(items=[LiveLogOut.of(entry) for entry in await service.log(tx, who, id_)])


def _add_status(
    api: APIRouter, service: LiveService, node: LiveNode, access: Access, engines: Engines
) -> None:
    Speaker = Annotated[Principal, Depends(access.require(SPEECH))]  # noqa: N806 - a type

    @api.get("/status", summary="See how busy live is", responses=problems(*GUARDED))
    async def get_live_status(tx: Tx, who: Speaker) -> LiveStatus:
        """Sessions, capacity, engines and limits."""
        capacity, free = await service.capacity()
        waits = node.waits
        return LiveStatus(
            sessions=await service.going(tx),
            here=len(node),
            capacity=capacity,
            available=free,
            protocol=protocol.PROTOCOL,
            mime_types=list(MIME_TYPES),
            engines=[_engine(found) for found in engines() if found.kind == "live"],
            limits=LiveLimits(
                max_chunk_bytes=MOST_CHUNK_BYTES,
                max_chunks=MOST_CHUNKS,
                window_chunks=WINDOW_CHUNKS,
                idle_seconds=waits.idle,
                reconnect_seconds=waits.reconnect,
                connect_seconds=waits.connect,
                shortest_limit_seconds=SHORTEST_LIMIT_SECONDS,
                longest_limit_seconds=LONGEST_LIMIT_SECONDS,
            ),
        )


def _engine(found: EngineInfo) -> LiveEngine:
    able = found.capabilities
    return LiveEngine(
        name=found.name,
        languages=sorted(able.languages),
        streaming=able.streaming,
        diarisation=able.diarisation,
        hot_words=able.hot_words,
        detects_language=able.detects_language,
        needs_network=able.needs_network,
    )
