"""Transcripts: begun, added to, read, corrected, made whole, removed."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tertulia.blobs.domain import Blob
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs, Orphan
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.ids import new_id
from tertulia.kernel.pages import Position
from tertulia.speech.redaction import Redaction
from tertulia.transcripts.appending import Announcer, Appending
from tertulia.transcripts.domain import (
    NOTHING_HIDDEN,
    Draft,
    Edit,
    Filter,
    Kind,
    Outcome,
    Segment,
    State,
    Transcript,
    realigned,
    tidy,
    tidy_language,
    tidy_name,
    tidy_tags,
    tidy_text,
    tidy_title,
)
from tertulia.transcripts.errors import (
    SegmentMissingError,
    SegmentNotFinalError,
    TranscriptMissingError,
    TranscriptOutdatedError,
)
from tertulia.transcripts.finalising import SETTLED_SECONDS, Finalising, Follow
from tertulia.transcripts.importing import Imported
from tertulia.transcripts.searching import Facets, Hit, HitPosition, Order, Query
from tertulia.transcripts.store import FacetStore, SearchStore, SegmentStore, TranscriptStore
from tertulia.transcripts.store.segments import Place
from tertulia.transcripts.telling import ERASED, OPENED, Outside, Telling

MOST_EDITS = 200
AT_ONCE = 2_000
"""Segments of a file that are written in one statement."""

Spaces = Sequence[UUID]
Farewell = Callable[[Transaction, Sequence[UUID]], Awaitable[object]]
"""Removes what a package keeps of transcripts that are about to go; may tell how much, by name, for the receipt."""


class TranscriptService:
    """The hall. Whoever asks says in which spaces they are; what is elsewhere is not there for them."""

    def __init__(
        self,
        *,
        blobs: BlobService,
        clock: Clock,
        announcer: Announcer,
        jobs: Jobs,
        outside: Outside | None = None,
        redaction: Redaction = NOTHING_HIDDEN,
    ) -> None:
        self.redaction = redaction
        self._blobs = blobs
        self._clock = clock
        self._telling = Telling(announcer, outside)
        self._finalising = Finalising(blobs, clock, self._telling, jobs)
        self._farewells: list[Farewell] = []
        self._appending = Appending(clock, announcer)
        self._transcripts = TranscriptStore()
        self._segments = SegmentStore()
        self._search = SearchStore()
        self._facets = FacetStore()

    # Transcripts

    async def create(
        self,
        tx: Transaction,
        space_id: UUID,
        kind: Kind,
        *,
        id_: UUID | None = None,
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
            id=id_ or new_id(),
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
            await self._telling.outside(tx, OPENED, new)
            return new
        assert source_id is not None
        there = await self._transcripts.find_by_source(tx, space_id, kind, source_id)
        assert there is not None
        return there

    async def record(
        self,
        tx: Transaction,
        space_id: UUID,
        kind: Kind,
        drafts: Sequence[Draft],
        *,
        title: str = "",
        source_id: str | None = None,
        language: str | None = None,
        provider: str | None = None,
        started_at: datetime | None = None,
        tags: Sequence[str] = (),
        created_by: UUID | None = None,
    ) -> Transcript:
        """Keeps a conversation that is over when it comes: `create`, `append` and `finish` in one statement."""
        now = self._clock.now()
        new = Transcript(
            id=new_id(),
            space_id=space_id,
            kind=kind,
            title=tidy_title(title),
            state=State.FINAL,
            started_at=started_at or now,
            created_at=now,
            updated_at=now,
            source_id=tidy_name(source_id),
            language=tidy_language(language),
            provider=tidy_name(provider),
            tags=tidy_tags(tags),
            created_by=created_by,
        )
        return await self._finalising.record(tx, new, [tidy(d, self.redaction) for d in drafts])

    async def get(self, tx: Transaction, spaces: Spaces | None, id_: UUID) -> Transcript:
        """The transcript, if it is in one of these spaces; None stands for any."""
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
        found = await self.locked(tx, spaces, id_)
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
        return await self.change(tx, found, changes)

    def before_erasure(self, farewell: Farewell) -> None:
        """Has `farewell` called, in the same transaction, before transcripts go, or a person's words out of them.

        It removes all that its package keeps of them: copies of what was said, results, recordings.
        """
        self._farewells.append(farewell)

    def after_writing(self, follow: Follow) -> None:
        """Has `follow` called, in the same transaction, whenever a final transcript's document was written."""
        self._finalising.after_writing(follow)

    async def delete(self, tx: Transaction, spaces: Spaces | None, id_: UUID) -> None:
        """Removes it with everything that hangs on it."""
        await self.remove(tx, [await self.locked(tx, spaces, id_)])

    async def remove(self, tx: Transaction, gone: Sequence[Transcript]) -> Counter[str]:
        """Removes transcripts that are locked, with their documents and recordings; says how much went."""
        ids = [t.id for t in gone]
        counts = await self._transcripts.counts(tx, ids)
        counts.update(await self.part(tx, ids))
        await self._transcripts.remove(tx, ids)
        blobs = [t.document.blob_id for t in gone if t.document]
        blobs += [t.audio.blob_id for t in gone if t.audio]
        counts["files"] += await self._blobs.delete(tx, *blobs)
        for found in gone:
            await self._telling.changed(tx, found, deleted=True)
            await self._telling.outside(tx, ERASED, found)
        return counts

    # Segments

    async def append(
        self, tx: Transaction, id_: UUID, drafts: Sequence[Draft]
    ) -> Sequence[Outcome]:
        """Adds to one transcript inside `tx`; sessions that last hand theirs to the writer instead."""
        ready = [tidy(draft, self.redaction) for draft in drafts]
        outcomes = await self._appending.append(tx, {id_: ready})
        found = [outcomes[id_, draft.utterance_id] for draft in ready]
        if Outcome.MISSING in found:
            raise TranscriptMissingError
        return found

    async def append_all(self, tx: Transaction, id_: UUID, drafts: Sequence[Draft]) -> None:
        """Adds any number, a statement for each few thousand."""
        for start in range(0, len(drafts), AT_ONCE):
            await self.append(tx, id_, drafts[start : start + AT_ONCE])

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
        found = await self.locked(tx, spaces, id_, version)
        before = await self._segments.find(tx, id_, utterance_id, lock=True)
        if before is None:
            raise SegmentMissingError
        if not before.is_final:
            raise SegmentNotFinalError("Wait until it is said to its end, and edit it then.")
        after = before
        if text is not None:
            draft = Draft(utterance_id, tidy_text(text), before.start, before.end)
            said = tidy(draft, self.redaction).text
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
        channel: int | None = None,
        by: UUID | None = None,
    ) -> Transcript:
        """Gives all that one speaker said another name and, where known, the person they are."""
        found = await self.locked(tx, spaces, id_)
        changes = {
            "speaker": tidy_name(after),
            "person": tidy_name(person),
            "edited_at": self._clock.now(),
        }
        renamed = await self._segments.rename(
            tx, id_, tidy_name(before), changes, found.version + 1, by, channel
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

    async def finish(self, tx: Transaction, spaces: Spaces | None, id_: UUID) -> Transcript:
        """Makes it final at once; its document is written by a job. What doors call when a conversation ends."""
        final = await self._finalising.close(tx, await self.locked(tx, spaces, id_))
        if not final.document_is_current:
            await self._finalising.later(tx, id_)
        return final

    async def finalise(self, tx: Transaction, spaces: Spaces | None, id_: UUID) -> Transcript:
        """Makes it final and writes its document. Once more changes nothing, unless it was changed meanwhile."""
        final = await self._finalising.close(tx, await self.locked(tx, spaces, id_))
        return await self._finalising.write(tx, final)

    async def write_document(self, tx: Transaction, id_: UUID) -> None:
        """What the job does: the document of a final transcript, at the version it has by now."""
        found = await self.locked(tx, None, id_)
        if found.state is State.FINAL:
            await self._finalising.write(tx, found)

    async def stale(self, tx: Transaction) -> Sequence[Orphan]:
        """Final transcripts for which that job should stand."""
        return await self._finalising.stale(tx)

    async def document(self, tx: Transaction, spaces: Spaces, id_: UUID) -> Blob:
        """The document of a final transcript, made again when it was changed since."""
        found = await self.get(tx, spaces, id_)
        if found.state is State.OPEN:
            raise SegmentNotFinalError("The conversation goes on. Finalise the transcript first.")
        if not found.document_is_current:
            found = await self.finalise(tx, spaces, id_)
        assert found.document is not None
        return await self._blobs.get(tx, found.document.blob_id)

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
        await self.append_all(tx, made.id, imported.drafts)
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

    async def facets(self, tx: Transaction, query: Query, wanted: Filter) -> Facets:
        """What the conversations found have in common."""
        return await self._facets.facets(tx, query, wanted)

    # For the other parts of the hall

    async def part(self, tx: Transaction, ids: Sequence[UUID]) -> Counter[str]:
        """Has every package remove what it keeps of these; says how much of what that was, where they tell."""
        counts: Counter[str] = Counter()
        for farewell in self._farewells:
            told = await farewell(tx, ids)
            counts.update(told if isinstance(told, Mapping) else {})
        return counts

    async def tell(
        self, tx: Transaction, id_: UUID, outside: str | None = None, **more: Any
    ) -> None:
        """Lets those who look at it know that something about it is another, and those outside who asked."""
        found = await self.get(tx, None, id_)
        await self._telling.changed(tx, found)
        if outside is not None:
            await self._telling.outside(tx, outside, found, **more)

    async def locked(
        self, tx: Transaction, spaces: Spaces | None, id_: UUID, version: int | None = None
    ) -> Transcript:
        """The transcript, which nobody else changes until the transaction ends; of that version, where one is named."""
        found = _there(await self._transcripts.find(tx, id_, spaces, lock=True))
        if version is not None and version != found.version:
            raise TranscriptOutdatedError(
                f"It is at version {found.version} by now. Read it again and repeat the change."
            )
        return found

    async def change(
        self, tx: Transaction, found: Transcript, changes: Mapping[str, Any]
    ) -> Transcript:
        """Counts a change of what it says; its document follows."""
        counted = {**changes, "version": found.version + 1, "updated_at": self._clock.now()}
        await self._transcripts.change(tx, found.id, counted)
        changed = _there(await self._transcripts.find(tx, found.id, None))
        await self._telling.changed(tx, changed)
        if changed.state is State.FINAL:
            await self._finalising.later(tx, found.id, seconds=SETTLED_SECONDS)
        return changed

    # Inside

    async def _grown(self, tx: Transaction, found: Transcript) -> Transcript:
        return await self.change(tx, found, {})


def _there(found: Transcript | None) -> Transcript:
    if found is None:
        raise TranscriptMissingError
    return found
