"""Storing and reading a large file through the folder store, against a plain copy of the same file.

`python -m bench.blobs`: medians of interleaved runs, each ratio beside what it is measured against.
"""

import asyncio
import hashlib
import os
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.domain import new_key
from tertulia.blobs.intake import from_file

SIZE_BYTES = 512 * 1_048_576
RUNS = 3


def copied(source: Path, target: Path, *, hashed: bool) -> float:
    """Seconds a plain copy takes, made as durable as the store's; with a hash, one block after the other."""
    started = time.perf_counter()
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as write:
        if hashed:
            while block := read.read(1_048_576):
                digest.update(block)
                write.write(block)
        else:
            shutil.copyfileobj(read, write, 1_048_576)
        write.flush()
        os.fsync(write.fileno())
    return time.perf_counter() - started


def read_through(source: Path) -> float:
    started = time.perf_counter()
    with source.open("rb") as file:
        while file.read(1_048_576):
            pass
    return time.perf_counter() - started


async def measure(folder: Path) -> dict[str, list[float]]:
    source = folder / "source"
    with source.open("wb") as file:
        for _ in range(SIZE_BYTES // 1_048_576):
            file.write(os.urandom(1_048_576))
    store = LocalStore(folder / "blobs")
    taken: dict[str, list[float]] = {name: [] for name in ("copy", "hashed", "put", "read", "get")}
    for _ in range(RUNS):
        key = new_key("bench", datetime.now(UTC))
        taken["copy"].append(copied(source, folder / "copy", hashed=False))
        taken["hashed"].append(copied(source, folder / "copy", hashed=True))
        started = time.perf_counter()
        await store.put(key, from_file(source), content_type="audio/wav")
        taken["put"].append(time.perf_counter() - started)
        taken["read"].append(read_through(source))
        started = time.perf_counter()
        async for _ in (await store.open(key)).chunks:
            pass
        taken["get"].append(time.perf_counter() - started)
        await store.delete(key)
    await store.close()
    return taken


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        taken = asyncio.run(measure(Path(folder)))
    seconds = {name: statistics.median(values) for name, values in taken.items()}
    megabytes = SIZE_BYTES / 1_000_000
    for name, value in seconds.items():
        print(f"{name:8} {value:6.2f} s  {megabytes / value:7.0f} MB/s")
    print(f"put ÷ plain copy            {seconds['copy'] / seconds['put']:.2f} of its throughput")
    print(f"put ÷ copy that also hashes {seconds['hashed'] / seconds['put']:.2f} of its throughput")
    print(f"get ÷ plain read            {seconds['read'] / seconds['get']:.2f} of its throughput")


if __name__ == "__main__":
    main()
