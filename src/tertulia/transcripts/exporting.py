"""Transcripts taken away: one as a file, or all that a search finds as a zip that is made while it is sent."""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Sequence
from io import RawIOBase
from uuid import UUID

from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.pages import Position
from tertulia.speech.domain import Recognition
from tertulia.speech.formats import clean, render
from tertulia.transcripts.domain import Filter, Transcript
from tertulia.transcripts.searching import HitPosition, Order, Query
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.store import SegmentStore

PAGE = 200
LOADED = 100
LOADED_SECONDS = 6 * 3600.0
"""Transcripts that are read together, and how long those may be together: what is in memory at one time."""
WITH_WORDS = frozenset({"json", "srt", "vtt"})
"""Formats in which it is told when each word is said."""
NAME_CHARACTERS = 80
NOT_IN_NAMES = frozenset('/\\:*?"<>|')


Load = Sequence[tuple[Transcript, Recognition]]


class Exporter:
    """Reads some transcripts in a transaction of their own: a long download holds none."""

    def __init__(self, database: Database, service: TranscriptService) -> None:
        self._database = database
        self._service = service
        self._segments = SegmentStore()

    async def rendered(
        self, tx: Transaction, transcript: Transcript, form: str, *, original: bool = False
    ) -> bytes:
        """One transcript in one of the formats of `speech.formats`."""
        text = await self._service.recognition(tx, transcript, original=original)
        return await asyncio.to_thread(render, text, form)

    async def archive(
        self, query: Query, wanted: Filter, form: str, *, original: bool = False
    ) -> AsyncIterator[bytes]:
        """A zip of every transcript in which something is found, the latest first.

        While one load is written down and packed, the next one is read: both take about as long.
        """
        sink = _Sink()
        loads = self._loads(query, wanted, form, original=original)
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            reading = asyncio.ensure_future(anext(loads, None))
            try:
                while (load := await reading) is not None:
                    reading = asyncio.ensure_future(anext(loads, None))
                    await asyncio.to_thread(_pack, archive, load, form)
                    yield sink.taken()
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        yield sink.taken()

    async def _loads(
        self, query: Query, wanted: Filter, form: str, *, original: bool
    ) -> AsyncIterator[Load]:
        """What is found with its text, in loads that memory holds whatever the number of transcripts."""
        together: list[Transcript] = []
        seconds = 0.0
        async for transcript in self._found(query, wanted):
            together.append(transcript)
            seconds += transcript.duration_seconds
            if len(together) == LOADED or seconds > LOADED_SECONDS:
                yield await self._load(together, form, original=original)
                together, seconds = [], 0.0
        if together:
            yield await self._load(together, form, original=original)

    async def _load(self, of: Sequence[Transcript], form: str, *, original: bool) -> Load:
        async with self._database.transaction() as tx:
            if original:
                return [(t, await self._service.recognition(tx, t, original=True)) for t in of]
            words = form in WITH_WORDS
            said = await self._segments.spoken(tx, [t.id for t in of], words=words)
        return [(t, t.spoken(said.get(t.id, ()))) for t in of]

    async def _found(self, query: Query, wanted: Filter) -> AsyncIterator[Transcript]:
        if query.is_empty:
            async for transcript in self._listed(wanted):
                yield transcript
            return
        seen: set[UUID] = set()
        after: HitPosition | None = None
        while True:
            async with self._database.transaction() as tx:
                hits = await self._service.search(
                    tx, query, wanted, order=Order.TIME, after=after, limit=PAGE
                )
            for hit in hits[:PAGE]:
                if hit.transcript.id not in seen:
                    seen.add(hit.transcript.id)
                    yield hit.transcript
            if len(hits) <= PAGE:
                return
            after = HitPosition.of(hits[PAGE - 1], Order.TIME)

    async def _listed(self, wanted: Filter) -> AsyncIterator[Transcript]:
        after: Position | None = None
        while True:
            async with self._database.transaction() as tx:
                rows = await self._service.list(tx, wanted, after, PAGE)
            for transcript in rows[:PAGE]:
                yield transcript
            if len(rows) <= PAGE:
                return
            after = Position(rows[PAGE - 1].started_at, rows[PAGE - 1].id)


def _pack(archive: zipfile.ZipFile, load: Load, form: str) -> None:
    for transcript, text in load:
        archive.writestr(file_name(transcript, form), render(text, form))


def file_name(transcript: Transcript, form: str) -> str:
    """`2026-03-01 Monday 0197….srt`: sorted by day, told apart by the id, safe on any disk."""
    title = "".join(" " if c in NOT_IN_NAMES else c for c in clean(transcript.title))
    title = " ".join(title.split())[:NAME_CHARACTERS].strip(" .") or transcript.kind.value
    return f"{transcript.started_at:%Y-%m-%d} {title} {transcript.id}.{form}"


class _Sink(RawIOBase):
    """Where the zip writes to; it cannot be sought in, so the zip needs no look back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
