"""Blobs in a folder: written beside their place, made durable, then moved into it."""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import uuid4

from tertulia.blobs.domain import (
    BlobMissingError,
    BlobRef,
    BlobStat,
    BlobStoreError,
    ByteRange,
    Download,
    check_key,
    check_prefix,
    is_key,
)
from tertulia.blobs.intake import Intake, off_loop
from tertulia.kernel.errors import StorageFullError

P = ParamSpec("P")
T = TypeVar("T")

BLOCK_BYTES = 2_097_152
SPACE_CHECK_BLOCKS = 16
"""Free space is looked at every so many blocks: often enough, and never felt."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
INCOMING = ".incoming"


class LocalStore:
    """A folder. Files are readable by the server's own user alone."""

    def __init__(self, root: Path, *, min_free_bytes: int = 0, threads: int = 8) -> None:
        self._root = root
        self._min_free_bytes = min_free_bytes
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="blobs")

    async def put(
        self,
        key: str,
        stream: AsyncIterator[bytes],
        *,
        content_type: str,
        name: str | None = None,
        max_bytes: int | None = None,
    ) -> BlobRef:
        target = self._path(key)
        intake = Intake(stream, block_bytes=BLOCK_BYTES, max_bytes=max_bytes)
        arriving = _Arriving(self._root / INCOMING, self._min_free_bytes)
        writing: asyncio.Future[None] | None = None
        begun = False
        try:
            async for block in intake.blocks():
                if intake.ended and not begun:
                    await self._run(arriving.all_at_once, block, intake, target)
                    return BlobRef(key, intake.size_bytes, content_type, intake.sha256, name)
                if not begun:
                    await self._run(arriving.begin)
                    begun = True
                # One block is written while the next one is received.
                if writing:
                    await asyncio.shield(writing)
                writing = asyncio.ensure_future(self._write(arriving, block, intake))
            if writing:
                await asyncio.shield(writing)
            if not begun:
                await self._run(arriving.begin)
            await self._run(arriving.settle, target)
        except BaseException:
            if writing:
                await asyncio.wait([writing])
                writing.exception()
            await self._run(arriving.abandon)
            raise
        return BlobRef(key, intake.size_bytes, content_type, intake.sha256, name)

    async def _write(self, arriving: "_Arriving", block: list[bytes], intake: Intake) -> None:
        """Writes and hashes side by side: both let other threads run."""
        hashing = asyncio.ensure_future(off_loop(self._threads, intake.digest, block))
        try:
            await self._run(arriving.write, block)
        finally:
            await hashing

    async def open(self, key: str, byte_range: ByteRange | None = None) -> Download:
        path = self._path(key)
        descriptor, size = await self._run(_open_for_reading, path)
        try:
            offset, length = byte_range.resolve(size) if byte_range else (0, size)
        except BaseException:
            os.close(descriptor)
            raise
        return Download(size, offset, length, self._chunks(descriptor, offset, length))

    async def _chunks(self, descriptor: int, offset: int, length: int) -> AsyncIterator[bytes]:
        end = offset + length
        try:
            while offset < end:
                chunk = await off_loop(
                    self._threads, os.pread, descriptor, min(BLOCK_BYTES, end - offset), offset
                )
                if not chunk:
                    raise BlobMissingError(
                        "The file ends before its time. Restore it from a backup."
                    )
                offset += len(chunk)
                yield chunk
        finally:
            os.close(descriptor)

    async def stat(self, key: str) -> BlobStat:
        found = await self._run(self._path(key).stat)
        return BlobStat(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    async def delete(self, *keys: str) -> None:
        paths = [self._path(key) for key in keys]
        await self._run(_remove, paths)

    async def list(self, prefix: str = "") -> AsyncIterator[BlobStat]:
        folder = self._root / check_prefix(prefix)
        walk = _walk(self._root, folder)
        while page := await self._run(_take, walk):
            for found in page:
                yield found

    async def delete_prefix(self, prefix: str) -> int:
        prefix = check_prefix(prefix, empty=False)
        keys = [found.key async for found in self.list(prefix)]
        await self.delete(*keys)
        return len(keys)

    async def copy(self, source: str, target: str) -> None:
        download = await self.open(source)
        await self.put(target, download.chunks, content_type="")

    async def url(self, key: str, *, seconds: int = 300) -> str | None:
        """A folder cannot answer for itself: the server serves these blobs."""
        check_key(key)
        return None

    async def sweep_unfinished(self, before: datetime) -> int:
        return await self._run(_sweep, self._root / INCOMING, before.timestamp())

    async def check(self) -> None:
        arriving = _Arriving(self._root / INCOMING, self._min_free_bytes)
        await self._run(arriving.begin)
        await self._run(arriving.abandon)

    async def close(self) -> None:
        self._threads.shutdown(wait=False)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    async def _run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await off_loop(self._threads, function, *args, **kwargs)
        except OSError as error:
            raise _explained(error, self._root) from None


class _Arriving:
    """A file that is not yet where anybody looks for it."""

    def __init__(self, folder: Path, min_free_bytes: int) -> None:
        self._min_free_bytes = min_free_bytes
        self._blocks = 0
        self._path = folder / uuid4().hex
        self._descriptor = -1

    def begin(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_full_disk()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)

    def write(self, pieces: list[bytes]) -> None:
        self._blocks += 1
        if self._blocks % SPACE_CHECK_BLOCKS == 0:
            self._refuse_full_disk()
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[os.write(self._descriptor, view) :]

    def all_at_once(self, block: list[bytes], intake: Intake, target: Path) -> None:
        """A small file in one go: most of what it costs is the way to a thread and back."""
        self.begin()
        self.write(block)
        intake.digest(block)
        self.settle(target)

    def settle(self, target: Path) -> None:
        """Makes the bytes durable, then the name."""
        os.fsync(self._descriptor)
        _make_folders(target.parent)
        self._path.rename(target)
        os.close(self._descriptor)
        self._descriptor = -1
        _sync_folder(target.parent)

    def abandon(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._path.unlink(missing_ok=True)

    def _refuse_full_disk(self) -> None:
        if shutil.disk_usage(self._path.parent).free < self._min_free_bytes:
            raise OSError(errno.ENOSPC, "less than the reserve is free")


def _explained(error: OSError, root: Path) -> Exception:
    if isinstance(error, FileNotFoundError):
        return BlobMissingError("The file is not in the data folder. Restore it from a backup.")
    if error.errno in FULL:
        return StorageFullError(
            f"There is no room for the file on the disk of {root}. Make room there, then send it again."
        )
    return BlobStoreError(
        f"The folder {root} cannot be used ({error.strerror}). Check its disk and its owner."
    )


def _open_for_reading(path: Path) -> tuple[int, int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    return descriptor, os.fstat(descriptor).st_size


def _make_folders(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in paths}:
        if folder.is_dir():
            _sync_folder(folder)


def _walk(root: Path, folder: Path) -> Iterator[BlobStat]:
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(parent) / name
            key = path.relative_to(root).as_posix()
            if not is_key(key):
                continue
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            yield BlobStat(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _take(walk: Iterator[BlobStat], size: int = 500) -> list[BlobStat]:
    return list(islice(walk, size))


def _sweep(folder: Path, before: float) -> int:
    if not folder.is_dir():
        return 0
    swept = 0
    for path in folder.iterdir():
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            swept += 1
    return swept
