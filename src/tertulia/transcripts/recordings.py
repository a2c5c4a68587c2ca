"""Conversations that can be listened to: their recordings, how those look, and who is heard when."""

from collections.abc import Sequence
from uuid import UUID

from tertulia.blobs.domain import Blob, BlobMissingError, Download
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs
from tertulia.kernel.database import Transaction
from tertulia.speech.domain import Recognition
from tertulia.speech.transcriptions.domain import Transcription
from tertulia.transcripts.domain import Draft, Kind, Lane
from tertulia.transcripts.service import Spaces, TranscriptService
from tertulia.transcripts.store import TranscriptStore
from tertulia.transcripts.store.recordings import RecordingStore
from tertulia.transcripts.waveform import Waveform

DRAW = "transcripts.draw"
"""The job that measures one recording."""
LEAST_GAP_SECONDS = 0.5
MOST_STRETCHES = 2_000
"""Of one lane: past it stretches are drawn together, for no screen shows more."""


class Recordings:
    """Recordings of transcripts. It is also where what `speech.transcriptions` reads enters the hall."""

    def __init__(self, hall: TranscriptService, blobs: BlobService, jobs: Jobs) -> None:
        self._hall = hall
        self._blobs = blobs
        self._jobs = jobs
        self._transcripts = TranscriptStore()
        self._store = RecordingStore()

    async def attach(self, tx: Transaction, id_: UUID, blob: Blob) -> None:
        """Gives a transcript its recording, which from now on goes when the transcript goes."""
        changes = {
            "audio_blob_id": blob.id,
            "audio_content_type": blob.ref.content_type,
            "audio_size_bytes": blob.ref.size_bytes,
        }
        await self._transcripts.change(tx, id_, changes)
        await self._jobs.enqueue(tx, DRAW, {"id": str(id_)}, key=str(id_))

    async def audio(self, tx: Transaction, spaces: Spaces | None, id_: UUID) -> Blob:
        """The recording, or `BlobMissingError` where there is none."""
        found = await self._hall.get(tx, spaces, id_)
        if found.audio is None:
            raise BlobMissingError(
                "This conversation has no recording: it was never kept, or is gone by a rule of its space."
            )
        return await self._blobs.get(tx, found.audio.blob_id)

    async def waveform(self, tx: Transaction, spaces: Spaces, id_: UUID) -> Waveform | None:
        """How the recording looks; None while it is still being measured."""
        await self.audio(tx, spaces, id_)
        drawn = await self._store.waveform(tx, id_)
        if drawn is None:
            await self._jobs.enqueue(tx, DRAW, {"id": str(id_)}, key=str(id_))
        return drawn

    async def opened(self, tx: Transaction, id_: UUID) -> Download | None:
        """The recording for whoever measures it; None when that was done already."""
        if await self._store.has_waveform(tx, id_):
            return None
        return await self.open(await self.audio(tx, None, id_))

    async def open(self, blob: Blob) -> Download:
        return await self._blobs.open(blob)

    async def drawn(self, tx: Transaction, id_: UUID, drawn: Waveform) -> None:
        """Keeps how a recording looks, unless it is gone by now."""
        found = await self._transcripts.find(tx, id_, None, lock=True)
        if found is not None and found.audio is not None:
            await self._store.put_waveform(tx, id_, drawn)
            await self._hall.tell(tx, id_)

    async def lanes(self, tx: Transaction, spaces: Spaces, id_: UUID) -> Sequence[Lane]:
        """Who is heard when, the first to speak first."""
        found = await self._hall.get(tx, spaces, id_)
        gap = max(LEAST_GAP_SECONDS, found.duration_seconds / MOST_STRETCHES)
        return await self._store.lanes(tx, id_, gap)

    # What speech.transcriptions asks for

    async def keep(self, tx: Transaction, done: Transcription, text: Recognition) -> None:
        """Makes a final conversation of what was read, under the recording's own id."""
        name = done.name
        made = await self._hall.create(
            tx,
            done.owner.space_id,
            Kind.FILES,
            id_=done.id,
            title=name.rpartition(".")[0] or name,
            source_id=str(done.id),
            language=text.language,
            provider=text.provider,
            started_at=done.created_at,
            created_by=done.owner.user_id,
        )
        await self._hall.append_all(tx, made.id, drafts_of(text))
        await self._transcripts.change(tx, made.id, {"duration_seconds": text.duration_seconds})
        if done.blob_id is not None:
            await self.attach(tx, made.id, await self._blobs.get(tx, done.blob_id))
        await self._hall.finish(tx, None, made.id)

    async def let_go(self, tx: Transaction, id_: UUID) -> None:
        """Removes what became of a recording, if it is still there."""
        found = await self._transcripts.find(tx, id_, None, lock=True)
        if found is not None:
            await self._hall.remove(tx, [found])


def drafts_of(text: Recognition, prefix: str = "s") -> list[Draft]:
    """What was read as segments of a transcript, numbered in their order."""
    return [
        Draft(
            f"{prefix}{number}",
            s.text,
            s.start,
            s.end,
            speaker=s.speaker,
            channel=s.channel,
            language=s.language or text.language,
            confidence=s.confidence,
            words=s.words,
        )
        for number, s in enumerate(text.segments, 1)
        if s.text.strip()
    ]
