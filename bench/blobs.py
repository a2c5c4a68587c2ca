"""Storing and reading a large file through the folder store, against doing the same with plain calls.

The store hashes what it takes in, makes it durable and stays off the event loop; so the baseline of a put is a
copy that hashes and syncs too, and the ratio to a bare copy is printed beside it.
"""

import asyncio
import hashlib
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import Ratio, at_least, in_turn
from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.domain import new_key
from tertulia.blobs.intake import from_file

MEBIBYTE = 1_048_576


class Files:
    """One large file, and the ways it can be copied and read; each gives MB a second."""

    def __init__(self, folder: Path, size_mebibytes: int) -> None:
        self.store = LocalStore(folder / "blobs")
        self._source, self._copy = folder / "source", folder / "copy"
        self._size_bytes = size_mebibytes * MEBIBYTE
        with self._source.open("wb") as file:
            for _ in range(size_mebibytes):
                file.write(os.urandom(MEBIBYTE))
        self._stored = ""

    async def put(self) -> float:
        if self._stored:
            await self.store.delete(self._stored)
        self._stored = new_key("bench", datetime.now(UTC))
        started = time.perf_counter()
        await self.store.put(self._stored, from_file(self._source), content_type="audio/wav")
        return self._rate(started)

    async def get(self) -> float:
        started = time.perf_counter()
        async for _ in (await self.store.open(self._stored)).chunks:
            pass
        return self._rate(started)

    async def copy_with_hash(self) -> float:
        return await asyncio.to_thread(self._copied, True)

    async def copy(self) -> float:
        return await asyncio.to_thread(self._copied, False)

    async def read(self) -> float:
        return await asyncio.to_thread(self._read)

    def _copied(self, hashed: bool) -> float:
        digest = hashlib.sha256()
        started = time.perf_counter()
        with self._source.open("rb") as source, self._copy.open("wb") as target:
            if hashed:
                while block := source.read(MEBIBYTE):
                    digest.update(block)
                    target.write(block)
            else:
                shutil.copyfileobj(source, target, MEBIBYTE)
            target.flush()
            os.fsync(target.fileno())
        return self._rate(started)

    def _read(self) -> float:
        started = time.perf_counter()
        with self._source.open("rb") as file:
            while file.read(MEBIBYTE):
                pass
        return self._rate(started)

    def _rate(self, started: float) -> float:
        return self._size_bytes / (time.perf_counter() - started) / 1_000_000


async def measured(files: Files, rounds: int) -> list[Ratio]:
    ratios = [
        at_least(
            "blobs: put ÷ a copy that hashes and syncs",
            *await in_turn(files.put, files.copy_with_hash, rounds),
            "MB/s",
            0.7,
        ),
        at_least(
            "blobs: put ÷ a bare copy, synced",
            *await in_turn(files.put, files.copy, rounds),
            "MB/s",
            0.35,
        ),
        at_least(
            "blobs: get ÷ a bare read", *await in_turn(files.get, files.read, rounds), "MB/s", 0.4
        ),
    ]
    await files.store.close()
    return ratios


def main() -> int:
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder), 64 if quick else 384)
        ratios = asyncio.run(measured(files, 3 if quick else 5))
    for ratio in ratios:
        print(ratio.line())
    return 0 if all(ratio.holds for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
