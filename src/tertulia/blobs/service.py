"""Blobs and the rows that say whose they are: bytes and rows appear together and go together."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

from tertulia.blobs.domain import (
    ABANDONED_AFTER,
    Blob,
    BlobMissingError,
    BlobState,
    BlobStore,
    ByteRange,
    Download,
    Place,
    Sweep,
    new_key,
)
from tertulia.blobs.store import Apart, BlobRow, BlobRows
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.ids import new_id

log = logging.getLogger(__name__)

SWEEP_ROWS = 500


class BlobService:
    """Stores, reads and removes blobs.

    A file store takes part in no transaction, so a row goes first: `arriving`, committed by itself before a byte
    is sent, becomes `kept` in the caller's transaction. What is rolled back stays `arriving` and is swept;
    nothing is ever removed from a store that no row of ours names, so a bucket may be shared.
    """

    def __init__(self, database: Database, store: BlobStore, clock: Clock) -> None:
        self._database = database
        self._apart = Apart(database)
        self._store = store
        self._clock = clock

    async def put(
        self,
        tx: Transaction,
        stream: AsyncIterator[bytes],
        *,
        kind: str,
        content_type: str,
        name: str | None = None,
        space_id: UUID | None = None,
        max_bytes: int | None = None,
    ) -> Blob:
        """Stores a stream; it is there for others once `tx` is committed."""
        now = self._clock.now()
        place = Place(new_id(), new_key(kind, now), now)
        async with self._apart.transaction() as session:
            await BlobRows(session).arrive([place], now)
        try:
            blob = await self.send(
                place, stream, content_type=content_type, name=name, max_bytes=max_bytes
            )
        except BaseException:
            await asyncio.shield(self._forget([place.id]))
            raise
        await self.keep(tx, space_id, blob)
        return replace(blob, space_id=space_id)

    # The same in its parts, for those who know before their bytes come that they will

    async def reserve(self, tx: Transaction, *kinds: str) -> list[Place]:
        """Places for blobs to come; their bytes may be sent once `tx` is committed."""
        now = self._clock.now()
        places = [Place(new_id(), new_key(kind, now), now) for kind in kinds]
        if places:
            await BlobRows(tx.session).arrive(places, now)
        return places

    async def send(
        self,
        place: Place,
        stream: AsyncIterator[bytes],
        *,
        content_type: str,
        name: str | None = None,
        max_bytes: int | None = None,
    ) -> Blob:
        """Brings the bytes to their place; nobody's until they are kept, and swept when they never are."""
        ref = await self._store.put(
            place.key, stream, content_type=content_type, name=name, max_bytes=max_bytes
        )
        return Blob(place.id, ref, None, place.at)

    async def keep(self, tx: Transaction, space_id: UUID | None, *blobs: Blob) -> None:
        """Makes what was sent a space's; it is there for others once `tx` is committed."""
        if blobs and not await BlobRows(tx.session).keep(space_id, blobs):
            raise BlobMissingError(
                "The upload took longer than a day and was given up. Send it again."
            )

    async def give_up(self, tx: Transaction, *places: Place) -> None:
        """Lets go of places, with what was sent to them."""
        marked = await BlobRows(tx.session).give_up([p.id for p in places], self._clock.now())
        if marked:
            tx.after_commit(lambda: self._carry_out(marked))

    async def get(self, tx: Transaction, id_: UUID) -> Blob:
        """The blob, or `BlobMissingError`; whether the caller may see it is the caller's to know."""
        row = await BlobRows(tx.session).find(id_)
        if row is None:
            raise BlobMissingError
        return row.blob()

    async def open(self, blob: Blob, byte_range: ByteRange | None = None) -> Download:
        return await self._store.open(blob.ref.key, byte_range)

    async def url(self, blob: Blob, *, seconds: int = 300) -> str | None:
        return await self._store.url(blob.ref.key, seconds=seconds)

    async def delete(self, tx: Transaction, *ids: UUID) -> int:
        """Marks blobs as deleted; their bytes go after the commit, or with the next sweep."""
        return await self._delete(tx, BlobRow.id.in_(ids))

    async def delete_space(self, tx: Transaction, space_id: UUID) -> int:
        """Marks everything of a space as deleted."""
        return await self._delete(tx, BlobRow.space_id == space_id)

    async def sweep(self) -> Sweep:
        """Carries out what is due; safe to run at any time, in any number of processes."""
        counts = {BlobState.ARRIVING: 0, BlobState.DELETED: 0}
        abandoned_before = self._clock.now() - ABANDONED_AFTER
        while True:
            async with self._database.transaction() as tx:
                rows = BlobRows(tx.session)
                due = await rows.to_sweep(abandoned_before, SWEEP_ROWS)
                await self._store.delete(*(key for _, key, _ in due))
                await rows.forget([id_ for id_, _, _ in due])
            for _, _, state in due:
                counts[state] += 1
            if len(due) < SWEEP_ROWS:
                break
        unfinished = await self._store.sweep_unfinished(abandoned_before)
        return Sweep(counts[BlobState.ARRIVING], counts[BlobState.DELETED], unfinished)

    async def _delete(self, tx: Transaction, condition: object) -> int:
        marked = await BlobRows(tx.session).mark_deleted(self._clock.now(), condition)
        if marked:
            tx.after_commit(lambda: self._carry_out(marked))
        return len(marked)

    async def _carry_out(self, marked: list[tuple[UUID, str]]) -> None:
        """The deletion is committed by now: what fails here is the sweep's to finish, not the caller's error."""
        try:
            await self._store.delete(*(key for _, key in marked))
            await self._forget([id_ for id_, _ in marked])
        except TertuliaError as error:
            log.warning(
                "blobs are left for the sweep", extra={"code": error.code, "count": len(marked)}
            )

    async def _forget(self, ids: list[UUID]) -> None:
        async with self._apart.transaction() as session:
            await BlobRows(session).forget(ids)

    async def list(self, tx: Transaction, space_id: UUID) -> list[Blob]:
        """Every blob of a space, oldest first."""
        return [row.blob() for row in await BlobRows(tx.session).of_space(space_id)]
