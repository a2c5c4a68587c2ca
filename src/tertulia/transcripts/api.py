"""The hall over HTTP: transcripts and their segments, corrections, files in and out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from tertulia.blobs.disposition import content_disposition
from tertulia.blobs.domain import BlobStore
from tertulia.blobs.http import blob_response
from tertulia.identity.access import Access
from tertulia.identity.domain import Principal
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.errors import (
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    NotSignedInError,
    PayloadTooLargeError,
    UnsupportedMediaError,
)
from tertulia.kernel.http import Cursor, Limit, Router, TransactionRoute, Tx
from tertulia.kernel.pages import Page, Position, cut
from tertulia.kernel.problems import problems
from tertulia.speech.formats import MEDIA_TYPES
from tertulia.transcripts.cursors import SegmentPosition
from tertulia.transcripts.domain import READ, WRITE, Filter
from tertulia.transcripts.erasing import Erasing
from tertulia.transcripts.errors import (
    ImportUnreadableError,
    SegmentMissingError,
    SegmentNotFinalError,
    SegmentTooLongError,
    TranscriptMissingError,
    TranscriptOutdatedError,
)
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.filtering import filter_of
from tertulia.transcripts.importing import parse
from tertulia.transcripts.loading import file_name
from tertulia.transcripts.protocol import (
    AppendedOut,
    EditList,
    EditOut,
    Format,
    ImportForm,
    SegmentOut,
    SegmentsBody,
    SegmentUpdate,
    SpeakerRename,
    TranscriptCreate,
    TranscriptOut,
    TranscriptUpdate,
)
from tertulia.transcripts.service import TranscriptService

Id = Annotated[UUID, Path(alias="id")]
Utterance = Annotated[str, Path(alias="utterance_id")]

GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)
KNOWN = (*GUARDED, TranscriptMissingError)
MOST_IMPORTED_BYTES = 64 * 1_048_576
MOST_FIELDS = 16


def router(
    service: TranscriptService,
    exporter: Exporter,
    erasing: Erasing,
    access: Access,
    store: BlobStore,
) -> APIRouter:
    """`/api/transcripts` and what is below it; everybody in a space may read and change what is in it."""
    api = Router(prefix="/api/transcripts", tags=["transcripts"], route_class=TransactionRoute)
    _add_list(api, service, access)
    _add_import(api, service, access)
    _add_one(api, service, erasing, access)
    _add_segments(api, service, access)
    _add_corrections(api, service, access)
    _add_whole(api, service, exporter, access, store)
    return api


def _spaces(who: Principal) -> list[UUID]:
    return list(who.roles)


def _add_list(api: APIRouter, service: TranscriptService, access: Access) -> None:
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type
    Wanted = Annotated[Filter, Depends(filter_of(access))]  # noqa: N806 - a type

    @api.get("", summary="List transcripts", responses=problems(*GUARDED, NotFoundError))
    async def list_transcripts(
        tx: Tx, wanted: Wanted, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[TranscriptOut]:
        """Those of one's spaces, the latest first, without their text."""
        rows = await service.list(tx, wanted, Position.parse(cursor), limit)
        page, last = cut(rows, limit)
        return Page[TranscriptOut](
            items=[TranscriptOut.of(found) for found in page],
            next_cursor=Position(last.started_at, last.id).cursor() if last else None,
        )

    @api.post(
        "",
        status_code=201,
        summary="Begin a transcript",
        responses=problems(*GUARDED, NotFoundError),
    )
    async def create_transcript(tx: Tx, who: Writer, body: TranscriptCreate) -> TranscriptOut:
        """Segments are added to it afterwards; the same `kind` and `source_id` find the one that is there."""
        said = body.model_dump(exclude={"space_id", "kind"})
        return TranscriptOut.of(
            await service.create(
                tx, who.space(body.space_id), body.kind, created_by=who.user_id, **said
            )
        )


def _add_import(api: APIRouter, service: TranscriptService, access: Access) -> None:
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    # The form is read inside, after the caller is known.
    @api.post(
        "/import",
        status_code=201,
        summary="Bring in a transcript",
        openapi_extra=_FORM,
        responses=problems(
            *GUARDED,
            NotFoundError,
            ImportUnreadableError,
            PayloadTooLargeError,
            UnsupportedMediaError,
        ),
    )
    async def import_transcript(request: Request, tx: Tx, who: Writer) -> TranscriptOut:
        """SRT, WebVTT or JSON becomes a final transcript."""
        async with _received(request) as (file, form):
            data = await file.read(MOST_IMPORTED_BYTES + 1)
            if len(data) > MOST_IMPORTED_BYTES:
                raise PayloadTooLargeError(
                    f"At most {MOST_IMPORTED_BYTES} bytes are taken. Split the file."
                )
            imported = await asyncio.to_thread(parse, data)
            made = await service.bring_in(
                tx,
                who.space(form.space_id),
                imported,
                title=form.title or imported.title or _stem(file.filename),
                language=form.language,
                tags=form.tags,
                created_by=who.user_id,
            )
        return TranscriptOut.of(made)


def _add_one(api: APIRouter, service: TranscriptService, erasing: Erasing, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.get("/{id}", summary="Look at a transcript", responses=problems(*KNOWN))
    async def get_transcript(tx: Tx, who: Reader, id_: Id) -> TranscriptOut:
        """What is known of it, without its text."""
        return TranscriptOut.of(await service.get(tx, _spaces(who), id_))

    @api.patch("/{id}", summary="Change a transcript", responses=problems(*KNOWN))
    async def update_transcript(
        tx: Tx, who: Writer, id_: Id, body: TranscriptUpdate
    ) -> TranscriptOut:
        """Title, language and tags; the language is that of all segments that had the old one."""
        return TranscriptOut.of(await service.update(tx, _spaces(who), id_, **body.model_dump()))

    @api.delete("/{id}", status_code=204, summary="Remove a transcript", responses=problems(*KNOWN))
    async def delete_transcript(tx: Tx, who: Writer, id_: Id) -> None:
        """Erases it with everything that hangs on it; the receipt is among `/api/erasures`."""
        await erasing.conversations(tx, _spaces(who), [id_], who.user_id)

    @api.post("/{id}/finalise", summary="Make a transcript whole", responses=problems(*KNOWN))
    async def finalise_transcript(tx: Tx, who: Writer, id_: Id) -> TranscriptOut:
        """Makes it final and writes its document; once more changes nothing, unless it was changed."""
        return TranscriptOut.of(await service.finalise(tx, _spaces(who), id_))


def _add_segments(api: APIRouter, service: TranscriptService, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.get("/{id}/segments", summary="Read a transcript", responses=problems(*KNOWN))
    async def list_segments(
        tx: Tx, who: Reader, id_: Id, cursor: Cursor = None, limit: Limit = 200
    ) -> Page[SegmentOut]:
        """What was said, in order."""
        found = await service.get(tx, _spaces(who), id_)
        after = SegmentPosition.parse(cursor)
        page, last = cut(
            await service.segments(tx, found, after.place if after else None, limit), limit
        )
        return Page[SegmentOut](
            items=[SegmentOut.of(segment) for segment in page],
            next_cursor=SegmentPosition(last.start, last.utterance_id).cursor() if last else None,
        )

    @api.post(
        "/{id}/segments",
        summary="Add to a transcript",
        responses=problems(*KNOWN, SegmentTooLongError),
    )
    async def append_segments(tx: Tx, who: Writer, id_: Id, body: SegmentsBody) -> AppendedOut:
        """A draft gives way to a later draft, a draft to a final, a final to nothing but a correction."""
        await service.get(tx, _spaces(who), id_)
        outcomes = await service.append(tx, id_, [segment.draft() for segment in body.segments])
        return AppendedOut(outcomes=list(outcomes))


def _add_corrections(api: APIRouter, service: TranscriptService, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.patch(
        "/{id}/segments/{utterance_id}",
        summary="Correct a segment",
        responses=problems(
            *KNOWN, SegmentMissingError, SegmentNotFinalError, TranscriptOutdatedError
        ),
    )
    async def update_segment(
        tx: Tx, who: Writer, id_: Id, utterance_id: Utterance, body: SegmentUpdate
    ) -> SegmentOut:
        """What was there before is kept."""
        said = body.model_dump()
        edited = await service.edit(tx, _spaces(who), id_, utterance_id, by=who.user_id, **said)
        return SegmentOut.of(edited)

    @api.get(
        "/{id}/segments/{utterance_id}/edits",
        summary="List a segment's corrections",
        responses=problems(*KNOWN),
    )
    async def list_edits(tx: Tx, who: Reader, id_: Id, utterance_id: Utterance) -> EditList:
        """The latest first."""
        found = await service.get(tx, _spaces(who), id_)
        edits = await service.edits(tx, found, utterance_id)
        return EditList(items=[EditOut.of(edit) for edit in edits])

    @api.post(
        "/{id}/speakers",
        summary="Rename a speaker",
        responses=problems(*KNOWN, SegmentMissingError),
    )
    async def rename_speaker(tx: Tx, who: Writer, id_: Id, body: SpeakerRename) -> TranscriptOut:
        """Gives all that one speaker said another name and, where known, the person they are."""
        renamed = await service.rename_speaker(
            tx,
            _spaces(who),
            id_,
            body.speaker,
            body.name,
            person=body.person,
            channel=body.channel,
            by=who.user_id,
        )
        return TranscriptOut.of(renamed)


def _add_whole(
    api: APIRouter,
    service: TranscriptService,
    exporter: Exporter,
    access: Access,
    store: BlobStore,
) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type

    @api.get(
        "/{id}/document",
        response_class=Response,
        summary="Download a transcript's document",
        responses={
            **problems(*KNOWN, SegmentNotFinalError),
            200: {"description": "The document.", "content": {"application/json": {}}},
        },
    )
    async def read_document(request: Request, tx: Tx, who: Reader, id_: Id) -> Response:
        """The whole transcript as JSON, made again when it was changed since."""
        blob = await service.document(tx, _spaces(who), id_)
        return await blob_response(store, blob.ref, request.headers)

    @api.get(
        "/{id}/export",
        response_class=Response,
        summary="Export a transcript",
        responses={
            **problems(*KNOWN),
            200: {"description": "The file.", "content": {m: {} for m in MEDIA_TYPES.values()}},
        },
    )
    async def export_transcript(
        tx: Tx,
        who: Reader,
        id_: Id,
        format: Format = "txt",  # noqa: A002 - the query's own word
        original: Annotated[
            bool, Query(description="As it was first written, without corrections.")
        ] = False,
    ) -> StreamingResponse:
        """The text as a file, sent while it is written."""
        found = await service.get(tx, _spaces(who), id_)
        pieces = exporter.file(found, format, original=original)
        media = MEDIA_TYPES[format]
        name = content_disposition(file_name(found, format), media, download=True)
        return StreamingResponse(pieces, media_type=media, headers={"Content-Disposition": name})


@asynccontextmanager
async def _received(request: Request) -> AsyncIterator[tuple[UploadFile, ImportForm]]:
    """The file and the fields beside it; the file is gone when the block ends."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnsupportedMediaError("Send the file as multipart/form-data, in the field `file`.")
    async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidRequestError("file: Field required.")
        fields: dict[str, Any] = {n: v for n, v in form.items() if isinstance(v, str)}
        try:
            asked = ImportForm.model_validate(fields)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None
        yield file, asked


def _stem(filename: str | None) -> str:
    name = filename or ""
    return name.rpartition(".")[0] or name


def _form_schema() -> dict[str, Any]:
    schema = ImportForm.model_json_schema()
    upload = {"type": "string", "format": "binary", "description": "SRT, WebVTT or JSON."}
    schema["properties"] = {"file": upload, **schema["properties"]}
    schema["required"] = ["file"]
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


_FORM = _form_schema()
