"""Files that a command writes where it was told to."""

import asyncio
import os
from pathlib import Path

from tertulia.kernel.errors import InvalidRequestError


def writable(path: Path | None) -> None:
    """Refuses a place that cannot be written to before anything is asked or paid for what would be lost there."""
    if path is None:
        return
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InvalidRequestError(f"{folder} is not a folder. Make it, or choose another place.")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise InvalidRequestError(f"{path} cannot be written. Choose another place.")


async def write(path: Path, content: bytes) -> None:
    """Writes a whole file."""
    try:
        await asyncio.to_thread(path.write_bytes, content)
    except OSError as error:
        raise InvalidRequestError(
            f"{path} cannot be written ({error.strerror}). Choose another place."
        ) from None
