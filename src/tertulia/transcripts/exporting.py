"""Transcripts taken away: one as a file, or all that a search finds as a zip, made while they are sent."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from uuid import UUID

from tertulia.kernel.database import Database
from tertulia.kernel.pages import Position
from tertulia.transcripts.domain import Filter, Transcript
from tertulia.transcripts.loading import Load, Loading, Packing, Pouring
from tertulia.transcripts.searching import HitPosition, Query
from tertulia.transcripts.store import SearchStore, TranscriptStore

PAGE = 200
"""Transcripts that are looked up together."""
PLACES = 2_000
"""Segments that are found together."""


class Exporter:
    """Reads some transcripts in a transaction of their own: a long download holds none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._search = SearchStore()
        self._transcripts = TranscriptStore()

    async def file(
        self, transcript: Transcript, form: str, *, original: bool = False
    ) -> AsyncIterator[bytes]:
        """One transcript in one of the formats of `speech.formats`, piece by piece."""
        loading = Loading(self._database, form, original=original)
        pouring = Pouring(form)
        async for load in _ahead(loading.loads([transcript])):
            yield await asyncio.to_thread(pouring.add, load)

    async def archive(
        self, query: Query, wanted: Filter, form: str, *, original: bool = False
    ) -> AsyncIterator[bytes]:
        """A zip of every transcript in which something is found, the latest first."""
        packing = Packing(form)
        async for load in _ahead(self._loads(query, wanted, form, original=original)):
            yield await asyncio.to_thread(packing.add, load)
        yield packing.end()

    async def _loads(
        self, query: Query, wanted: Filter, form: str, *, original: bool
    ) -> AsyncGenerator[Load]:
        loading = Loading(self._database, form, original=original)
        async for together in self._found(query, wanted):
            async for load in loading.loads(together):
                yield load

    async def _found(self, query: Query, wanted: Filter) -> AsyncIterator[Sequence[Transcript]]:
        if query.is_empty:
            async for together in self._listed(wanted):
                yield together
            return
        seen: set[UUID] = set()
        after: HitPosition | None = None
        while True:
            async with self._database.transaction() as tx:
                places = await self._search.places(tx, query, wanted, after, PLACES)
                ids = [i for i in dict.fromkeys(p.transcript_id for p in places) if i not in seen]
                together = await self._transcripts.several(tx, ids)
            seen.update(ids)
            yield together
            if len(places) < PLACES:
                return
            after = places[-1]

    async def _listed(self, wanted: Filter) -> AsyncIterator[Sequence[Transcript]]:
        after: Position | None = None
        while True:
            async with self._database.transaction() as tx:
                rows = await self._transcripts.list(tx, wanted, after, PAGE)
            yield rows
            if len(rows) < PAGE:
                return
            after = Position(rows[-1].started_at, rows[-1].id)


async def _ahead(loads: AsyncGenerator[Load]) -> AsyncIterator[Load]:
    """Each load, while the next one is being read: the database reads while this process writes."""
    async with aclosing(loads):
        reading = asyncio.ensure_future(anext(loads, None))
        try:
            while (load := await reading) is not None:
                reading = asyncio.ensure_future(anext(loads, None))
                yield load
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
