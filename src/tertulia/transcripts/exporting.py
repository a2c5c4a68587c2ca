"""Transcripts taken away: one as a file, or all that a search finds as a zip that is made while it is sent."""

import asyncio
import zipfile
from collections.abc import AsyncIterator
from io import RawIOBase
from uuid import UUID

from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.pages import Position
from tertulia.speech.formats import clean, render
from tertulia.transcripts.domain import Filter, Transcript
from tertulia.transcripts.searching import HitPosition, Order, Query
from tertulia.transcripts.service import TranscriptService

PAGE = 200
NAME_CHARACTERS = 80
NOT_IN_NAMES = frozenset('/\\:*?"<>|')


class Exporter:
    """Reads each transcript in a transaction of its own: a long download holds none."""

    def __init__(self, database: Database, service: TranscriptService) -> None:
        self._database = database
        self._service = service

    async def rendered(
        self, tx: Transaction, transcript: Transcript, form: str, *, original: bool = False
    ) -> bytes:
        """One transcript in one of the formats of `speech.formats`."""
        text = await self._service.recognition(tx, transcript, original=original)
        return await asyncio.to_thread(render, text, form)

    async def archive(
        self, query: Query, wanted: Filter, form: str, *, original: bool = False
    ) -> AsyncIterator[bytes]:
        """A zip of every transcript in which something is found, the latest first."""
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            async for transcript in self._found(query, wanted):
                async with self._database.transaction() as tx:
                    data = await self.rendered(tx, transcript, form, original=original)
                await asyncio.to_thread(archive.writestr, file_name(transcript, form), data)
                yield sink.taken()
        yield sink.taken()

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
