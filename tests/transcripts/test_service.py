"""Transcripts on a real database: added to, corrected, made whole, removed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta

import pytest
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin, Heard

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.domain import Blob, BlobRef
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import StorageFullError
from tertulia.kernel.pages import Position
from tertulia.speech.domain import Word
from tertulia.transcripts.domain import Draft, Filter, Kind, Outcome, Segment, State, Transcript
from tertulia.transcripts.errors import (
    SegmentMissingError,
    SegmentNotFinalError,
    TranscriptMissingError,
    TranscriptOutdatedError,
)
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db


async def texts(database: Database, hall: TranscriptService, made: Transcript) -> list[str]:
    return [s.text for s in await segments(database, hall, made)]


async def segments(database: Database, hall: TranscriptService, made: Transcript) -> list[Segment]:
    async with database.transaction() as tx:
        return list(await hall.segments(tx, made, None, 1000))


async def append(
    database: Database, hall: TranscriptService, made: Transcript, *drafts: Draft
) -> list[Outcome]:
    async with database.transaction() as tx:
        return list(await hall.append(tx, made.id, drafts))


async def content(
    database: Database, hall: TranscriptService, blobs: BlobService, owner: Person, made: Transcript
) -> dict[str, object]:
    async with database.transaction() as tx:
        blob: Blob = await hall.document(tx, [owner.space.id], made.id)
    opened = await blobs.open(blob)
    async with aclosing(opened.chunks):  # type: ignore[type-var]
        found: dict[str, object] = json.loads(b"".join([c async for c in opened.chunks]))
    return found


async def test_drafts_give_way_to_finals_and_finals_to_nobody(
    database: Database, hall: TranscriptService, begin: Begin, heard: Heard
) -> None:
    made = await begin()
    long, short = Draft("u1", "a long guess", 0, 1, is_final=False), Draft("u1", "short", 0, 1)
    assert await append(database, hall, made, long) == [Outcome.WRITTEN]
    assert await append(database, hall, made, Draft("u1", "new", 0, 1, is_final=False)) == [
        Outcome.WRITTEN
    ]
    assert await append(database, hall, made, short) == [Outcome.WRITTEN]
    assert await append(database, hall, made, Draft("u1", "another final", 0, 1)) == [Outcome.KEPT]
    assert await append(database, hall, made, long) == [Outcome.KEPT]
    assert await texts(database, hall, made) == ["short"]
    assert heard.segments() == [("u1", False), ("u1", False), ("u1", True)]


async def test_finals_out_of_order_stand_in_the_order_they_were_said(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin()
    await append(database, hall, made, Draft("z", "third", 9, 10), Draft("b", "second", 5, 6))
    await append(database, hall, made, Draft("a", "first", 0.5, 1), Draft("c", "beside", 5, 6))
    assert await texts(database, hall, made) == ["first", "second", "beside", "third"]


async def test_two_writers_of_one_utterance_leave_one_final(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin()
    both = await asyncio.gather(
        *(append(database, hall, made, Draft("u", f"by {i}", 0, 1)) for i in range(4))
    )
    assert sorted(o[0] for o in both) == [Outcome.KEPT] * 3 + [Outcome.WRITTEN]
    winner = next(i for i, o in enumerate(both) if o == [Outcome.WRITTEN])
    assert await texts(database, hall, made) == [f"by {winner}"]


async def test_any_text_comes_back_as_it_was(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    said = [
        "שלום עולם 123",
        "🎙️👩‍👩‍👧",
        "'; drop table users; --",
        "\\ % _ ' \" \x01",
        "हिन्दी",
        "x" * 1_048_576,
    ]
    made = await begin(*said, "nul\x00byte")
    assert await texts(database, hall, made) == [*said, "nulbyte"]


async def test_words_and_speakers_are_kept(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin(language="es")
    words = (Word("hola", 0.1, 0.4, 0.9), Word("ñandú", 0.4, 0.9))
    said = Draft(
        "u", "hola ñandú", 0, 1, speaker="Ana", person="p1", channel=1, confidence=0.5, words=words
    )
    await append(database, hall, made, said, Draft("v", "hello", 1, 2, language="en-GB"))
    first, second = await segments(database, hall, made)
    assert (first.words, first.speaker, first.person, first.channel) == (words, "Ana", "p1", 1)
    assert (first.language, second.language, first.confidence) == ("es", "en-gb", 0.5)
    assert (second.words, second.speaker) == ((), None)


async def test_the_same_source_is_the_same_transcript(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    first = await begin(source_id="call-7", kind=Kind.CALLS, title="One")
    again = await begin(source_id="call-7", kind=Kind.CALLS, title="Two")
    other = await begin(source_id="call-7", kind=Kind.MEETINGS)
    assert again.id == first.id != other.id
    assert again.title == "One"


async def test_what_is_not_there_takes_nothing(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin("x")
    async with database.transaction() as tx:
        await hall.delete(tx, [made.space_id], made.id)
    with pytest.raises(TranscriptMissingError):
        await append(database, hall, made, Draft("u", "x", 0, 1))
    assert await texts(database, hall, made) == []


async def test_another_space_s_is_not_there(
    database: Database, hall: TranscriptService, begin: Begin, outsider: Person
) -> None:
    made = await begin("secret")
    elsewhere = [outsider.space.id]
    async with database.transaction() as tx:
        assert await hall.list(tx, Filter(elsewhere), None, 10) == []
    for attempt in (hall.get, hall.delete, hall.finalise, hall.document):
        with pytest.raises(TranscriptMissingError):
            async with database.transaction() as tx:
                await attempt(tx, elsewhere, made.id)
    with pytest.raises(TranscriptMissingError):
        async with database.transaction() as tx:
            await hall.edit(tx, elsewhere, made.id, "u0", text="mine")


async def test_an_edit_is_kept_with_what_was_there_before(
    database: Database, hall: TranscriptService, begin: Begin, owner: Person
) -> None:
    made = await begin("the blue cat", speakers=["Ana"])
    spaces = [made.space_id]
    async with database.transaction() as tx:
        await hall.edit(tx, spaces, made.id, "u0", text="the red cat", by=owner.user.id)
    async with database.transaction() as tx:
        await hall.edit(tx, spaces, made.id, "u0", text="the red\x00 hat", speaker="Eva")
        found = await hall.get(tx, spaces, made.id)
        last, first = await hall.edits(tx, found, "u0")
    assert (first.text_before, first.text_after) == ("the blue cat", "the red cat")
    assert (first.edited_by, first.version, last.version) == (owner.user.id, 2, 3)
    assert (last.speaker_before, last.speaker_after) == ("Ana", "Eva")
    exporter = Exporter(database)
    original = [piece async for piece in exporter.file(found, "txt", original=True)]
    edited = [piece async for piece in exporter.file(found, "txt")]
    assert (b"".join(original), b"".join(edited)) == (b"Ana: the blue cat\n", b"Eva: the red hat\n")
    assert await append(database, hall, made, Draft("u0", "late final", 0, 1)) == [Outcome.KEPT]


async def test_an_edit_that_cannot_be_is_refused(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin("final")
    await append(database, hall, made, Draft("d", "draft", 5, 6, is_final=False))
    for utterance_id, version, error in (
        ("nobody", None, SegmentMissingError),
        ("d", None, SegmentNotFinalError),
        ("u0", 7, TranscriptOutdatedError),
    ):
        with pytest.raises(error):
            async with database.transaction() as tx:
                await hall.edit(
                    tx, [made.space_id], made.id, utterance_id, text="x", version=version
                )


async def test_an_edit_that_changes_nothing_is_none(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin("same")
    async with database.transaction() as tx:
        await hall.edit(tx, [made.space_id], made.id, "u0", text="same")
        found = await hall.get(tx, [made.space_id], made.id)
        assert (found.version, await hall.edits(tx, found, "u0")) == (1, [])


async def test_a_speaker_is_renamed_everywhere(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin("a", "b", "c", speakers=["Speaker 1", "Speaker 2"])
    async with database.transaction() as tx:
        found = await hall.rename_speaker(
            tx, [made.space_id], made.id, "Speaker 1", "Ana", person="person:1"
        )
        assert found.version == 2
        assert len(await hall.edits(tx, found, "u2")) == 1
    assert [(s.speaker, s.person) for s in await segments(database, hall, made)] == [
        ("Ana", "person:1"),
        ("Speaker 2", None),
        ("Ana", "person:1"),
    ]
    with pytest.raises(SegmentMissingError):
        async with database.transaction() as tx:
            await hall.rename_speaker(tx, [made.space_id], made.id, "Nobody", "Ana")


async def test_finalised_it_is_one_document_and_once_more_the_same(
    database: Database,
    hall: TranscriptService,
    hall_blobs: BlobService,
    hall_clock: HeldClock,
    begin: Begin,
    owner: Person,
) -> None:
    made = await begin("hola", "¿qué tal? שלום 🎙", title="Monday", language="es", tags=["x"])
    await append(
        database, hall, made,
        Draft("p", "later", 10, 12.5, person="person:9"),
        Draft("d", "unfinished", 20, 21, is_final=False),
    )  # fmt: skip
    async with database.transaction() as tx:
        whole = await hall.finalise(tx, [made.space_id], made.id)
    await hall_clock.advance(60)
    async with database.transaction() as tx:
        again = await hall.finalise(tx, [made.space_id], made.id)
        blobs = await hall_blobs.list(tx, made.space_id)
    assert whole.state is State.FINAL
    assert again == whole
    assert len(blobs) == 1
    assert whole.document
    assert (whole.document.size_bytes, whole.document.version) == (blobs[0].ref.size_bytes, 1)
    found = await content(database, hall, hall_blobs, owner, made)
    assert (found["title"], found["duration_seconds"], found["people"]) == (
        "Monday",
        12.5,
        ["person:9"],
    )
    assert [s["text"] for s in found["segments"]] == ["hola", "¿qué tal? שלום 🎙", "later"]  # type: ignore[attr-defined]


async def test_an_edit_makes_the_document_anew(
    database: Database,
    hall: TranscriptService,
    hall_blobs: BlobService,
    begin: Begin,
    owner: Person,
) -> None:
    made = await begin("wrong")
    async with database.transaction() as tx:
        await hall.finalise(tx, [made.space_id], made.id)
        await hall.edit(tx, [made.space_id], made.id, "u0", text="right")
        found = await hall.get(tx, [made.space_id], made.id)
    assert not found.document_is_current
    document = await content(database, hall, hall_blobs, owner, made)
    assert document["segments"][0]["text"] == "right"  # type: ignore[index]
    async with database.transaction() as tx:
        assert (await hall.get(tx, [made.space_id], made.id)).document_is_current
        assert len(await hall_blobs.list(tx, made.space_id)) == 1


async def test_a_final_that_comes_after_the_end_is_kept_and_a_draft_is_not(
    database: Database,
    hall: TranscriptService,
    hall_blobs: BlobService,
    begin: Begin,
    owner: Person,
) -> None:
    made = await begin("first")
    async with database.transaction() as tx:
        await hall.finalise(tx, [made.space_id], made.id)
    late = Draft("l", "late", 5, 6, is_final=False)
    assert await append(database, hall, made, late, Draft("m", "last", 6, 7)) == [
        Outcome.LATE,
        Outcome.WRITTEN,
    ]
    assert await texts(database, hall, made) == ["first", "last"]
    document = await content(database, hall, hall_blobs, owner, made)
    assert (document["version"], len(document["segments"])) == (2, 2)  # type: ignore[arg-type]


class FullDisk(LocalStore):
    """A folder with no room left after the first bytes."""

    async def put(
        self, key: str, stream: AsyncIterator[bytes], *, content_type: str, name: str | None = None,
        max_bytes: int | None = None,
    ) -> BlobRef:  # fmt: skip
        async for _ in stream:
            raise StorageFullError("The disk is full. Make room.")
        raise AssertionError("nothing was written")


async def test_a_disk_that_fills_leaves_the_transcript_open(
    database: Database,
    local_store: LocalStore,
    hall_clock: HeldClock,
    heard: Heard,
    jobs: Jobs,
    begin: Begin,
) -> None:
    made = await begin("something")
    blobs = BlobService(database, FullDisk(local_store._root), hall_clock)
    full = TranscriptService(blobs=blobs, clock=hall_clock, announcer=heard, jobs=jobs)
    with pytest.raises(StorageFullError):
        async with database.transaction() as tx:
            await full.finalise(tx, [made.space_id], made.id)
    async with database.transaction() as tx:
        found = await full.get(tx, [made.space_id], made.id)
    assert (found.state, found.document) == (State.OPEN, None)


async def test_a_document_of_what_goes_on_is_refused(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin("x")
    with pytest.raises(SegmentNotFinalError):
        async with database.transaction() as tx:
            await hall.document(tx, [made.space_id], made.id)


async def test_removed_it_leaves_nothing(
    database: Database, hall: TranscriptService, hall_blobs: BlobService, begin: Begin
) -> None:
    made = await begin("x")
    async with database.transaction() as tx:
        await hall.finalise(tx, [made.space_id], made.id)
        await hall.edit(tx, [made.space_id], made.id, "u0", text="y")
        await hall.delete(tx, [made.space_id], made.id)
    async with database.transaction() as tx:
        assert await hall_blobs.list(tx, made.space_id) == []
    assert await texts(database, hall, made) == []


async def test_lists_go_by_cursor_and_filter(
    database: Database, hall: TranscriptService, begin: Begin, hall_clock: HeldClock
) -> None:
    made = []
    for i in range(5):
        await hall_clock.advance(60)
        made.append(await begin(title=str(i), tags=["even"] if i % 2 == 0 else [], language="es"))
    spaces = [made[0].space_id]

    async def titles(wanted: Filter) -> list[str]:
        async with database.transaction() as tx:
            return [t.title for t in await hall.list(tx, wanted, None, 10)]

    assert await titles(Filter(spaces)) == ["4", "3", "2", "1", "0"]
    assert await titles(Filter(spaces, tags=["even"])) == ["4", "2", "0"]
    assert await titles(Filter(spaces, kinds=[Kind.CALLS])) == []
    assert await titles(Filter(spaces, languages=["es"], since=made[3].started_at)) == ["4", "3"]
    assert await titles(Filter([])) == []


async def test_lists_of_several_spaces_are_one_list(
    database: Database,
    hall: TranscriptService,
    begin: Begin,
    hall_clock: HeldClock,
    owner: Person,
    outsider: Person,
) -> None:
    spaces = [owner.space.id, outsider.space.id]
    for i in range(9):
        await hall_clock.advance(60 * (i % 2))
        await begin(title=str(i), space_id=spaces[i % 3 % 2])
    seen: list[Transcript] = []
    after: Position | None = None
    async with database.transaction() as tx:
        while True:
            page = await hall.list(tx, Filter(spaces), after, 2)
            seen += page[:2]
            if len(page) <= 2:
                break
            after = Position(page[1].started_at, page[1].id)
    assert sorted(t.title for t in seen) == [str(i) for i in range(9)]
    assert seen == sorted(seen, key=lambda t: (t.started_at, t.id), reverse=True)


async def test_language_title_and_tags_change(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin("one", "two", language="en")
    await append(database, hall, made, Draft("r", "три", 9, 10, language="ru"))
    async with database.transaction() as tx:
        found = await hall.update(
            tx, [made.space_id], made.id, title=" New\n title ", language="ES", tags=["b", "a"]
        )
    assert (found.title, found.language, found.tags) == ("New title", "es", ("a", "b"))
    assert [s.language for s in await segments(database, hall, made)] == ["es", "es", "ru"]


async def test_it_ended_when_the_last_word_did_and_not_when_it_was_handed_over(
    database: Database, hall: TranscriptService, hall_clock: HeldClock, begin: Begin
) -> None:
    last_week = hall_clock.now() - timedelta(days=7)
    old = await begin("one", "two", started_at=last_week)
    now = await begin("one", "two")
    await hall_clock.advance(3)
    async with database.transaction() as tx:
        ended = await hall.finalise(tx, None, old.id)
        running = await hall.finalise(tx, None, now.id)
    assert ended.ended_at == last_week + timedelta(seconds=4)
    assert running.ended_at == hall_clock.now()
