"""What every place that keeps blobs promises; a test module subclasses this and gives `store` and `leftovers`."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime

import psutil
import pytest

from tertulia.blobs.domain import (
    EPOCH,
    BlobMissingError,
    BlobRef,
    BlobStore,
    ByteRange,
    RangeNotSatisfiableError,
    new_key,
)
from tertulia.blobs.intake import from_bytes
from tertulia.kernel.errors import PayloadTooLargeError

NOW = datetime(2026, 11, 5, tzinfo=UTC)
MEBIBYTE = 1_048_576
TWO_PARTS = 11 * MEBIBYTE + 7
Leftovers = Callable[[], list[str]]


def key(kind: str = "recording") -> str:
    return new_key(kind, NOW)


async def put(store: BlobStore, data: bytes, at: str | None = None) -> BlobRef:
    return await store.put(
        at or key(), from_bytes(data), content_type="audio/wav", name="cinta.wav"
    )


async def read(store: BlobStore, at: str, byte_range: ByteRange | None = None) -> bytes:
    opened = await store.open(at, byte_range)
    async with aclosing(opened.chunks) as chunks:  # type: ignore[type-var]
        return b"".join([chunk async for chunk in chunks])


def pattern(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


class StoreContract:
    """Subclass it, and give `store` and `leftovers`: everything the store holds that is no whole blob."""

    signs_urls = True

    @pytest.mark.parametrize("size", [0, 1, MEBIBYTE, 8 * MEBIBYTE, TWO_PARTS, 16 * MEBIBYTE])
    async def test_gives_back_what_it_was_given(self, store: BlobStore, size: int) -> None:
        data = pattern(size)
        ref = await put(store, data)
        assert (ref.size_bytes, ref.sha256) == (size, hashlib.sha256(data).hexdigest())
        assert (ref.content_type, ref.name) == ("audio/wav", "cinta.wav")
        assert await read(store, ref.key) == data
        assert (await store.stat(ref.key)).size_bytes == size

    @pytest.mark.parametrize(
        ("asked", "offset", "length"),
        [
            (ByteRange(first=0, last=0), 0, 1),
            (ByteRange(first=10), 10, 990),
            (ByteRange(first=10, last=19), 10, 10),
            (ByteRange(first=990, last=5000), 990, 10),
            (ByteRange(suffix=10), 990, 10),
            (ByteRange(suffix=5000), 0, 1000),
        ],
    )
    async def test_gives_the_part_that_is_asked_for(
        self, store: BlobStore, asked: ByteRange, offset: int, length: int
    ) -> None:
        data = pattern(1000)
        ref = await put(store, data)
        opened = await store.open(ref.key, asked)
        assert (opened.size_bytes, opened.offset, opened.length) == (1000, offset, length)
        assert b"".join([c async for c in opened.chunks]) == data[offset : offset + length]

    @pytest.mark.parametrize(
        "asked", [ByteRange(first=1000), ByteRange(first=9, last=8), ByteRange(suffix=0)]
    )
    async def test_refuses_a_part_that_is_not_there(
        self, store: BlobStore, asked: ByteRange
    ) -> None:
        ref = await put(store, pattern(1000))
        with pytest.raises(RangeNotSatisfiableError) as refused:
            await store.open(ref.key, asked)
        assert refused.value.headers["Content-Range"] == "bytes */1000"

    async def test_no_part_of_an_empty_blob_can_be_asked_for(self, store: BlobStore) -> None:
        ref = await put(store, b"")
        for asked in (ByteRange(first=0), ByteRange(suffix=5)):
            with pytest.raises(RangeNotSatisfiableError):
                await store.open(ref.key, asked)

    async def test_a_part_across_blocks_of_a_large_blob(self, store: BlobStore) -> None:
        data = pattern(TWO_PARTS)
        ref = await put(store, data)
        first = 8 * MEBIBYTE - 3
        assert (
            await read(store, ref.key, ByteRange(first=first, last=first + 9))
            == data[first : first + 10]
        )

    async def test_what_is_not_there_is_missing(self, store: BlobStore) -> None:
        for use in (store.open(key()), store.open(key(), ByteRange(suffix=3)), store.stat(key())):
            with pytest.raises(BlobMissingError):
                await use

    async def test_deleted_is_gone_and_may_be_deleted_again(self, store: BlobStore) -> None:
        kept, one, two = [(await put(store, b"x")).key for _ in range(3)]
        await store.delete(one, two)
        await store.delete(one)
        await store.delete()
        with pytest.raises(BlobMissingError):
            await store.open(one)
        assert await read(store, kept) == b"x"

    async def test_lists_and_deletes_by_prefix(self, store: BlobStore) -> None:
        voices = {(await put(store, b"v", key("voice"))).key for _ in range(3)}
        voices_b = {(await put(store, b"v", key("voice-b"))).key}
        assert {b.key async for b in store.list()} == voices | voices_b
        assert {b.key async for b in store.list("voice")} == voices
        assert {b.key async for b in store.list("voice/2026/11")} == voices
        assert [b.key async for b in store.list("voice/2026/10")] == []
        assert {b.size_bytes async for b in store.list("voice")} == {1}
        assert await store.delete_prefix("voice") == 3
        assert {b.key async for b in store.list()} == voices_b

    async def test_everything_is_never_deleted_by_prefix(self, store: BlobStore) -> None:
        for prefix in ("", "/", "..", "voice/../..", "v%"):
            with pytest.raises(ValueError, match="not a prefix"):
                await store.delete_prefix(prefix)

    async def test_copies(self, store: BlobStore) -> None:
        ref, target = await put(store, pattern(1000)), key("copy")
        await store.copy(ref.key, target)
        await store.delete(ref.key)
        assert await read(store, target) == pattern(1000)

    async def test_copies_nothing_that_is_missing(
        self, store: BlobStore, leftovers: Leftovers
    ) -> None:
        with pytest.raises(BlobMissingError):
            await store.copy(key(), key("copy"))
        assert leftovers() == []

    @pytest.mark.parametrize(
        "name",
        [
            "../../etc/passwd",
            "/etc/passwd",
            "recording/2026/11/../../x",
            "recording/2026/11/a",
            "",
            "a\x00b",
        ],
    )
    async def test_only_keys_of_our_own_making(self, store: BlobStore, name: str) -> None:
        uses = (
            store.put(name, from_bytes(b"x"), content_type="audio/wav"),
            store.open(name),
            store.stat(name),
            store.delete(name),
            store.copy(name, key()),
            store.copy(key(), name),
            store.url(name),
        )
        for use in uses:
            with pytest.raises((ValueError, BlobMissingError)):
                await use
        assert [b async for b in store.list()] == []

    @pytest.mark.parametrize("before_it_breaks", [1000, 6 * MEBIBYTE, 25 * MEBIBYTE])
    async def test_a_stream_that_breaks_leaves_nothing(
        self, store: BlobStore, leftovers: Leftovers, before_it_breaks: int
    ) -> None:
        async def breaking() -> AsyncIterator[bytes]:
            yield pattern(before_it_breaks)
            raise ConnectionResetError("the client went away")

        at = key()
        with pytest.raises(ConnectionResetError, match="went away"):
            await store.put(at, breaking(), content_type="audio/wav")
        with pytest.raises(BlobMissingError):
            await store.stat(at)
        assert leftovers() == []

    @pytest.mark.parametrize("before_it_hangs", [1000, 25 * MEBIBYTE])
    async def test_an_upload_that_is_cancelled_leaves_nothing(
        self, store: BlobStore, leftovers: Leftovers, before_it_hangs: int
    ) -> None:
        hanging = asyncio.Event()

        async def stream() -> AsyncIterator[bytes]:
            yield pattern(before_it_hangs)
            hanging.set()
            await asyncio.Event().wait()

        at = key()
        upload = asyncio.create_task(store.put(at, stream(), content_type="audio/wav"))
        async with asyncio.timeout(60):
            await hanging.wait()
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        with pytest.raises(BlobMissingError):
            await store.stat(at)
        assert leftovers() == []

    @pytest.mark.parametrize("limit", [10, 9 * MEBIBYTE])
    async def test_what_is_too_large_is_refused_before_it_is_all_read(
        self, store: BlobStore, leftovers: Leftovers, limit: int
    ) -> None:
        given = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal given
            while True:
                given += MEBIBYTE
                yield pattern(MEBIBYTE)

        with pytest.raises(PayloadTooLargeError):
            await store.put(key(), endless(), content_type="audio/wav", max_bytes=limit)
        assert given <= limit + MEBIBYTE
        assert leftovers() == []

    async def test_a_large_blob_needs_little_memory(self, store: BlobStore) -> None:
        """300 MiB in and out; the whole process, fakes and native threads included, never grows by 160."""
        block = pattern(MEBIBYTE)
        process, digest, seen = psutil.Process(), hashlib.sha256(), []

        async def stream() -> AsyncIterator[bytes]:
            for _ in range(300):
                seen.append(process.memory_info().rss)
                yield block

        await put(store, pattern(TWO_PARTS))
        before = process.memory_info().rss
        ref = await store.put(key(), stream(), content_type="audio/wav")
        opened = await store.open(ref.key)
        async for chunk in opened.chunks:
            seen.append(process.memory_info().rss)
            digest.update(chunk)
        assert max(seen) - before < 220 * MEBIBYTE
        assert ref.size_bytes == 300 * MEBIBYTE
        assert digest.hexdigest() == ref.sha256

    async def test_many_at_once_are_not_mixed(self, store: BlobStore) -> None:
        data = [bytes([n]) * (200_000 + n) for n in range(12)]
        refs = await asyncio.gather(*(put(store, d) for d in data))
        assert await asyncio.gather(*(read(store, r.key) for r in refs)) == data

    async def test_reading_may_stop_early(self, store: BlobStore) -> None:
        ref = await put(store, pattern(TWO_PARTS))
        opened = await store.open(ref.key)
        async with aclosing(opened.chunks) as chunks:  # type: ignore[type-var]
            async for _ in chunks:
                break
        assert await read(store, ref.key, ByteRange(last=3)) == b"0123"

    async def test_a_link_where_the_store_can_make_one(self, store: BlobStore) -> None:
        ref = await put(store, b"x")
        assert (await store.url(ref.key) is not None) == self.signs_urls

    async def test_is_in_order_and_leaves_whole_blobs_alone(
        self, store: BlobStore, leftovers: Leftovers
    ) -> None:
        ref = await put(store, b"x")
        await store.check()
        await store.sweep_unfinished(datetime.now(UTC))
        assert await store.sweep_unfinished(EPOCH) == 0
        assert await read(store, ref.key) == b"x"
        assert leftovers() == []
