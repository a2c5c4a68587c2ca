"""Recordings that the command line transcribes, kept as conversations of the hall."""

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from tertulia.blobs.service import BlobService
from tertulia.cli.hall import home
from tertulia.cli.opened import Opened, opened
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.ids import new_id
from tertulia.speech.domain import Recognition
from tertulia.speech.transcriptions.domain import Owner, Status, Transcription, Wishes

READ_BYTES = 1_048_576
BLOB_KIND = "transcribe"


class Keeper:
    """Takes what was read into the hall, with its recording."""

    def __init__(self, services: Opened, owner: Owner) -> None:
        self._services = services
        self._owner = owner

    async def keep(self, path: Path, name: str, text: Recognition) -> UUID:
        """The conversation's id. The recording is found again in the page, and removed with the conversation."""
        blobs: BlobService = self._services.blobs
        async with self._services.database.transaction() as tx:
            blob = await blobs.put(
                tx,
                _pieces(path),
                kind=BLOB_KIND,
                content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
                name=name,
                space_id=self._owner.space_id,
            )
            done = Transcription(
                id=new_id(),
                owner=self._owner,
                name=name,
                blob_id=blob.id,
                wishes=Wishes(),
                status=Status.DONE,
                progress=1.0,
                created_at=SystemClock().now(),
            )
            redacted = self._services.hall.redaction.recognition(text)
            await self._services.hall_parts.recordings.keep(tx, done, redacted)
        return done.id


@asynccontextmanager
async def keeper(data: Path | None, space: str | None) -> AsyncIterator[Keeper]:
    """Opens the hall beside a running server, or without one."""
    async with opened(data) as services:
        async with services.database.transaction() as tx:
            owner = await services.identity.users.first_owner(tx)
            space_id = await home(services, tx, space)
        yield Keeper(services, Owner(space_id, owner.id))


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, READ_BYTES):
            yield piece
    finally:
        await asyncio.to_thread(file.close)
