"""The folder store: the contract, and what only a disk can do."""

import errno
import os
import resource
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.blobs.contract import MEBIBYTE, Leftovers, StoreContract, key, pattern, put, read

from tertulia.blobs.backends.local import INCOMING, LocalStore
from tertulia.blobs.domain import BlobMissingError, BlobStore, BlobStoreError
from tertulia.blobs.intake import from_bytes, from_file
from tertulia.kernel.errors import StorageFullError

pytestmark = pytest.mark.unit


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def store(local_store: LocalStore) -> BlobStore:
    return local_store


@pytest.fixture
def leftovers(root: Path) -> Leftovers:
    return lambda: [p.name for p in (root / INCOMING).glob("*")]


class TestLocalStore(StoreContract):
    signs_urls = False


async def test_files_and_folders_are_the_servers_own(store: BlobStore, root: Path) -> None:
    ref = await put(store, b"secret")
    assert stat.S_IMODE((root / ref.key).stat().st_mode) == 0o600
    folders = [root / "recording", root / "recording/2026", root / INCOMING]
    assert {stat.S_IMODE(f.stat().st_mode) for f in folders} == {0o700}


@pytest.fixture
def small_files() -> Iterator[None]:
    """The kernel itself refuses to write past 3 MiB of any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MEBIBYTE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_write_the_kernel_refuses_is_a_full_disk(
    small_files: None, store: BlobStore, leftovers: Leftovers
) -> None:
    with pytest.raises(StorageFullError, match="Make room"):
        await put(store, pattern(8 * MEBIBYTE))
    assert leftovers() == []
    assert [b async for b in store.list()] == []
    assert (await put(store, b"small")).size_bytes == 5


@pytest.mark.parametrize("step", ["write", "fsync"])
async def test_a_disk_that_fills_up_half_way(
    step: str, store: BlobStore, leftovers: Leftovers, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = getattr(os, step), 0

    def fails_at_last(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if step == "fsync" or calls > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(os, step, fails_at_last)
    with pytest.raises(StorageFullError):
        await put(store, pattern(8 * MEBIBYTE))
    monkeypatch.undo()
    assert leftovers() == []
    assert [b async for b in store.list()] == []


async def test_the_reserve_is_kept_free(root: Path) -> None:
    store = LocalStore(root, min_free_bytes=2**62)
    with pytest.raises(StorageFullError):
        await put(store, b"x")
    with pytest.raises(StorageFullError):
        await store.check()
    assert list((root / INCOMING).iterdir()) == []
    await store.close()


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = LocalStore(tmp_path / "file")
    with pytest.raises(BlobStoreError, match="cannot be used"):
        await store.check()
    await store.close()


async def test_a_link_in_the_place_of_a_file_is_not_followed(store: BlobStore, root: Path) -> None:
    ref = await put(store, b"x")
    (root / ref.key).unlink()
    (root / ref.key).symlink_to("/etc/hostname")
    with pytest.raises(BlobStoreError):
        await read(store, ref.key)


async def test_a_file_that_was_cut_short_is_an_error_not_a_short_answer(
    store: BlobStore, root: Path
) -> None:
    ref = await put(store, pattern(3 * MEBIBYTE))
    opened = await store.open(ref.key)
    os.truncate(root / ref.key, MEBIBYTE)
    with pytest.raises(BlobMissingError, match="ends before"):
        async for _ in opened.chunks:
            pass


async def test_what_a_killed_upload_left_is_swept_in_time(store: BlobStore, root: Path) -> None:
    await put(store, b"x")
    old, fresh = root / INCOMING / "old", root / INCOMING / "fresh"
    old.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(old, (1, 1))
    assert await store.sweep_unfinished(datetime.now(UTC) - timedelta(days=1)) == 1
    assert (old.exists(), fresh.exists()) == (False, True)


async def test_foreign_files_in_the_folder_are_not_ours(store: BlobStore, root: Path) -> None:
    ref = await put(store, b"x")
    (root / "recording" / "notes.txt").write_text("mine")
    assert [b.key async for b in store.list()] == [ref.key]


async def test_the_name_appears_only_with_all_its_bytes(store: BlobStore, root: Path) -> None:
    at, seen = key(), []

    async def watching():  # type: ignore[no-untyped-def]
        for _ in range(4):
            yield pattern(MEBIBYTE)
            seen.append((root / at).exists())

    await store.put(at, watching(), content_type="audio/wav")
    assert seen == [False] * 4
    assert (root / at).stat().st_size == 4 * MEBIBYTE


async def test_a_file_on_disk_is_stored(store: BlobStore, tmp_path: Path) -> None:
    file = tmp_path / "long.wav"
    file.write_bytes(pattern(3 * MEBIBYTE + 1))
    ref = await store.put(key(), from_file(file), content_type="audio/wav")
    assert await read(store, ref.key) == file.read_bytes()


async def test_pieces_of_any_size_are_put_together(store: BlobStore) -> None:
    sizes = [1, 0, MEBIBYTE - 1, 3 * MEBIBYTE + 5, 17]

    async def uneven():  # type: ignore[no-untyped-def]
        for n, size in enumerate(sizes):
            yield bytes([n]) * size

    ref = await store.put(key(), uneven(), content_type="audio/wav")
    assert await read(store, ref.key) == b"".join(bytes([n]) * s for n, s in enumerate(sizes))


async def test_empty_streams_make_empty_blobs(store: BlobStore) -> None:
    ref = await store.put(key(), from_bytes(b""), content_type="audio/wav")
    assert await read(store, ref.key) == b""
