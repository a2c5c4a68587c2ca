"""Transcriptions over HTTP: hand over a recording, follow it, read it, take it away in a format, remove it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from tertulia.blobs.disposition import content_disposition
from tertulia.blobs.domain import BlobStore
from tertulia.blobs.http import blob_response
from tertulia.identity.access import Access
from tertulia.identity.domain import SPEECH, Principal
from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import InvalidRequestError, UnsupportedMediaError
from tertulia.kernel.http import Cursor, Limit, Router, TransactionRoute, Tx
from tertulia.kernel.pages import Page, Position, cut
from tertulia.speech.formats import MEDIA_TYPES, render
from tertulia.speech.transcriptions.domain import Owner
from tertulia.speech.transcriptions.protocol import (
    Format,
    TranscribeCreated,
    TranscribeForm,
    TranscriptionOut,
    TranscriptionSummary,
)
from tertulia.speech.transcriptions.service import TranscriptionService

PIECE_BYTES = 1_048_576
MOST_FIELDS = 16

SpaceId = Annotated[
    UUID | None, Query(description="The space it is in; the caller's active one without it.")
]


def router(
    service: TranscriptionService, access: Access, store: BlobStore, clock: Clock
) -> APIRouter:
    """The routes; each answers only for what is the caller's own."""

    async def owner_of(
        who: Annotated[Principal, Depends(access.require(SPEECH))], space_id: SpaceId = None
    ) -> Owner:
        return Owner(who.space(space_id), who.person())

    routes = Router(prefix="/api/transcribe", tags=["transcribe"], route_class=TransactionRoute)
    _add_writing(routes, service, owner_of)
    _add_reading(routes, service, owner_of, clock)
    _add_taking(routes, service, owner_of, store)
    return routes


OwnerOf = Callable[..., Awaitable[Owner]]


def _add_writing(routes: APIRouter, service: TranscriptionService, owner_of: OwnerOf) -> None:
    # The form is read inside, after the caller is known: nobody else's gigabytes are received.
    @routes.post("", status_code=202, summary="Hand over a recording", openapi_extra=_FORM)
    async def create_transcribe(
        request: Request, tx: Tx, owner: Annotated[Owner, Depends(owner_of)]
    ) -> TranscribeCreated:
        """Hands over a recording; it is read in the background."""
        async with _received(request) as (file, form):
            new = await service.create(
                tx,
                owner,
                _pieces(file),
                name=file.filename or "recording",
                content_type=file.content_type or "application/octet-stream",
                wishes=form.wishes(),
            )
        return TranscribeCreated(id=new.id)

    @routes.delete("/{id}", status_code=204, summary="Remove a transcription")
    async def delete_transcribe(
        id: UUID,  # noqa: A002 - the path's own word
        tx: Tx,
        owner: Annotated[Owner, Depends(owner_of)],
    ) -> None:
        """Removes recording and text; what is being read is stopped."""
        await service.delete(tx, owner, id)


def _add_reading(
    routes: APIRouter, service: TranscriptionService, owner_of: OwnerOf, clock: Clock
) -> None:
    @routes.get("", summary="List the transcriptions")
    async def list_transcribe(
        tx: Tx,
        owner: Annotated[Owner, Depends(owner_of)],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[TranscriptionSummary]:
        """The caller's transcriptions without their text, newest first."""
        rows = await service.list(tx, owner, Position.parse(cursor), limit)
        page, last = cut(rows, limit)
        now = clock.now()
        return Page[TranscriptionSummary](
            items=[TranscriptionSummary.of(found, now) for found in page],
            next_cursor=Position(last.created_at, last.id).cursor() if last else None,
        )

    @routes.get("/{id}", summary="Get a transcription with its text")
    async def get_transcribe(
        id: UUID,  # noqa: A002 - the path's own word
        tx: Tx,
        owner: Annotated[Owner, Depends(owner_of)],
    ) -> TranscriptionOut:
        """How far it is and, once it is done, its text."""
        found = await service.get(tx, owner, id)
        return TranscriptionOut.whole(found, clock.now(), await service.segments(tx, found))


def _add_taking(
    routes: APIRouter, service: TranscriptionService, owner_of: OwnerOf, store: BlobStore
) -> None:
    @routes.get(
        "/{id}/export",
        summary="Take the text away as a file",
        response_class=Response,
        responses=_EXPORTS,
    )
    async def export_transcribe(
        id: UUID,  # noqa: A002 - the path's own word
        tx: Tx,
        owner: Annotated[Owner, Depends(owner_of)],
        format: Format = "txt",  # noqa: A002 - the query's own word
    ) -> Response:
        """The text as a file."""
        return await _export(service, tx, owner, id, format)

    @routes.get(
        "/{id}/audio", summary="Listen to the recording", response_class=Response, responses=_AUDIO
    )
    async def play_transcribe(
        id: UUID,  # noqa: A002 - the path's own word
        request: Request,
        tx: Tx,
        owner: Annotated[Owner, Depends(owner_of)],
    ) -> Response:
        """The recording itself, whole or in ranges, while it is kept."""
        blob = await service.audio(tx, owner, id)
        return await blob_response(store, blob.ref, request.headers)


async def _export(
    service: TranscriptionService, tx: Tx, owner: Owner, id_: UUID, to: Format
) -> Response:
    name, text = await service.recognition(tx, owner, id_)
    data = await asyncio.to_thread(render, text, to)
    media = MEDIA_TYPES[to]
    filename = f"{name.rpartition('.')[0] or name}.{to}"
    headers = {"Content-Disposition": content_disposition(filename, media, download=True)}
    return Response(data, media_type=media, headers=headers)


@asynccontextmanager
async def _received(request: Request) -> AsyncIterator[tuple[UploadFile, TranscribeForm]]:
    """The file, spooled to disk, and the fields beside it; the file is gone when the block ends."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnsupportedMediaError(
            "Send the recording as multipart/form-data, in the field `file`."
        )
    async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidRequestError("file: Field required.")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            asked = TranscribeForm.model_validate(fields)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None
        yield file, asked


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece


def _form_schema() -> dict[str, Any]:
    schema = TranscribeForm.model_json_schema()
    recording = {"type": "string", "format": "binary", "description": "The recording."}
    schema["properties"] = {"file": recording, **schema["properties"]}
    schema["required"] = ["file"]
    schema["example"] = {"file": "(binary)", "language": "es", "channels": "split"}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


_FORM = _form_schema()
_AUDIO: dict[int | str, dict[str, Any]] = {
    200: {"description": "The recording.", "content": {"audio/*": {}}}
}
_EXPORTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {media: {} for media in MEDIA_TYPES.values()}}
}
