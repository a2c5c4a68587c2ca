"""Bytes and rows appear together and go together, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.domain import Blob, BlobMissingError, BlobStoreError, ByteRange, Sweep
from tertulia.blobs.intake import from_bytes
from tertulia.blobs.service import BlobService
from tertulia.blobs.store import BlobRow
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database, Transaction

pytestmark = pytest.mark.db

DAY = 86_400


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


class Breakable(LocalStore):
    """A folder that can be told to refuse deletions."""

    broken = False

    async def delete(self, *keys: str) -> None:
        if self.broken:
            raise BlobStoreError("away")
        await super().delete(*keys)


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[Breakable]:  # type: ignore[no-untyped-def]
    store = Breakable(tmp_path / "blobs")
    yield store
    await store.close()


@pytest.fixture
def service(database: Database, store: Breakable, clock: HeldClock) -> BlobService:
    return BlobService(database, store, clock)


async def keys(store: LocalStore) -> list[str]:
    return [b.key async for b in store.list()]


async def states(database: Database) -> list[str]:
    async with database.transaction() as tx:
        return [*(await tx.session.scalars(select(BlobRow.state).order_by(BlobRow.id)))]


async def stored(service: BlobService, tx: Transaction, **changed: object) -> Blob:
    told = {"kind": "recording", "content_type": "audio/wav", "name": "voz.wav"} | changed
    return await service.put(tx, from_bytes(b"hola"), **told)  # type: ignore[arg-type]


async def test_there_for_others_after_the_commit_and_not_before(
    service: BlobService, database: Database
) -> None:
    space = uuid4()
    async with database.transaction() as tx:
        blob = await stored(service, tx, space_id=space)
        async with database.transaction() as other:
            with pytest.raises(BlobMissingError):
                await service.get(other, blob.id)
    async with database.transaction() as tx:
        found = await service.get(tx, blob.id)
        assert found == blob
        assert (found.ref.name, found.ref.size_bytes, found.space_id) == ("voz.wav", 4, space)
        assert await service.list(tx, space) == [blob]
        assert await service.list(tx, uuid4()) == []
    opened = await service.open(found, ByteRange(suffix=2))
    async with aclosing(opened.chunks) as chunks:  # type: ignore[type-var]
        assert [c async for c in chunks] == [b"la"]
    assert await service.url(found) is None


async def test_what_is_rolled_back_is_swept_after_a_day_and_not_before(
    service: BlobService, database: Database, store: Breakable, clock: HeldClock
) -> None:
    async with database.transaction() as tx:
        kept = await stored(service, tx)
    with pytest.raises(RuntimeError):
        async with database.transaction() as tx:
            await stored(service, tx)
            raise RuntimeError("something after it failed")
    await clock.advance(DAY - 1)
    assert await service.sweep() == Sweep(0, 0, 0)
    assert len(await keys(store)) == 2
    await clock.advance(2)
    assert await service.sweep() == Sweep(abandoned=1, deleted=0, unfinished=0)
    assert await keys(store) == [kept.ref.key]
    assert await states(database) == ["kept"]


async def test_an_upload_that_breaks_leaves_neither_row_nor_bytes(
    service: BlobService, database: Database, store: Breakable
) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        async with database.transaction() as tx:
            await service.put(tx, breaking(), kind="recording", content_type="audio/wav")
    assert await keys(store) == []
    assert await states(database) == []


async def test_deleted_with_the_commit_and_not_before(
    service: BlobService, database: Database, store: Breakable
) -> None:
    async with database.transaction() as tx:
        blob = await stored(service, tx)
    with pytest.raises(RuntimeError):
        async with database.transaction() as tx:
            assert await service.delete(tx, blob.id) == 1
            raise RuntimeError("changed our mind")
    assert await keys(store) == [blob.ref.key]
    async with database.transaction() as tx:
        assert await service.delete(tx, blob.id) == 1
        assert await service.delete(tx, blob.id) == 0
        assert await keys(store) == [blob.ref.key]
    assert await keys(store) == []
    assert await states(database) == []


async def test_a_store_that_is_away_does_not_undo_a_deletion(
    service: BlobService,
    database: Database,
    store: Breakable,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with database.transaction() as tx:
        blob = await stored(service, tx)
    store.broken = True
    async with database.transaction() as tx:
        await service.delete(tx, blob.id)
    async with database.transaction() as tx:
        with pytest.raises(BlobMissingError):
            await service.get(tx, blob.id)
        name = await tx.session.scalar(text("select original_name from blob"))
        assert name is None
    assert "left for the sweep" in caplog.text
    assert "voz.wav" not in caplog.text
    with pytest.raises(BlobStoreError):
        await service.sweep()
    assert await states(database) == ["deleted"]
    store.broken = False
    assert await service.sweep() == Sweep(abandoned=0, deleted=1, unfinished=0)
    assert await keys(store) == []
    assert await states(database) == []


async def test_all_connections_being_held_does_not_stop_anybody(
    conninfo: str, store: Breakable, clock: HeldClock
) -> None:
    database = Database(conninfo, pool=2)
    service = BlobService(database, store, clock)
    held = asyncio.Barrier(2)

    async def request() -> None:
        async with database.transaction() as tx:
            await tx.session.execute(text("select 1"))
            await held.wait()
            await stored(service, tx)

    async with asyncio.timeout(8):
        await asyncio.gather(request(), request())
    assert await states(database) == ["kept", "kept"]
    await database.close()


async def test_a_space_goes_with_all_it_has(
    service: BlobService, database: Database, store: Breakable
) -> None:
    space = uuid4()
    async with database.transaction() as tx:
        for _ in range(3):
            await stored(service, tx, space_id=space)
        other = await stored(service, tx, space_id=uuid4())
        nobody = await stored(service, tx)
    async with database.transaction() as tx:
        assert await service.delete_space(tx, space) == 3
    assert sorted(await keys(store)) == sorted([other.ref.key, nobody.ref.key])


async def test_a_sweep_leaves_what_no_row_of_ours_names(
    service: BlobService, store: Breakable, clock: HeldClock
) -> None:
    foreign = "recording/2020/01/0197a000-0000-7000-8000-000000000000"
    await store.put(foreign, from_bytes(b"another server's"), content_type="audio/wav")
    await clock.advance(30 * DAY)
    assert (await service.sweep()).abandoned == 0
    assert await keys(store) == [foreign]


async def test_a_row_being_kept_at_this_moment_is_not_swept(
    service: BlobService, database: Database, store: Breakable, clock: HeldClock
) -> None:
    async with database.transaction() as tx:
        blob = await stored(service, tx)
        await clock.advance(2 * DAY)
        assert await service.sweep() == Sweep(0, 0, 0)
    assert await keys(store) == [blob.ref.key]


async def test_an_upload_that_was_given_up_is_not_kept(
    service: BlobService, database: Database, clock: HeldClock
) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await clock.advance(timedelta(days=2).total_seconds())
        await service.sweep()
        yield b"b"

    with pytest.raises(BlobMissingError, match="Send it again"):
        async with database.transaction() as tx:
            await service.put(tx, slow(), kind="recording", content_type="audio/wav")
    assert await states(database) == []


async def test_many_are_swept_in_rounds(
    service: BlobService, database: Database, clock: HeldClock
) -> None:
    async with database.transaction() as tx:
        await tx.session.execute(
            text(
                "insert into blob (id, key, kind, state, size_bytes, content_type, sha256, created_at) "
                "select gen_random_uuid(), 'a/2026/01/0197a000-0000-7000-8000-' || lpad(n::text, 12, '0'), "
                "'a', 'arriving', 0, '', '', :at from generate_series(1, 1201) n"
            ),
            {"at": clock.now()},
        )
    await clock.advance(2 * DAY)
    assert (await service.sweep()).abandoned == 1201
    assert await states(database) == []


async def test_a_place_is_taken_before_its_bytes_come(
    service: BlobService, database: Database, store: Breakable
) -> None:
    space = uuid4()
    async with database.transaction() as tx:
        asked, answered = await service.reserve(tx, "question", "answer")
    sent = await service.send(asked, from_bytes(b"hola"), content_type="audio/wav", name="voz.wav")
    other = await service.send(answered, from_bytes(b"adios"), content_type="audio/wav")
    async with database.transaction() as tx:
        with pytest.raises(BlobMissingError):
            await service.get(tx, sent.id)
        await service.keep(tx, space, sent, other)
    async with database.transaction() as tx:
        found = await service.get(tx, sent.id)
        assert (found.ref, found.space_id) == (sent.ref, space)
        assert [blob.id for blob in await service.list(tx, space)] == [asked.id, answered.id]


async def test_places_that_are_given_up_leave_nothing(
    service: BlobService, database: Database, store: Breakable
) -> None:
    async with database.transaction() as tx:
        asked, answered = await service.reserve(tx, "question", "answer")
    sent = await service.send(asked, from_bytes(b"hola"), content_type="audio/wav")
    async with database.transaction() as tx:
        await service.give_up(tx, asked, answered)
    assert (await keys(store), await states(database)) == ([], [])
    async with database.transaction() as tx:
        with pytest.raises(BlobMissingError):
            await service.keep(tx, uuid4(), sent)
