"""Transcripts: begun, added to, read, corrected, made whole, removed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tertulia.blobs.domain import Blob
from tertulia.blobs.service import BlobService
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.ids import new_id
from tertulia.kernel.pages import Position
from tertulia.speech.domain import Recognition
from tertulia.transcripts.appending import CHANGED, Announcer, Appending, topic_of
from tertulia.transcripts.document import all_segments, document
from tertulia.transcripts.domain import (
    Document,
    Draft,
    Edit,
    Filter,
    Kind,
    Outcome,
    Segment,
    SegmentMissingError,
    SegmentNotFinalError,
    State,
    Transcript,
    TranscriptMissingError,
    TranscriptOutdatedError,
    realigned,
    tidy,
    tidy_language,
    tidy_name,
    tidy_tags,
    tidy_text,
    tidy_title,
)
from tertulia.transcripts.importing import Imported
from tertulia.transcripts.searching import Hit, HitPosition, Order, Query
from tertulia.transcripts.store import SearchStore, SegmentStore, TranscriptStore
from tertulia.transcripts.store.segments import Place

BLOB_KIND = "transcript"
MOST_EDITS = 200
AT_ONCE = 2_000
"""Segments of a file that are written in one statement."""

Spaces = Sequence[UUID]


class TranscriptService:
    """The hall. Whoever asks says in which spaces they are; what is elsewhere is not there for them."""

    def __init__(self, *, blobs: BlobService, clock: Clock, announcer: Announcer) -> None:
        self._blobs = blobs
        self._clock = clock
        self._announcer = announcer
        self._appending = Appending(clock, announcer)
        self._transcripts = TranscriptStore()
        self._segments = SegmentStore()
        self._search = SearchStore()

    # Transcripts

    async def create(
        self,
        tx: Transaction,
        space_id: UUID,
        kind: Kind,
        *,
        title: str = "",
        source_id: str | None = None,
        language: str | None = None,
        provider: str | None = None,
        started_at: datetime | None = None,
        tags: Sequence[str] = (),
        people: Sequence[str] = (),
        created_by: UUID | None = None,
    ) -> Transcript:
        """Begins a transcript; a second one of the same door and source is the first."""
        now = self._clock.now()
        source_id = tidy_name(source_id)
        new = Transcript(
            id=new_id(),
            space_id=space_id,
            kind=kind,
            title=tidy_title(title),
            state=State.OPEN,
            started_at=started_at or now,
            created_at=now,
            updated_at=now,
            source_id=source_id,
            language=tidy_language(language),
            provider=tidy_name(provider),
            tags=tidy_tags(tags),
            people=tidy_tags(people),
            created_by=created_by,
        )
        if await self._transcripts.add(tx, new):
            return new
        assert source_id is not None
        there = await self._transcripts.find_by_source(tx, space_id, kind, source_id)
        assert there is not None
        return there

    async def get(self, tx: Transaction, spaces: Spaces, id_: UUID) -> Transcript:
        return _there(await self._transcripts.find(tx, id_, spaces))

    async def list(
        self, tx: Transaction, wanted: Filter, after: Position | None, limit: int
    ) -> Sequence[Transcript]:
        """The latest first; one more than asked for when there is a next page."""
        return await self._transcripts.list(tx, wanted, after, limit + 1)

    async def update(
        self,
        tx: Transaction,
        spaces: Spaces,
        id_: UUID,
        *,
        title: str | None = None,
        language: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Transcript:
        """Changes what is given; a language is that of every segment that had the old one."""
        found = await self._locked(tx, spaces, id_)
        changes: dict[str, Any] = {}
        if title is not None:
            changes["title"] = tidy_title(title)
        if tags is not None:
            changes["tags"] = list(tidy_tags(tags))
        if language is not None and tidy_language(language) != found.language:
            changes["language"] = tidy_language(language)
            await self._segments.set_language(tx, id_, found.language, changes["language"])
        if not changes:
            return found
        return await self._change(tx, found, changes)

    async def delete(self, tx: Transaction, spaces: Spaces, id_: UUID) -> None:
        """Removes it with its segments, its edits and its document."""
        found = await self._locked(tx, spaces, id_)
        await self._transcripts.remove(tx, id_)
        if found.document is not None:
            await self._blobs.delete(tx, found.document.blob_id)
        await self._tell(tx, found, deleted=True)

    # Segments

    async def append(
        self, tx: Transaction, id_: UUID, drafts: Sequence[Draft]
    ) -> Sequence[Outcome]:
        """Adds to one transcript inside `tx`; sessions that last hand theirs to the writer instead."""
        ready = [tidy(draft) for draft in drafts]
        outcomes = await self._appending.append(tx, {id_: ready})
        found = [outcomes[id_, draft.utterance_id] for draft in ready]
        if Outcome.MISSING in found:
            raise TranscriptMissingError
        return found

    async def segments(
        self, tx: Transaction, transcript: Transcript, after: Place | None, limit: int
    ) -> Sequence[Segment]:
        """As they were said; one more than asked for when there is a next page."""
        return await self._segments.list(tx, transcript.id, after, limit + 1)

    async def edit(
        self,
        tx: Transaction,
        spaces: Spaces,
        id_: UUID,
        utterance_id: str,
        *,
        text: str | None = None,
        speaker: str | None = None,
        person: str | None = None,
        by: UUID | None = None,
        version: int | None = None,
    ) -> Segment:
        """The only way a final text changes; an empty speaker or person takes it away."""
        found = await self._locked(tx, spaces, id_, version)
        before = await self._segments.find(tx, id_, utterance_id, lock=True)
        if before is None:
            raise SegmentMissingError
        if not before.is_final:
            raise SegmentNotFinalError("Wait until it is said to its end, and edit it then.")
        after = before
        if text is not None:
            said = tidy(Draft(utterance_id, tidy_text(text), before.start, before.end)).text
            after = replace(after, text=said, words=realigned(before.words, said))
        if speaker is not None:
            after = replace(after, speaker=tidy_name(speaker))
        if person is not None:
            after = replace(after, person=tidy_name(person))
        if after == before:
            return before
        after = replace(after, edited_at=self._clock.now())
        await self._segments.edit(tx, before, after, found.version + 1, by)
        await self._grown(tx, found)
        return after

    async def rename_speaker(
        self,
        tx: Transaction,
        spaces: Spaces,
        id_: UUID,
        before: str | None,
        after: str | None,
        *,
        person: str | None = None,
        by: UUID | None = None,
    ) -> Transcript:
        """Gives all that one speaker said another name and, where known, the person they are."""
        found = await self._locked(tx, spaces, id_)
        changes = {
            "speaker": tidy_name(after),
            "person": tidy_name(person),
            "edited_at": self._clock.now(),
        }
        renamed = await self._segments.rename(
            tx, id_, tidy_name(before), changes, found.version + 1, by
        )
        if not renamed:
            raise SegmentMissingError("Nobody of that name speaks in this transcript.")
        return await self._grown(tx, found)

    async def edits(
        self, tx: Transaction, transcript: Transcript, utterance_id: str
    ) -> Sequence[Edit]:
        """What was changed of one segment, the latest first."""
        return await self._segments.edits(tx, transcript.id, utterance_id, MOST_EDITS)

    # Whole

    async def finalise(self, tx: Transaction, spaces: Spaces | None, id_: UUID) -> Transcript:
        """Makes it final and writes its document. Once more changes nothing, unless it was changed meanwhile."""
        found = await self._locked(tx, spaces, id_)
        if found.state is State.FINAL and found.document_is_current:
            return found
        until, people = await self._segments.extent(tx, id_)
        now = self._clock.now()
        whole = replace(
            found,
            state=State.FINAL,
            ended_at=found.ended_at or now,
            duration_seconds=until,
            people=tuple(sorted({*found.people, *people})),
            updated_at=now,
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
            "state": State.FINAL.value,
            "ended_at": whole.ended_at,
            "duration_seconds": until,
            "people": list(whole.people),
            "updated_at": now,
            "blob_id": blob.id,
            "blob_size_bytes": blob.ref.size_bytes,
            "blob_version": whole.version,
            "ready_at": now,
        }
        await self._transcripts.change(tx, id_, changes)
        ready = Document(blob.id, blob.ref.size_bytes, whole.version, now)
        whole = replace(whole, document=ready)
        await self._tell(tx, whole)
        return whole

    async def document(self, tx: Transaction, spaces: Spaces, id_: UUID) -> Blob:
        """The document of a final transcript, made again when it was changed since."""
        found = await self.get(tx, spaces, id_)
        if found.state is State.OPEN:
            raise SegmentNotFinalError("The conversation goes on. Finalise the transcript first.")
        if not found.document_is_current:
            found = await self.finalise(tx, spaces, id_)
        assert found.document is not None
        return await self._blobs.get(tx, found.document.blob_id)

    async def recognition(
        self, tx: Transaction, transcript: Transcript, *, original: bool = False
    ) -> Recognition:
        """All of it as the export formats take it, edited or as it was first written."""
        said: list[Segment] = []
        async for piece in all_segments(self._segments, tx, transcript):
            said += await self._as_first_written(tx, transcript, piece) if original else piece
        until = max((s.end for s in said), default=0.0)
        return replace(
            transcript.recognition(said), duration_seconds=max(transcript.duration_seconds, until)
        )

    async def bring_in(
        self,
        tx: Transaction,
        space_id: UUID,
        imported: Imported,
        *,
        title: str = "",
        language: str | None = None,
        tags: Sequence[str] = (),
        created_by: UUID | None = None,
    ) -> Transcript:
        """Makes a final transcript of a file; what is said here counts before what the file says of itself."""
        made = await self.create(
            tx,
            space_id,
            Kind.IMPORTS,
            title=title or imported.title or "",
            language=language or imported.language,
            provider=imported.provider,
            started_at=imported.started_at,
            tags=[*tags, *imported.tags],
            created_by=created_by,
        )
        for start in range(0, len(imported.drafts), AT_ONCE):
            await self.append(tx, made.id, imported.drafts[start : start + AT_ONCE])
        return await self.finalise(tx, [space_id], made.id)

    # Search

    async def search(
        self,
        tx: Transaction,
        query: Query,
        wanted: Filter,
        *,
        order: Order = Order.RANK,
        after: HitPosition | None = None,
        limit: int,
    ) -> Sequence[Hit]:
        """What holds the words, where the asker may look; one more than asked for when there is a next page."""
        if query.is_empty or not wanted.spaces:
            return []
        return await self._search.search(tx, query, wanted, order, after, limit + 1)

    # Inside

    async def _as_first_written(
        self, tx: Transaction, transcript: Transcript, piece: Sequence[Segment]
    ) -> Sequence[Segment]:
        edited = [s.utterance_id for s in piece if s.edited_at is not None]
        if not edited:
            return piece
        firsts = await self._segments.originals(tx, transcript.id, edited)
        return [
            replace(s, text=first[0], speaker=first[1], words=first[2])
            if (first := firsts.get(s.utterance_id))
            else s
            for s in piece
        ]

    async def _locked(
        self, tx: Transaction, spaces: Spaces | None, id_: UUID, version: int | None = None
    ) -> Transcript:
        found = _there(await self._transcripts.find(tx, id_, spaces, lock=True))
        if version is not None and version != found.version:
            raise TranscriptOutdatedError(
                f"It is at version {found.version} by now. Read it again and repeat the change."
            )
        return found

    async def _grown(self, tx: Transaction, found: Transcript) -> Transcript:
        return await self._change(tx, found, {})

    async def _change(
        self, tx: Transaction, found: Transcript, changes: Mapping[str, Any]
    ) -> Transcript:
        counted = {**changes, "version": found.version + 1, "updated_at": self._clock.now()}
        await self._transcripts.change(tx, found.id, counted)
        changed = _there(await self._transcripts.find(tx, found.id, None))
        await self._tell(tx, changed)
        return changed

    async def _tell(self, tx: Transaction, found: Transcript, *, deleted: bool = False) -> None:
        data = {
            "transcript_id": str(found.id),
            "state": found.state.value,
            "version": found.version,
            "deleted": deleted,
        }
        for topic in (topic_of(found.id), f"space:{found.space_id}"):
            await self._announcer.publish(tx, topic, CHANGED, data)


def _there(found: Transcript | None) -> Transcript:
    if found is None:
        raise TranscriptMissingError
    return found
