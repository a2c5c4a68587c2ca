"""A multipart upload: its file on disk, its fields beside, nothing of it whole in memory."""

import asyncio
import errno
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.types import Message

from tertulia.kernel.errors import (
    InvalidRequestError,
    PayloadTooLargeError,
    StorageFullError,
    UnsupportedMediaError,
)
from tertulia.speech.decoding import Source

F = TypeVar("F", bound=BaseModel)
T = TypeVar("T")
MOST_FIELDS = 1200
IN_MEMORY_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Upload:
    """The recording, and the fields as they were sent."""

    source: Source
    fields: dict[str, Any]
    content_type: str = ""
    """What the sender says it is."""

    def form(self, model: type[F]) -> F:
        """The fields as `model`; a wrong one is refused by its name."""
        try:
            return model.model_validate(self.fields)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None


@asynccontextmanager
async def uploaded(request: Request, max_bytes: int) -> AsyncIterator[Upload]:
    """Receives the form; the file is gone when the block ends."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnsupportedMediaError(
            "Send the recording as multipart/form-data, in the field `file`."
        )
    counted = _counted(request, max_bytes)
    try:
        async with counted.form(max_files=1, max_fields=MOST_FIELDS) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise InvalidRequestError(
                    "file: Field required.", errors=[{"field": "file", "message": "Field required"}]
                )
            fields: dict[str, Any] = {}
            for name in form:
                if name.endswith("[]"):
                    fields[name[:-2]] = form.getlist(name)
                elif name != "file":
                    fields[name] = form[name]
            async with _on_disk(file) as source:
                yield Upload(source, fields, file.content_type or "")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFullError(
                "There is no room for the upload. Make room on the disk of TMPDIR."
            ) from None
        raise


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """The work's result, or None when the client went away: then the work, which may be paid for, is given up."""
    task = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        leaving.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    """Ends when the client closes its connection; the body has been read by then."""
    while (await request.receive())["type"] != "http.disconnect":
        continue


def _counted(request: Request, max_bytes: int) -> Request:
    """The request, whose body is refused as soon as it is past the limit."""
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > max_bytes:
            raise PayloadTooLargeError(
                f"At most {max_bytes} bytes are accepted. Send a shorter or more compressed recording."
            )
        return message

    return Request(request.scope, receive)


@asynccontextmanager
async def _on_disk(file: UploadFile) -> AsyncIterator[Source]:
    """A small file as bytes, a larger one by a path that the decoder's process can be given."""
    if (file.size or 0) <= IN_MEMORY_BYTES:
        yield await file.read()
        return
    with tempfile.NamedTemporaryFile(prefix="tertulia-upload-") as target:
        await asyncio.to_thread(shutil.copyfileobj, file.file, target, 1 << 20)
        target.flush()
        yield Path(target.name)
