"""Text on its way out, in loads that memory holds: many short conversations, or a piece of one that is long."""

import json
import zipfile
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import IO, cast
from uuid import UUID

from tertulia.kernel.database import Database
from tertulia.speech.formats import About, Line, clean, whole, writer
from tertulia.speech.formats.word import Sink
from tertulia.transcripts.domain import Transcript, words_from_rows
from tertulia.transcripts.store.lines import LineStore, Row, Timed
from tertulia.transcripts.store.segments import Place

FEWEST_LINES = 16
FIRST_LINES = 250
MOST_LINES = 5_000
"""Of a load. The first is small: how long lines are is known only when some were read."""
GROWTH = 4
LOAD_CHARACTERS = 500_000
TIMED = {"json": Timed.ALL, "srt": Timed.LONG, "vtt": Timed.LONG}
TWICE = frozenset({"json"})
"""Formats in which something of every line stands before the lines."""
PACKED = frozenset({"docx"})
"""Formats that are packed already."""
NAME_CHARACTERS = 80
NOT_IN_NAMES = frozenset('/\\:*?"<>|')


@dataclass(frozen=True, slots=True)
class Load:
    """Rows of some transcripts from their beginning to their end; or, of one that is long, what the flags say."""

    transcripts: Sequence[Transcript]
    rows: Sequence[Row]
    begins: bool = True
    before: bool = True
    says: bool = True
    ends: bool = True

    @property
    def is_whole(self) -> bool:
        return self.begins and self.ends

    def each(self) -> Iterator[tuple[Transcript, list[Line]]]:
        """The lines of every transcript; of one in which nothing was said, none."""
        by_place = groupby(self.rows, key=itemgetter(0))
        place, rows = next(by_place, (None, iter(())))
        for number, transcript in enumerate(self.transcripts, 1):
            if number != place:
                yield transcript, []
                continue
            yield transcript, [_line(row) for row in rows]
            place, rows = next(by_place, (None, iter(())))


def _line(row: Row) -> Line:
    if row[5] is None:
        return cast(Line, (*row[2:5], (), *row[6:]))
    return cast(Line, (*row[2:5], words_from_rows(json.loads(row[5])), *row[6:]))


class Loading:
    """Reads transcripts for one export, a short transaction for each load."""

    def __init__(self, database: Database, form: str, *, original: bool) -> None:
        self._database = database
        self._lines = LineStore()
        self._timed = TIMED.get(form, Timed.NONE)
        self._twice = form in TWICE
        self._original = original
        self._most = FIRST_LINES

    async def loads(self, of: Sequence[Transcript]) -> AsyncGenerator[Load]:
        """All that is said in these, one after the other."""
        left = of
        while left:
            most = self._most
            rows = await self._read([t.id for t in left], None)
            # the last transcript of a load that is full may go on: it is read again with the next
            complete = len(left) if len(rows) < most else rows[-1][0] - 1
            if complete:
                cut = bisect_right(rows, complete, key=itemgetter(0))
                yield Load(left[:complete], rows[:cut])
                left = left[complete:]
                continue
            async for load in self._long(left[0]):
                yield load
            left = left[1:]

    async def _long(self, transcript: Transcript) -> AsyncIterator[Load]:
        async with self._database.transaction() as tx:
            until = await self._lines.until(tx, transcript.id)
        known = [replace(transcript, duration_seconds=max(transcript.duration_seconds, until))]
        begins = True
        if self._twice:
            async for rows, _ in self._pieces(transcript.id):
                yield Load(known, rows, begins, before=True, says=False, ends=False)
                begins = False
        async for rows, ends in self._pieces(transcript.id):
            yield Load(known, rows, begins, before=False, says=True, ends=ends)
            begins = False

    async def _pieces(self, id_: UUID) -> AsyncIterator[tuple[list[Row], bool]]:
        """All rows of one transcript, and with the last of them that they are."""
        after: Place | None = None
        while True:
            most = self._most
            rows = await self._read([id_], after)
            yield rows, len(rows) < most
            if len(rows) < most:
                return
            after = (rows[-1][3], rows[-1][1])

    async def _read(self, ids: Sequence[UUID], after: Place | None) -> list[Row]:
        async with self._database.transaction() as tx:
            rows = await self._lines.read(
                tx, ids, after, self._most, timed=self._timed, original=self._original
            )
        if len(rows) == self._most:
            some = rows[:: max(1, len(rows) // FIRST_LINES)]
            size = sum(len(row[2]) + len(row[5] or "") for row in some)
            fitting = LOAD_CHARACTERS * len(some) // max(size, 1)
            self._most = max(FEWEST_LINES, min(fitting, self._most * GROWTH, MOST_LINES))
        return rows


class Pouring:
    """Writes one transcript as a file."""

    def __init__(self, form: str) -> None:
        self._writer = writer(form)

    def add(self, load: Load) -> bytes:
        """What this load adds to the file."""
        made: list[bytes] = []
        for transcript, lines in load.each():
            if load.begins:
                made.append(self._writer.head(_about(transcript, lines)))
            if load.before and self._writer.twice:
                made.append(self._writer.before(lines))
            if load.says:
                made.append(self._writer.part(lines))
            if load.ends:
                made.append(self._writer.tail())
        return b"".join(made)


class Packing:
    """Writes transcripts into a zip, each as a file of its own."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._sink = Sink()
        method = zipfile.ZIP_STORED if form in PACKED else zipfile.ZIP_DEFLATED
        self._zip = zipfile.ZipFile(self._sink, "w", method, compresslevel=1)
        self._long: tuple[Pouring, IO[bytes]] | None = None

    def add(self, load: Load) -> bytes:
        """What this load adds to the zip."""
        if load.is_whole:
            for transcript, lines in load.each():
                data = whole(writer(self._form), _about(transcript, lines), lines)
                self._zip.writestr(file_name(transcript, self._form), data)
            return self._sink.taken()
        if self._long is None:
            name = file_name(load.transcripts[0], self._form)
            # how long it will be is not known before it is written
            self._long = Pouring(self._form), self._zip.open(name, "w", force_zip64=True)
        pouring, entry = self._long
        entry.write(pouring.add(load))
        if load.ends:
            entry.close()
            self._long = None
        return self._sink.taken()

    def end(self) -> bytes:
        """The list of files at the end of the zip."""
        self._zip.close()
        return self._sink.taken()


def _about(transcript: Transcript, lines: Sequence[Line]) -> About:
    until = max((line[2] for line in lines), default=0.0)
    duration = max(transcript.duration_seconds, until)
    return About(transcript.language, duration, transcript.provider or "")


def file_name(transcript: Transcript, form: str) -> str:
    """`2026-03-01 Monday 0197….srt`: sorted by day, told apart by the id, safe on any disk."""
    title = "".join(" " if c in NOT_IN_NAMES else c for c in clean(transcript.title))
    title = " ".join(title.split())[:NAME_CHARACTERS].strip(" .") or transcript.kind.value
    return f"{transcript.started_at:%Y-%m-%d} {title} {transcript.id}.{form}"
