"""A stored recording as a file on this machine, for as long as something reads it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from tertulia.blobs.domain import Download


@asynccontextmanager
async def fetched(download: Download) -> AsyncIterator[Path]:
    """The file; its name says nothing about the person's own, and it is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="tertulia-") as folder:
        path = Path(folder, "recording")
        await _save(download, path)
        yield path


async def _save(download: Download, path: Path) -> None:
    file = await asyncio.to_thread(path.open, "wb")
    try:
        async with aclosing(download.chunks):  # type: ignore[type-var]
            async for chunk in download.chunks:
                await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)
