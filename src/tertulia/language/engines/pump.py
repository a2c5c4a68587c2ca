"""A vendor's stream read by a task of its own, so that it can be waited for with a limit and stopped at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Generic, TypeVar

P = TypeVar("P")

AHEAD = 64
"""Pieces read before somebody takes them."""
STOP_SECONDS = 2.0


class Pump(Generic[P]):
    """Pulls pieces from a generator in one task from its first to its last breath."""

    def __init__(self, pieces: AsyncGenerator[P, None]) -> None:
        self._queue: asyncio.Queue[P | BaseException | None] = asyncio.Queue(maxsize=AHEAD)
        self._task = asyncio.create_task(self._run(pieces))

    async def _run(self, pieces: AsyncGenerator[P, None]) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    await self._queue.put(piece)
            await self._queue.put(None)
        except Exception as error:  # noqa: BLE001 - handed to whoever takes the next piece
            await self._queue.put(error)

    async def next(self, seconds: float) -> P | None:
        """The next piece, or None after the last; raises TimeoutError, or what the vendor raised."""
        async with asyncio.timeout(seconds):
            piece = await self._queue.get()
        if isinstance(piece, BaseException):
            raise piece
        return piece

    async def stop(self) -> None:
        """Ends the vendor's work; one that does not let go is not waited for."""
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=STOP_SECONDS)
