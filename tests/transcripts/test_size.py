"""Very many segments in one conversation: pages, document and subtitles, in little memory."""

import hashlib
import json
import tracemalloc
from contextlib import aclosing

import pytest
from sqlalchemy import text
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin

from tertulia.blobs.service import BlobService
from tertulia.kernel.database import Database
from tertulia.speech.domain import Recognition, Segment
from tertulia.speech.formats import render
from tertulia.transcripts.domain import Draft
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

MANY = 30_000
MOST_BYTES = 12 * 1_048_576
"""Well below what all of them would take."""


async def test_very_many_segments_are_paged_written_down_and_exported(
    database: Database,
    hall: TranscriptService,
    hall_blobs: BlobService,
    owner: Person,
    begin: Begin,
) -> None:
    made = await begin(language="es")
    async with database.transaction() as tx:
        await tx.session.execute(
            text(
                "insert into transcript_segments (transcript_id, utterance_id, space_id, said_at, start_seconds,"
                " end_seconds, text, language, is_final) select id, 'u' || n, space_id, started_at, n, n + 1,"
                " repeat('palabra ', 20) || n, 'es', true from transcripts, generate_series(1, :many) n"
            ),
            {"many": MANY},
        )
    spaces = [owner.space.id]
    tracemalloc.start()
    async with database.transaction() as tx:
        await hall.finalise(tx, spaces, made.id)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MOST_BYTES

    async with database.transaction() as tx:
        opened = await hall_blobs.open(await hall.document(tx, spaces, made.id))
        async with aclosing(opened.chunks):  # type: ignore[type-var]
            document = json.loads(b"".join([chunk async for chunk in opened.chunks]))
        assert len(document["segments"]) == MANY
        last = await hall.segments(tx, made, (MANY - 1.5, ""), 10)
        assert [s.utterance_id for s in last] == [f"u{MANY - 1}", f"u{MANY}"]
        found = await hall.get(tx, spaces, made.id)
    exporter = Exporter(database)
    spoken = tuple(
        Segment("palabra " * 20 + str(n), float(n), n + 1.0, language="es")
        for n in range(1, MANY + 1)
    )
    for form in ("txt", "json"):
        expected = hashlib.sha256(render(Recognition(spoken, "es", MANY + 1.0, ""), form)).digest()
        shown = hashlib.sha256()
        tracemalloc.start()
        async for piece in exporter.file(found, form):
            shown.update(piece)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < MOST_BYTES, form
        assert shown.digest() == expected, form


async def test_what_is_said_upside_down_in_time_is_kept_in_order(
    database: Database, hall: TranscriptService, begin: Begin
) -> None:
    made = await begin()
    async with database.transaction() as tx:
        await hall.append(tx, made.id, [Draft("late", "b", 5, 1), Draft("same", "a", 5, 6)])
        said = await hall.segments(tx, made, None, 10)
    assert [(s.utterance_id, s.start, s.end) for s in said] == [("late", 5, 5), ("same", 5, 6)]
