"""The voice door over HTTP: `POST /audio`, `POST /text`, and the turns that were answered."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute

from tertulia.blobs.domain import BlobMissingError, BlobStore
from tertulia.blobs.http import blob_response
from tertulia.bots.api import rights_of
from tertulia.bots.domain import BotMissingError
from tertulia.doors.voice import events
from tertulia.doors.voice.domain import (
    READ,
    WRITE,
    AudioSession,
    AudioSessionMissingError,
    Caller,
    CorrIdTakenError,
    HearingError,
    LinkExpiredError,
    NoSpokenAnswerError,
    ProviderTimeoutError,
    SessionFilter,
    StorageError,
    ThinkingError,
    VoiceAsked,
)
from tertulia.doors.voice.protocol import (
    AudioSessionOut,
    FiguresOut,
    Link,
    Question,
    TextQuestion,
    TurnOut,
)
from tertulia.doors.voice.service import Answered, VoiceService
from tertulia.identity.access import Access
from tertulia.identity.domain import Principal
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import (
    ForbiddenError,
    MalformedRequestError,
    NotFoundError,
    NotSignedInError,
    PayloadTooLargeError,
    RateLimitedError,
    TertuliaError,
    UnsupportedMediaError,
)
from tertulia.kernel.http import (
    Limit,
    Offset,
    Router,
    TransactionRoute,
    Tx,
    correlation_id,
    explain_validation,
    problem_response,
)
from tertulia.kernel.ids import new_id
from tertulia.kernel.pages import OffsetPage
from tertulia.kernel.problems import Problem, problems
from tertulia.ledger.domain import BudgetExceededError
from tertulia.speech.decoding.errors import AudioUnreadableError
from tertulia.speech.encoding import AudioFormat
from tertulia.speech.upload import Upload, uploaded, while_connected

CLIENT_GONE = 499
UNPROCESSABLE, BAD = 422, 400
_NO_BUFFERING = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Id = Annotated[UUID, Path(alias="id")]
GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)
FAILURES = (
    *GUARDED,
    MalformedRequestError,
    BotMissingError,
    BudgetExceededError,
    CorrIdTakenError,
    PayloadTooLargeError,
    UnsupportedMediaError,
    AudioUnreadableError,
    RateLimitedError,
    HearingError,
    ThinkingError,
    StorageError,
    ProviderTimeoutError,
)


class VoiceRoute(APIRoute):
    """This door's own table says 400 where the rest of the server says 422."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def in_its_words(request: Request) -> Response:
            try:
                return await handle(request)
            except (TertuliaError, RequestValidationError) as raised:
                error = raised if isinstance(raised, TertuliaError) else explain_validation(raised)
                if int(error.status) != UNPROCESSABLE:
                    raise
                document = {**error.problem(correlation_id.get()), "status": BAD}
                answer = problem_response(error)
                headers = {k: v for k, v in answer.headers.items() if k != "content-length"}
                return JSONResponse(document, BAD, headers)

        return in_its_words


class Links:
    """Links to spoken answers, which work by themselves for a while."""

    def __init__(self, clock: Clock, *, public_url: str, seconds: float) -> None:
        self._clock = clock
        self._root = public_url.rstrip("/")
        self._seconds = seconds

    def of(self, session: AudioSession) -> Link | None:
        if not session.tts_available:
            return None
        expires = int(self._clock.now().timestamp() + self._seconds)
        query = urlencode({"expires": expires, "signature": session.signature(expires)})
        path = f"/api/audio-sessions/{session.id}/audio"
        return Link(
            url=f"{self._root}{path}?{query}", expires_at=datetime.fromtimestamp(expires, UTC)
        )


def router(
    service: VoiceService,
    access: Access,
    store: BlobStore,
    clock: Clock,
    links: Links,
    *,
    max_audio_bytes: int,
) -> APIRouter:
    """Everything of this door."""
    whole = Router(route_class=TransactionRoute)
    whole.include_router(_asking(service, access, links, max_audio_bytes))
    whole.include_router(_looking(service, access, store, clock, links))
    return whole


def _asking(service: VoiceService, access: Access, links: Links, max_audio_bytes: int) -> APIRouter:
    routes = Router(tags=["voice"], route_class=VoiceRoute)
    asker = _Asker(service, links)
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    # The form is read inside, after the caller is known: nobody else's audio is received.
    @routes.post(
        "/audio",
        summary="Ask a bot with a recording",
        response_model=TurnOut,
        openapi_extra=_FORM,
        responses={**_answers(), **problems(*FAILURES)},
    )
    async def ask_by_voice(request: Request, who: Writer) -> Response:
        """Hears, thinks and speaks. With `Accept: text/event-stream` everything is told while it happens."""
        async with AsyncExitStack() as stack:
            upload = await stack.enter_async_context(uploaded(request, max_audio_bytes))
            form = upload.form(Question)
            asked = _asked(who, form, upload, _type(upload))
            return await asker.answer(request, asked, stack)

    @routes.post(
        "/text",
        summary="Ask a bot in writing",
        response_model=TurnOut,
        responses={**_answers(), **problems(*FAILURES)},
    )
    async def ask_in_writing(
        request: Request, who: Writer, body: Annotated[TextQuestion, Body()]
    ) -> Response:
        """The same without a recording: thinks and, unless told not to, speaks."""
        async with AsyncExitStack() as stack:
            asked = _asked(who, body, None, "text/plain", body.text)
            return await asker.answer(request, asked, stack)

    return routes


class _Asker:
    """Runs a question to its answer, as JSON or as events."""

    def __init__(self, service: VoiceService, links: Links) -> None:
        self._service = service
        self._links = links

    async def answer(self, request: Request, asked: VoiceAsked, stack: AsyncExitStack) -> Response:
        if events.EVENTS in request.headers.get("accept", ""):
            # the upload must outlive this function: the answer is made from it while it is sent
            told = self._told(asked, stack.pop_all())
            first = await anext(told)
            return StreamingResponse(
                _with(first, told), media_type=events.EVENTS, headers=_NO_BUFFERING
            )
        answered = await while_connected(request, self._whole(asked))
        if answered is None:
            return Response(status_code=CLIENT_GONE)
        return self._json(answered.session)

    async def _whole(self, asked: VoiceAsked) -> Answered:
        async with aclosing(cast(Any, self._service.answer(asked))) as told:
            async for event in told:
                if isinstance(event, Answered):
                    return event
        raise TertuliaError("The turn ended without an answer. The server's log names it.")

    async def _told(self, asked: VoiceAsked, stack: AsyncExitStack) -> AsyncIterator[bytes]:
        """The turn as it happens. What fails before it has begun is answered with its own status."""
        begun = False
        async with stack, aclosing(cast(Any, self._service.answer(asked))) as told:
            try:
                async for event in told:
                    if isinstance(event, Answered):
                        yield events.done(self._out(event.session).model_dump(mode="json"))
                    else:
                        yield events.written(event)
                    begun = True
            except TertuliaError as error:
                if not begun:
                    raise
                yield events.failed(error, asked.corr_id)

    def _out(self, session: AudioSession) -> TurnOut:
        return TurnOut.of(session, self._links.of(session))

    def _json(self, session: AudioSession) -> Response:
        headers = {"Cache-Control": "no-store"}
        if session.outcome_detail:
            headers["X-Outcome-Detail"] = session.outcome_detail
        return JSONResponse(self._out(session).model_dump(mode="json"), headers=headers)


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(cast(Any, rest)):
        yield first
        async for data in rest:
            yield data


def _asked(
    who: Principal, form: Question, upload: Upload | None, mime_type: str, text: str | None = None
) -> VoiceAsked:
    space_id = who.space(form.space_id)
    corr_id = form.corr_id or correlation_id.get() or str(new_id())
    caller = Caller(
        space_id=space_id,
        api_key_id=str(who.key_id) if who.key_id else who.label,
        rights=rights_of(who, space_id),
        user_id=who.user_id,
        key_id=who.key_id,
    )
    return VoiceAsked(
        caller=caller,
        corr_id=corr_id,
        audio=upload.source if upload else None,
        text=text,
        mime_type=mime_type,
        bot=form.bot,
        language=form.language,
        voice=form.voice,
        user_external_id=form.user_external_id,
        conversation_id=form.conversation_id,
        meta=form.meta,
        speak=form.speak,
        audio_format=AudioFormat(form.format),
    )


def _type(upload: Upload) -> str:
    """What the client says it sent; what it is, the decoder finds out."""
    return upload.content_type[:200] or "application/octet-stream"


def _looking(
    service: VoiceService, access: Access, store: BlobStore, clock: Clock, links: Links
) -> APIRouter:
    routes = Router(prefix="/api/audio-sessions", tags=["voice"], route_class=TransactionRoute)
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type
    Wanted = Annotated[SessionFilter, Depends(_filter_of(access))]  # noqa: N806 - a type

    @routes.get("", summary="List the turns", responses=problems(*GUARDED, NotFoundError))
    async def list_audio_sessions(
        tx: Tx, wanted: Wanted, limit: Limit = 50, offset: Offset = 0
    ) -> OffsetPage[AudioSessionOut]:
        """The newest first: all of one's spaces, or by user, by key, by bot, by tag."""
        found = await service.list(tx, wanted, limit, offset)
        items = [AudioSessionOut.of(session, links.of(session)) for session in found]
        return OffsetPage[AudioSessionOut](items=items, limit=limit, offset=offset)

    @routes.get("/figures", summary="Count the turns", responses=problems(*GUARDED, NotFoundError))
    async def audio_session_figures(
        tx: Tx,
        wanted: Wanted,
        days: Annotated[int, Query(ge=1, le=366, description="How far back.")] = 30,
    ) -> FiguresOut:
        """Times by stage and provider, turns by day, and how they ended."""
        return FiguresOut.of(await service.figures(tx, wanted, days))

    @routes.get(
        "/{id}",
        summary="Look at a turn",
        responses=problems(*GUARDED, AudioSessionMissingError),
    )
    async def get_audio_session(tx: Tx, who: Reader, id_: Id) -> AudioSessionOut:
        """The turn with a fresh link to its spoken answer."""
        found = await service.get(tx, list(who.roles), id_)
        return AudioSessionOut.of(found, links.of(found))

    @routes.delete(
        "/{id}",
        status_code=204,
        summary="Remove a turn",
        responses=problems(*GUARDED, AudioSessionMissingError),
    )
    async def delete_audio_session(tx: Tx, who: Writer, id_: Id) -> None:
        """Removes it with its sound and its transcript."""
        await service.delete(tx, list(who.roles), id_)

    _add_sound(routes, service, access, store, clock)
    return routes


def _add_sound(
    routes: APIRouter, service: VoiceService, access: Access, store: BlobStore, clock: Clock
) -> None:
    @routes.get(
        "/{id}/audio",
        response_class=Response,
        summary="Listen to a turn",
        responses={
            **problems(
                *GUARDED,
                AudioSessionMissingError,
                NoSpokenAnswerError,
                BlobMissingError,
                LinkExpiredError,
            ),
            200: {"description": "The sound.", "content": {"audio/*": {}}},
        },
    )
    async def play_audio_session(
        request: Request,
        tx: Tx,
        id_: Id,
        of: Annotated[str, Query(pattern="^(reply|request)$", description="Which side.")] = "reply",
        expires: Annotated[int | None, Query(ge=0, le=10**11)] = None,
        signature: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Response:
        """The spoken answer, whole or in ranges: with credentials, or by a link that has not expired."""
        if signature is not None and expires is not None and of == "reply":
            found = await service.get(tx, None, id_)
            if not found.opens(expires, signature, clock.now()):
                raise ForbiddenError("The link is not whole. Take it as it was given.")
        else:
            who = await access.principal(request)
            who.need(READ)
            found = await service.get(tx, list(who.roles), id_)
        blob = await service.sound(tx, found, request=of == "request")
        return await blob_response(store, blob.ref, request.headers)


def _filter_of(access: Access) -> Callable[..., SessionFilter]:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type

    async def wanted(
        who: Reader,
        space_id: Annotated[UUID | None, Query(description="Only this space.")] = None,
        user_external_id: Annotated[
            str | None, Query(max_length=200, description="Only this user of the client's.")
        ] = None,
        api_key_id: Annotated[
            str | None, Query(max_length=100, description="Only what was asked with this key.")
        ] = None,
        bot_id: Annotated[UUID | None, Query(description="Only this bot.")] = None,
        conversation_id: Annotated[str | None, Query(max_length=128)] = None,
        tag: Annotated[
            str | None,
            Query(max_length=600, description="Only with this tag: `name`, or `name:value`."),
        ] = None,
        failed: Annotated[
            bool | None, Query(description="Only what failed, or what did not.")
        ] = None,
    ) -> SessionFilter:
        if space_id is not None:
            who.need_role(space_id)
        name, colon, value = (tag or "").partition(":")
        return SessionFilter(
            spaces=(space_id,) if space_id else tuple(who.roles),
            user_external_id=user_external_id,
            api_key_id=api_key_id,
            bot_id=bot_id,
            conversation_id=conversation_id,
            tag=(name, value if colon else None) if tag else None,
            failed=failed,
        )

    return wanted  # type: ignore[return-value]


def _answers() -> dict[int | str, dict[str, Any]]:
    stream = {
        "schema": {"type": "string"},
        "example": 'event: reply\ndata: {"delta": "We are"}\n\n',
    }
    return {
        200: {"description": "The answer.", "content": {events.EVENTS: stream}},
        BAD: {"model": Problem, "description": "The request cannot be answered as it is."},
    }


def _form_schema() -> dict[str, Any]:
    schema = Question.model_json_schema()
    recording = {"type": "string", "format": "binary", "description": "What is said."}
    schema["properties"] = {"file": recording, **schema["properties"]}
    schema["properties"]["meta"] = {
        "type": "string",
        "description": "Free tags, as a JSON object of texts.",
        "example": '{"branch": "north"}',
    }
    schema["required"] = ["file"]
    schema["example"] = {"file": "(binary)", "bot": "Answering machine", "language": "en"}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


_FORM = _form_schema()
