"""Transcriptions: handed over, followed, read, removed."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID

from tertulia.blobs.domain import Blob, Download
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs, Orphan
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import InvalidRequestError, TertuliaError
from tertulia.kernel.ids import new_id
from tertulia.kernel.pages import Position
from tertulia.speech.domain import Recognition
from tertulia.speech.redaction import Redaction
from tertulia.speech.transcriptions.domain import (
    DONE,
    FAILED,
    Hall,
    Owner,
    Status,
    Transcription,
    TranscriptionMissingError,
    TranscriptionUnfinishedError,
    Wishes,
    segments_from_rows,
    segments_to_rows,
)
from tertulia.speech.transcriptions.store import TranscriptionStore

READ = "transcriptions.read"
"""The job that reads one recording."""

BLOB_KIND = "transcribe"
LONGEST_NAME = 255

CheckWishes = Callable[[Wishes], None]
"""Refuses engines and languages that nobody here knows, before anything is stored."""


class Outside(Protocol):
    """Tells those outside the server who asked to know; webhooks/ does it."""

    async def emit(
        self, tx: Transaction, space_id: UUID, type_: str, data: Mapping[str, Any]
    ) -> None: ...


class TranscriptionService:
    """Everything that can be done with transcriptions; the reading itself is `tasks.py`'s."""

    def __init__(
        self,
        *,
        blobs: BlobService,
        jobs: Jobs,
        clock: Clock,
        check: CheckWishes,
        max_upload_bytes: int,
        keep_uploads: bool = True,
        outside: Outside | None = None,
        hall: Hall | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        self._redaction = redaction or Redaction()
        self._hall = hall
        self._store = TranscriptionStore()
        self._blobs = blobs
        self._jobs = jobs
        self._clock = clock
        self._check = check
        self._max_upload_bytes = max_upload_bytes
        self._keep_uploads = keep_uploads
        self._outside = outside

    async def create(
        self,
        tx: Transaction,
        owner: Owner,
        audio: AsyncIterator[bytes],
        *,
        name: str,
        content_type: str,
        wishes: Wishes,
    ) -> Transcription:
        """Stores the recording and has it read."""
        self._check(wishes)
        blob = await self._blobs.put(
            tx,
            audio,
            kind=BLOB_KIND,
            content_type=content_type,
            name=name,
            space_id=owner.space_id,
            max_bytes=self._max_upload_bytes,
        )
        if not blob.ref.size_bytes:
            raise InvalidRequestError("The file is empty. Choose a recording.")
        new = Transcription(
            id=new_id(),
            owner=owner,
            name=name[:LONGEST_NAME],
            blob_id=blob.id,
            wishes=wishes,
            status=Status.QUEUED,
            progress=0.0,
            created_at=self._clock.now(),
        )
        await self._store.add(tx, new)
        await self._jobs.enqueue(tx, READ, {"id": str(new.id)}, key=str(new.id))
        return new

    async def get(self, tx: Transaction, owner: Owner, id_: UUID) -> Transcription:
        found = await self._store.find(tx, id_, owner)
        if found is None:
            raise TranscriptionMissingError
        return found

    async def list(
        self, tx: Transaction, owner: Owner, after: Position | None, limit: int
    ) -> Sequence[Transcription]:
        """The newest first; one more than asked for when there is a next page."""
        return await self._store.list(tx, owner, after, limit + 1)

    async def segments(
        self, tx: Transaction, transcription: Transcription
    ) -> Sequence[dict[str, Any]]:
        """The text in rows; none before the transcription is done."""
        if transcription.status is not Status.DONE:
            return []
        return await self._store.segments(tx, transcription.id)

    async def recognition(
        self, tx: Transaction, owner: Owner, id_: UUID
    ) -> tuple[str, Recognition]:
        """Name and text, for an export."""
        found = await self.get(tx, owner, id_)
        if found.status is not Status.DONE:
            raise TranscriptionUnfinishedError(
                f"This transcription is {found.status.value}. Export it when it is done."
            )
        rows = await self._store.segments(tx, id_)
        text = Recognition(
            segments_from_rows(rows),
            found.language,
            found.duration_seconds or 0.0,
            found.provider or "",
        )
        return found.name, text

    async def audio(self, tx: Transaction, owner: Owner, id_: UUID) -> Blob:
        """The recording itself, while it is kept."""
        found = await self.get(tx, owner, id_)
        if found.blob_id is None:
            raise TranscriptionMissingError(
                "The recording was removed after it was read. Set TERTULIA_KEEP_UPLOADS=true to keep them."
            )
        return await self._blobs.get(tx, found.blob_id)

    async def delete(self, tx: Transaction, owner: Owner, id_: UUID) -> None:
        """Removes recording and text, here and in the hall; a worker that is reading it stops within seconds."""
        gone = await self._store.remove(tx, id_, owner)
        if gone is None:
            raise TranscriptionMissingError
        if gone.blob_id is not None:
            await self._blobs.delete(tx, gone.blob_id)
        if self._hall is not None:
            await self._hall.let_go(tx, id_)

    async def silence(self, tx: Transaction, ids: Sequence[UUID]) -> None:
        """Lets go of recordings and keeps what was read."""
        await self._blobs.delete(tx, *await self._store.silence(tx, ids))

    async def forget(self, tx: Transaction, ids: Sequence[UUID]) -> None:
        """Removes what the hall lets go of."""
        await self._blobs.delete(tx, *await self._store.forget(tx, ids))

    # What the job does, step by step

    async def begin(self, tx: Transaction, id_: UUID) -> Transcription | None:
        """Marks it as running; None when it is gone or has ended."""
        found = await self._store.find(tx, id_)
        if found is None or found.status.ended:
            return None
        now = self._clock.now()
        changes = {
            "status": Status.RUNNING,
            "started_at": now,
            "progressed_at": now,
            "progress": 0.0,
        }
        begun = await self._store.change(tx, id_, changes, while_in=(Status.QUEUED, Status.RUNNING))
        return found if begun else None

    async def open_audio(self, tx: Transaction, transcription: Transcription) -> Download:
        assert transcription.blob_id is not None
        return await self._blobs.open(await self._blobs.get(tx, transcription.blob_id))

    async def progress(self, tx: Transaction, id_: UUID, share: float) -> bool:
        """Notes how far it is; False when nobody wants it any more."""
        changes = {"progress": round(share, 4), "progressed_at": self._clock.now()}
        return await self._store.change(tx, id_, changes, while_in=(Status.RUNNING,))

    async def finish(
        self, tx: Transaction, transcription: Transcription, text: Recognition
    ) -> None:
        """Writes the text down, and lets go of the recording unless it is kept."""
        text = self._redaction.recognition(text)
        changes: dict[str, Any] = {
            "status": Status.DONE,
            "progress": 1.0,
            "finished_at": self._clock.now(),
            "provider": text.provider,
            "language": text.language,
            "duration_seconds": text.duration_seconds,
            "segments": segments_to_rows(text.segments),
        }
        if not self._keep_uploads and transcription.blob_id is not None:
            changes["blob_id"] = None
            await self._blobs.delete(tx, transcription.blob_id)
            transcription = replace(transcription, blob_id=None)
        if await self._store.change(tx, transcription.id, changes, while_in=(Status.RUNNING,)):
            if self._hall is not None:
                await self._hall.keep(tx, transcription, text)
            said = {name: changes[name] for name in ("language", "duration_seconds", "provider")}
            await self._tell(tx, DONE, transcription, said)

    async def fail(self, tx: Transaction, id_: UUID, error: TertuliaError) -> None:
        """Writes down why there will be no text."""
        changes = {
            "status": Status.FAILED,
            "finished_at": self._clock.now(),
            "error": error.problem(),
        }
        failed = await self._store.find(tx, id_)
        changed = await self._store.change(
            tx, id_, changes, while_in=(Status.QUEUED, Status.RUNNING)
        )
        if changed and failed is not None:
            await self._tell(tx, FAILED, failed, {"code": error.code})

    async def _tell(
        self, tx: Transaction, type_: str, which: Transcription, said: Mapping[str, Any]
    ) -> None:
        if self._outside is not None:
            data = {"id": str(which.id), **said}
            await self._outside.emit(tx, which.owner.space_id, type_, data)

    async def delete_space(self, tx: Transaction, space_id: UUID) -> None:
        """Removes everything of a space; what is being read there is stopped."""
        await self._store.remove_space(tx, space_id)

    async def orphans(self, tx: Transaction) -> Sequence[Orphan]:
        """Rows that a job should stand for."""
        ids = await self._store.open_ids(tx)
        return [Orphan(str(id_), {"id": str(id_)}) for id_ in ids]
