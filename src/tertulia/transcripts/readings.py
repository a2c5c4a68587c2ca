"""A conversation read again: another engine's text beside the current one, the difference, and which one counts."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from tertulia.blobs.domain import Download
from tertulia.jobs import Jobs, Orphan
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.ids import new_id
from tertulia.speech.domain import Recognition
from tertulia.speech.transcriptions.domain import Wishes
from tertulia.transcripts.difference import Difference, Said, difference, words_of
from tertulia.transcripts.domain import (
    Draft,
    Reading,
    ReadingStatus,
    Segment,
    State,
    Transcript,
    tidy,
    words_to_rows,
)
from tertulia.transcripts.errors import (
    ReadingInUseError,
    ReadingMissingError,
    ReadingUnfinishedError,
    SegmentNotFinalError,
)
from tertulia.transcripts.recordings import Recordings, drafts_of
from tertulia.transcripts.service import Spaces, TranscriptService
from tertulia.transcripts.store.readings import ReadingStore, rows_of
from tertulia.transcripts.store.segments import Place
from tertulia.transcripts.telling import READ_AGAIN

AGAIN = "transcripts.read_again"
"""The job that reads one recording once more."""
PIECE = 2_000


@dataclass(frozen=True, slots=True)
class Begun:
    """A reading under way: what is asked, whose budget it is, and the recording."""

    reading: Reading
    space_id: UUID
    audio: Download

    @property
    def wishes(self) -> Wishes:
        r = self.reading
        return Wishes(r.engine_asked, r.language_asked, r.split)


class Readings:
    """The readings of a conversation. The first is what its door heard; without a second there is only that."""

    def __init__(
        self,
        hall: TranscriptService,
        recordings: Recordings,
        jobs: Jobs,
        clock: Clock,
        check: Callable[[Wishes], None],
    ) -> None:
        self._hall = hall
        self._recordings = recordings
        self._jobs = jobs
        self._clock = clock
        self._check = check
        self._store = ReadingStore()

    async def list(self, tx: Transaction, spaces: Spaces, id_: UUID) -> Sequence[Reading]:
        """In the order they were asked for."""
        found = await self._hall.get(tx, spaces, id_)
        return await self._store.list(tx, id_) or [_first(found)]

    async def ask(
        self, tx: Transaction, spaces: Spaces, id_: UUID, wishes: Wishes, by: UUID | None
    ) -> Reading:
        """Has the recording of a final conversation read by another engine."""
        self._check(wishes)
        found = await self._hall.locked(tx, spaces, id_)
        if found.state is State.OPEN:
            raise SegmentNotFinalError("The conversation goes on. Read it again when it is final.")
        await self._recordings.audio(tx, spaces, id_)
        known = await self._store.list(tx, id_)
        if not known:
            known = [_first(found)]
            await self._store.add(tx, known[0])
        new = Reading(
            transcript_id=id_,
            number=known[-1].number + 1,
            status=ReadingStatus.PENDING,
            is_current=False,
            created_at=self._clock.now(),
            id=new_id(),
            engine_asked=wishes.engine,
            language_asked=wishes.language or found.language,
            split=wishes.split,
            created_by=by,
        )
        await self._store.add(tx, new)
        await self._jobs.enqueue(tx, AGAIN, {"id": str(new.id)}, key=str(new.id))
        return new

    async def segments(
        self,
        tx: Transaction,
        spaces: Spaces,
        id_: UUID,
        number: int,
        after: Place | None,
        limit: int,
    ) -> Sequence[Segment]:
        """One reading's text; one more segment than asked for when there is a next page."""
        found = await self._hall.get(tx, spaces, id_)
        reading = await self._done(tx, found, number)
        if reading.is_current:
            return await self._hall.segments(tx, found, after, limit)
        return await self._store.segments(tx, found, reading.id, after, limit + 1)

    async def difference(
        self, tx: Transaction, spaces: Spaces, id_: UUID, number: int, against: int | None = None
    ) -> Difference:
        """What another reading says otherwise than the current one, or than `against`."""
        found = await self._hall.get(tx, spaces, id_)
        other = await self._words(tx, found, number)
        if against is None:
            known = await self._store.list(tx, id_) or [_first(found)]
            against = next(reading.number for reading in known if reading.is_current)
        before = await self._words(tx, found, against)
        return await asyncio.to_thread(difference, before, other)

    async def choose(
        self, tx: Transaction, spaces: Spaces, id_: UUID, number: int, version: int | None = None
    ) -> Transcript:
        """Makes a reading the current one: what is searched, corrected, exported and analysed from now on."""
        found = await self._hall.locked(tx, spaces, id_, version)
        chosen = await self._done(tx, found, number)
        if chosen.is_current:
            return found
        known = await self._store.list(tx, id_)
        current = next(reading for reading in known if reading.is_current)
        # what was corrected since may have another language by now
        kept = {"language": found.language, "provider": found.provider}
        await self._store.change(tx, current.id, kept)
        await self._store.swap(tx, found, current.id, chosen.id)
        said = {"language": chosen.language or found.language, "provider": chosen.provider}
        return await self._hall.change(tx, found, said)

    async def delete(self, tx: Transaction, spaces: Spaces, id_: UUID, number: int) -> None:
        """Removes a reading that is not the current one; one that is under way is stopped."""
        found = await self._hall.locked(tx, spaces, id_)
        reading = await self._find(tx, found, number)
        if reading.is_current:
            raise ReadingInUseError("Choose another reading first, and remove this one then.")
        await self._store.remove(tx, reading.id)

    # What the job does

    async def begin(self, tx: Transaction, id_: UUID) -> Begun | None:
        """Marks it as running and opens the recording; None when it is gone or has ended."""
        reading = await self._store.get(tx, id_)
        if reading is None or reading.status in (ReadingStatus.DONE, ReadingStatus.FAILED):
            return None
        await self._store.change(tx, id_, {"status": ReadingStatus.RUNNING.value})
        blob = await self._recordings.audio(tx, None, reading.transcript_id)
        found = await self._hall.get(tx, None, reading.transcript_id)
        return Begun(reading, found.space_id, await self._recordings.open(blob))

    async def finish(self, tx: Transaction, id_: UUID, text: Recognition) -> None:
        """Writes the text down beside the current one. Where a channel is one person's, it stays theirs."""
        reading = await self._store.get(tx, id_)
        if reading is None:
            return
        names = await self._store.names_of_channels(tx, reading.transcript_id)
        # the numbers keep apart what two readings call alike: corrections hang on them
        drafts = [
            _named(tidy(d, self._hall.redaction), names)
            for d in drafts_of(text, f"r{reading.number}.")
        ]
        await self._store.put_segments(tx, id_, rows_of(drafts, words_to_rows))
        changes = {
            "status": ReadingStatus.DONE.value,
            "provider": text.provider,
            "language": text.language,
            "finished_at": self._clock.now(),
        }
        await self._store.change(tx, id_, changes)
        said = {"number": reading.number, "provider": text.provider}
        await self._hall.tell(tx, reading.transcript_id, READ_AGAIN, **said)

    async def fail(self, tx: Transaction, id_: UUID, error: TertuliaError) -> None:
        """Writes down why there will be no text."""
        reading = await self._store.get(tx, id_)
        if reading is not None and reading.status is not ReadingStatus.DONE:
            changes = {"status": ReadingStatus.FAILED.value, "error": error.problem()}
            await self._store.change(tx, id_, {**changes, "finished_at": self._clock.now()})
            await self._hall.tell(tx, reading.transcript_id)

    async def orphans(self, tx: Transaction) -> Sequence[Orphan]:
        return [Orphan(str(i), {"id": str(i)}) for i in await self._store.open_ids(tx)]

    # Inside

    async def _find(self, tx: Transaction, found: Transcript, number: int) -> Reading:
        reading = await self._store.find(tx, found.id, number)
        if reading is None and number == 1 and not await self._store.list(tx, found.id):
            return _first(found)
        if reading is None:
            raise ReadingMissingError
        return reading

    async def _done(self, tx: Transaction, found: Transcript, number: int) -> Reading:
        reading = await self._find(tx, found, number)
        if reading.status is not ReadingStatus.DONE:
            raise ReadingUnfinishedError(f"This reading is {reading.status.value}, it has no text.")
        return reading

    async def _words(self, tx: Transaction, found: Transcript, number: int) -> Sequence[Said]:
        words: tuple[Said, ...] = ()
        after: Place | None = None
        while True:
            piece = await self.segments(tx, [found.space_id], found.id, number, after, PIECE)
            words += tuple(words_of([s for s in piece[:PIECE] if s.is_final]))
            if len(piece) <= PIECE:
                return words
            after = (piece[PIECE - 1].start, piece[PIECE - 1].utterance_id)


def _first(found: Transcript) -> Reading:
    """What the conversation's door heard, where nobody has asked for another reading yet."""
    return Reading(
        transcript_id=found.id,
        number=1,
        status=ReadingStatus.DONE,
        is_current=True,
        created_at=found.created_at,
        id=new_id(),
        provider=found.provider,
        language=found.language,
        created_by=found.created_by,
        finished_at=found.ended_at,
    )


def _named(draft: Draft, names: dict[int, tuple[str | None, str | None]]) -> Draft:
    if draft.channel is None or draft.speaker is not None or draft.channel not in names:
        return draft
    speaker, person = names[draft.channel]
    return replace(draft, speaker=speaker, person=person)
