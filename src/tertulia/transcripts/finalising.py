"""Making a transcript whole: it becomes final at once, and its document is written by a job that may be repeated."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs, Orphan
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.transcripts.document import all_segments, document
from tertulia.transcripts.domain import Document, Draft, State, Transcript, settled
from tertulia.transcripts.store import SegmentStore, TranscriptStore
from tertulia.transcripts.store.whole import add_whole
from tertulia.transcripts.telling import Telling

BLOB_KIND = "transcript"
WRITE_DOCUMENT = "transcripts.finalise"
"""The job that writes one document."""
SETTLED_SECONDS = 30.0
"""After a correction the document waits so long for the next one."""
STALE_AT_ONCE = 500


Follow = Callable[[Transaction, Transcript], Awaitable[object]]
"""Begins what is made of a whole transcript at each of its versions."""


class Finalising:
    """Ends transcripts and keeps their documents at their versions."""

    def __init__(self, blobs: BlobService, clock: Clock, telling: Telling, jobs: Jobs) -> None:
        self._blobs = blobs
        self._clock = clock
        self._telling = telling
        self._jobs = jobs
        self._transcripts = TranscriptStore()
        self._segments = SegmentStore()
        self._follows: list[Follow] = []

    def after_writing(self, follow: Follow) -> None:
        """Has `follow` called, in the same transaction, whenever a document was written."""
        self._follows.append(follow)

    async def close(self, tx: Transaction, found: Transcript) -> Transcript:
        """Makes it final. Nothing is written yet, so a full disk keeps nothing from ending."""
        if found.state is State.FINAL:
            return found
        until, people = await self._segments.extent(tx, found.id)
        now = self._clock.now()
        duration = max(found.duration_seconds, until)
        # a recording of last week ended last week, whenever it was handed over
        ended_at = found.ended_at or min(now, found.started_at + timedelta(seconds=duration))
        final = replace(
            found,
            state=State.FINAL,
            ended_at=ended_at,
            duration_seconds=duration,
            people=tuple(sorted({*found.people, *people})),
            updated_at=now,
        )
        changes = {
            "state": State.FINAL.value,
            "ended_at": final.ended_at,
            "duration_seconds": final.duration_seconds,
            "people": list(final.people),
            "updated_at": now,
        }
        await self._transcripts.change(tx, found.id, changes)
        await self._telling.changed(tx, final)
        await self._telling.ended(tx, final)
        return final

    async def record(self, tx: Transaction, new: Transcript, drafts: Sequence[Draft]) -> Transcript:
        """Keeps one that is whole when it comes; a second one of the same door and source is the first."""
        said = [draft for draft in settled(drafts).values() if draft.is_final]
        duration = max((draft.end for draft in said), default=0.0)
        final = replace(
            new,
            ended_at=min(new.created_at, new.started_at + timedelta(seconds=duration)),
            duration_seconds=duration,
            people=tuple(sorted({draft.person for draft in said if draft.person})),
        )
        if not await add_whole(tx, final, said):
            assert new.source_id is not None
            there = await self._transcripts.find_by_source(
                tx, new.space_id, new.kind, new.source_id
            )
            assert there is not None
            return there
        await self._telling.recorded(tx, final)
        await self.later(tx, final.id)
        return final

    async def later(self, tx: Transaction, id_: UUID, *, seconds: float = 0.0) -> None:
        """Has the document written by a job, once `tx` is committed."""
        at = self._clock.now() + timedelta(seconds=seconds) if seconds else None
        await self._jobs.enqueue(tx, WRITE_DOCUMENT, {"id": str(id_)}, key=str(id_), schedule_at=at)

    async def write(self, tx: Transaction, found: Transcript) -> Transcript:
        """Writes the document of a final transcript; one that is of this version stays."""
        if found.document_is_current:
            return found
        until, people = await self._segments.extent(tx, found.id)
        now = self._clock.now()
        whole = replace(
            found,
            duration_seconds=max(found.duration_seconds, until),
            people=tuple(sorted({*found.people, *people})),
        )
        blob = await self._blobs.put(
            tx,
            document(whole, all_segments(self._segments, tx, whole)),
            kind=BLOB_KIND,
            content_type="application/json",
            name=f"{whole.title or 'transcript'}.json",
            space_id=whole.space_id,
        )
        if found.document is not None:
            await self._blobs.delete(tx, found.document.blob_id)
        changes = {
            "duration_seconds": whole.duration_seconds,
            "people": list(whole.people),
            "blob_id": blob.id,
            "blob_size_bytes": blob.ref.size_bytes,
            "blob_version": whole.version,
            "ready_at": now,
        }
        await self._transcripts.change(tx, found.id, changes)
        ready = Document(blob.id, blob.ref.size_bytes, whole.version, now)
        whole = replace(whole, document=ready)
        for follow in self._follows:
            await follow(tx, whole)
        await self._telling.changed(tx, whole)
        return whole

    async def stale(self, tx: Transaction) -> Sequence[Orphan]:
        """Final transcripts that have no document, or one of an earlier version."""
        ids = await self._transcripts.stale(tx, STALE_AT_ONCE)
        return [Orphan(str(id_), {"id": str(id_)}) for id_ in ids]
