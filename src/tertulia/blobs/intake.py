"""What comes in: cut into blocks, counted and hashed, off the event loop and with little memory."""

import asyncio
import contextvars
import hashlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import ParamSpec, TypeVar

from tertulia.kernel.errors import PayloadTooLargeError

P = ParamSpec("P")
T = TypeVar("T")

READ_BYTES = 1_048_576


async def off_loop(
    executor: Executor | None, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """`asyncio.to_thread`, except that a cancelled caller waits for the thread: it may hold an open file."""
    context = contextvars.copy_context()
    work = asyncio.get_running_loop().run_in_executor(
        executor, lambda: context.run(function, *args, **kwargs)
    )
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()
        raise


class Intake:
    """A stream on its way in. `digest` is called with every block, from whichever thread has it."""

    def __init__(
        self, stream: AsyncIterator[bytes], *, block_bytes: int, max_bytes: int | None
    ) -> None:
        self._stream = stream
        self._block_bytes = block_bytes
        self._max_bytes = max_bytes
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0
        self.ended = False
        """Whether the block just given is the last one."""

    async def blocks(self) -> AsyncIterator[list[bytes]]:
        """Blocks of exactly `block_bytes`, and a last one that may be shorter, as the pieces they came in."""
        pieces: list[bytes] = []
        held = 0
        async for piece in self._stream:
            self._count(len(piece))
            while held + len(piece) >= self._block_bytes:
                cut = self._block_bytes - held
                pieces.append(piece[:cut])
                yield pieces
                piece, pieces, held = piece[cut:], [], 0  # noqa: PLW2901 - the rest of it
            if piece:
                pieces.append(piece)
                held += len(piece)
        self.ended = True
        if pieces:
            yield pieces

    def digest(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._sha256.update(piece)

    def joined(self, pieces: list[bytes]) -> bytes:
        """The block in one piece, hashed; call it in a thread."""
        block = b"".join(pieces)
        self._sha256.update(block)
        return block

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def _count(self, more: int) -> None:
        self.size_bytes += more
        if self._max_bytes is not None and self.size_bytes > self._max_bytes:
            raise PayloadTooLargeError(
                f"The file is larger than {self._max_bytes} bytes. Send a shorter or more compressed one."
            )


async def from_bytes(data: bytes) -> AsyncIterator[bytes]:
    """Bytes in memory as a stream."""
    yield data


async def from_file(path: Path) -> AsyncIterator[bytes]:
    """A file on disk as a stream, read off the event loop."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await off_loop(None, file.read, READ_BYTES):
            yield piece
    finally:
        file.close()


async def collect(chunks: AsyncIterator[bytes], *, max_bytes: int) -> bytes:
    """A whole download in memory, for what is known to be small."""
    whole = bytearray()
    async for chunk in chunks:
        whole += chunk
        if len(whole) > max_bytes:
            raise PayloadTooLargeError(f"The file is larger than {max_bytes} bytes.")
    return bytes(whole)
