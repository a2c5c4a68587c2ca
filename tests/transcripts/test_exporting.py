"""Exports: the same files, however the text comes in loads; zips of long and short conversations together."""

import io
import zipfile
from collections.abc import Sequence

import pytest
from tests.fixtures.transcripts import Begin

from tertulia.kernel.database import Database
from tertulia.speech.domain import Recognition, Word
from tertulia.speech.domain import Segment as Spoken
from tertulia.speech.formats import FORMATS, render
from tertulia.transcripts import exporting, loading
from tertulia.transcripts.domain import Draft, Filter, Transcript
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.searching import Query
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

LONG = "palabras que no caben en una sola línea de un subtítulo, ni en dos, ni siquiera en tres de ellas"


@pytest.fixture
def small_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loads of two and three lines, so that a few lines are many."""
    for name, value in (("FIRST_LINES", 2), ("FEWEST_LINES", 2), ("MOST_LINES", 3)):
        monkeypatch.setattr(loading, name, value)
    monkeypatch.setattr(exporting, "PAGE", 2)
    monkeypatch.setattr(exporting, "PLACES", 3)


def _drafts(number: int) -> list[Draft]:
    words = tuple(Word(w, i / 4, i / 4 + 0.2, 0.9) for i, w in enumerate(LONG.split()))
    return [
        Draft(
            f"u{n}",
            f"{n} café" if n % 2 else LONG,
            n * 10.0,
            n * 10.0 + 8,
            speaker="Ana" if n % 3 else None,
            channel=n % 2,
            words=() if n % 2 else words,
        )
        for n in range(number)
    ]


def _expected(transcript: Transcript, drafts: Sequence[Draft], form: str) -> bytes:
    spoken = tuple(
        Spoken(d.text, d.start, d.end, d.words, "es", None, d.speaker, d.channel) for d in drafts
    )
    until = max((d.end for d in drafts), default=0.0)
    return render(Recognition(spoken, transcript.language, until, ""), form)


async def _told(
    database: Database, hall: TranscriptService, begin: Begin
) -> dict[str, tuple[Transcript, list[Draft]]]:
    made = {}
    for number in (0, 1, 7, 2, 4):
        transcript = await begin(language="es")
        drafts = _drafts(number)
        async with database.transaction() as tx:
            await hall.append_all(tx, transcript.id, drafts)
        made[str(transcript.id)] = transcript, drafts
    return made


@pytest.mark.parametrize("form", FORMATS)
async def test_a_file_is_the_same_however_it_is_loaded(
    form: str, small_loads: None, database: Database, hall: TranscriptService, begin: Begin
) -> None:
    for transcript, drafts in (await _told(database, hall, begin)).values():
        pieces = [piece async for piece in Exporter(database).file(transcript, form)]
        expected = _expected(transcript, drafts, form)
        if form == "docx":
            assert _body(b"".join(pieces)) == _body(expected)
        else:
            assert b"".join(pieces) == expected


@pytest.mark.parametrize(("form", "words"), [("json", ""), ("srt", "cafe"), ("docx", "café")])
async def test_a_zip_holds_every_conversation_once_long_or_short(
    form: str,
    words: str,
    small_loads: None,
    database: Database,
    hall: TranscriptService,
    begin: Begin,
) -> None:
    told = await _told(database, hall, begin)
    space = next(iter(told.values()))[0].space_id
    archive = Exporter(database).archive(Query.parse(words), Filter([space]), form)
    packed = zipfile.ZipFile(io.BytesIO(b"".join([piece async for piece in archive])))
    assert packed.testzip() is None
    found = {name.rpartition(" ")[2].removesuffix(f".{form}"): name for name in packed.namelist()}
    assert set(found) == {id_ for id_, (_, said) in told.items() if not words or len(said) > 1}
    for id_, name in found.items():
        transcript, drafts = told[id_]
        held, expected = packed.read(name), _expected(transcript, drafts, form)
        if form == "docx":
            held, expected = _body(held), _body(expected)
        assert held == expected


async def test_a_download_that_is_broken_off_leaves_the_connection_usable(
    small_loads: None, database: Database, hall: TranscriptService, begin: Begin
) -> None:
    told = await _told(database, hall, begin)
    long = max(told.values(), key=lambda found: len(found[1]))[0]
    for _ in range(30):
        pieces = Exporter(database).file(long, "txt")
        assert await anext(pieces)
        await pieces.aclose()  # type: ignore[attr-defined]
    async with database.transaction() as tx:
        assert len(await hall.segments(tx, long, None, 10)) == 7


def _body(document: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(document)) as parts:
        return parts.read("word/document.xml")
