"""OpenAI's audio API, so that existing clients work unchanged."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Annotated, Any, cast

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from tertulia.kernel.clock import Clock, SystemClock
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.http import Router
from tertulia.speech.api_examples import SPEECH, transcription_content, translation_content
from tertulia.speech.domain import Recognition, SpeechOptions
from tertulia.speech.encoding import encoded
from tertulia.speech.formats import render
from tertulia.speech.openai_errors import OpenAIRoute, openai_error
from tertulia.speech.protocol import (
    ModelList,
    ModelOut,
    SpeechRequest,
    TranscriptionForm,
    TranslationForm,
    VoiceList,
    VoiceOut,
    diarized,
    model_out,
    plain,
    verbose,
)
from tertulia.speech.service import ModelNotFoundError, SpeechService
from tertulia.speech.upload import Upload, uploaded, while_connected

EVENTS = "text/event-stream"
CLIENT_GONE = 499
_NO_BUFFERING = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def router(
    service: SpeechService,
    require: Callable[..., Any],
    *,
    max_upload_bytes: int,
    clock: Clock | None = None,
) -> APIRouter:
    """The routes; `require` is the dependency that lets a caller in or raises."""
    routes = Router(
        prefix="/v1",
        tags=["OpenAI-compatible audio"],
        route_class=OpenAIRoute,
        dependencies=[Depends(require)],
    )
    handlers = _Handlers(service, max_upload_bytes, int((clock or SystemClock()).now().timestamp()))
    _add_hearing(routes, handlers)
    _add_speaking(routes, handlers)
    _add_models(routes, handlers)
    return routes


def _add_hearing(routes: APIRouter, handlers: "_Handlers") -> None:
    add = routes.add_api_route
    add(
        "/audio/transcriptions",
        handlers.transcribe,
        methods=["POST"],
        name="create_transcription",
        summary="Transcribe a recording",
        response_model=None,
        openapi_extra=_form_schema(TranscriptionForm),
        responses=_texts(transcription_content()),
    )
    add(
        "/audio/translations",
        handlers.translate,
        methods=["POST"],
        name="create_translation",
        summary="Translate a recording into English",
        response_model=None,
        openapi_extra=_form_schema(TranslationForm),
        responses=_texts(translation_content()),
    )


def _add_speaking(routes: APIRouter, handlers: "_Handlers") -> None:
    add = routes.add_api_route
    add(
        "/audio/speech",
        handlers.speak,
        methods=["POST"],
        name="create_speech",
        summary="Speak a text",
        response_class=Response,
        response_model=None,
        responses={200: {"content": {"audio/*": {}, EVENTS: {}}, "description": "The sound."}},
    )
    add(
        "/audio/voices",
        handlers.voices,
        methods=["GET"],
        name="list_voices",
        summary="List the voices",
    )


def _add_models(routes: APIRouter, handlers: "_Handlers") -> None:
    add = routes.add_api_route
    add(
        "/models",
        handlers.models,
        methods=["GET"],
        name="list_models",
        summary="List what may be given as a model",
    )
    # A chain or a plugin's name may hold a slash.
    add(
        "/models/{model:path}",
        handlers.model,
        methods=["GET"],
        name="get_model",
        summary="Get one model",
    )


class _Handlers:
    """Thin: reads the request, asks the service, writes the answer."""

    def __init__(self, service: SpeechService, max_upload_bytes: int, created: int) -> None:
        self._service = service
        self._max_upload_bytes = max_upload_bytes
        self._created = created

    async def transcribe(self, request: Request) -> Response:
        """Reads a recording of any common format. With `stream=true` its text comes as it is read."""
        async with AsyncExitStack() as stack:
            upload = await stack.enter_async_context(uploaded(request, self._max_upload_bytes))
            form = upload.form(TranscriptionForm)
            if form.stream:
                # The upload must outlive this function: the answer is made from it while it is sent.
                events = self._text_events(upload, form, stack.pop_all())
                return await _begun(events, EVENTS)
            work = self._service.transcribe(
                upload.source, form.options(), engine=form.model, channels=form.channels
            )
            done = await while_connected(request, work)
            return _written(done.recognition, form) if done else _gone()

    async def translate(self, request: Request) -> Response:
        """Reads a recording in any language, by an engine that translates: whisper, gladia or openai."""
        async with uploaded(request, self._max_upload_bytes) as upload:
            form = upload.form(TranslationForm)
            work = self._service.transcribe(upload.source, form.options(), engine=form.model)
            done = await while_connected(request, work)
            return _written(done.recognition, form) if done else _gone()

    async def speak(
        self, asked: Annotated[SpeechRequest, Body(openapi_examples=SPEECH)]
    ) -> Response:
        """Speaks a text; the sound is sent while it is made."""
        options = SpeechOptions(asked.voice_id, asked.language, asked.speed, asked.instructions)
        chunks = self._service.speak(asked.input, options, engine=asked.model)
        sound = encoded(chunks, asked.response_format)
        if asked.stream_format == "sse":
            return await _begun(_sound_events(sound, len(asked.input)), EVENTS)
        return await _begun(sound, asked.response_format.media_type)

    async def voices(
        self,
        model: Annotated[
            str | None, Query(max_length=200, description="An engine or chain.")
        ] = None,
    ) -> VoiceList:
        """Lists the voices one can choose from."""
        found = await self._service.voices(model)
        return VoiceList(
            data=[
                VoiceOut(id=v.id, name=v.name, language=v.language, gender=v.gender) for v in found
            ]
        )

    async def models(self) -> ModelList:
        """Lists every name that may be given as a model."""
        return ModelList(data=[self._model(name) for name in self._service.models()])

    async def model(self, model: str) -> ModelOut:
        """Describes one model."""
        if model not in self._service.models():
            raise ModelNotFoundError(
                f"The model {model[:80]!r} does not exist. GET /v1/models lists what does."
            )
        return self._model(model)

    def _model(self, name: str) -> ModelOut:
        engines = [e for e in self._service.engines() if e.name == name]
        able = engines[0].capabilities if engines else None
        return model_out(name, self._created, [e.kind for e in engines], able)

    async def _text_events(
        self, upload: Upload, form: TranscriptionForm, stack: AsyncExitStack
    ) -> AsyncIterator[bytes]:
        """Text as it is read. A failure on the way is an event too: the status has been sent long before."""
        async with stack:
            said: list[str] = []
            segments = self._service.transcribe_stream(
                upload.source, form.options(), engine=form.model
            )
            try:
                async for segment in segments:
                    delta = f" {segment.text}" if said else segment.text
                    said.append(segment.text)
                    yield _event({"type": "transcript.text.delta", "delta": delta})
            except TertuliaError as error:
                if not said:
                    raise
                yield _event(openai_error(error))
                return
            yield _event({"type": "transcript.text.done", "text": " ".join(said)})


def _gone() -> Response:
    """Nobody reads it; the log does."""
    return Response(status_code=CLIENT_GONE)


async def _begun(body: AsyncIterator[bytes], media_type: str) -> Response:
    """Waits for the first bytes, so that what fails before them is answered with its own status."""
    first = await anext(body, b"")

    async def whole() -> AsyncIterator[bytes]:
        async with aclosing(cast(Any, body)):
            yield first
            async for data in body:
                yield data

    return StreamingResponse(whole(), media_type=media_type, headers=_NO_BUFFERING)


async def _sound_events(sound: AsyncIterator[bytes], characters: int) -> AsyncIterator[bytes]:
    """Speech as server-sent events."""
    begun = False
    try:
        async for data in sound:
            audio = base64.b64encode(data).decode()
            yield _event({"type": "speech.audio.delta", "audio": audio})
            begun = True
    except TertuliaError as error:
        if not begun:
            raise
        yield _event(openai_error(error))
        return
    usage = {"input_tokens": characters, "output_tokens": 0, "total_tokens": characters}
    yield _event({"type": "speech.audio.done", "usage": usage})


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _written(found: Recognition, form: TranslationForm) -> Response:
    match form.response_format:
        case "text":
            return PlainTextResponse(found.text + "\n")
        case "srt":
            return Response(render(found, "srt"), media_type="application/x-subrip; charset=utf-8")
        case "vtt":
            return Response(render(found, "vtt"), media_type="text/vtt; charset=utf-8")
        case "verbose_json":
            return JSONResponse(verbose(found, form))
        case "diarized_json":
            return JSONResponse(diarized(found))
        case _:
            return JSONResponse(plain(found))


def _texts(content: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "The text, in the form asked for.", "content": content}}


def _form_schema(model: type[TranslationForm]) -> dict[str, Any]:
    """The form as OpenAPI describes it; it is read by hand, so that a stranger's upload is never received."""
    schema = model.model_json_schema()
    schema.pop("$defs", None)
    schema["properties"] = {
        "file": {"type": "string", "format": "binary", "description": "The recording."},
        **schema["properties"],
    }
    schema["required"] = ["file"]
    schema["example"] = {
        "file": "(binary)",
        "model": "whisper-1",
        "response_format": "verbose_json",
    }
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }
