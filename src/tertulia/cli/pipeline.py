"""Many recordings through the recogniser, a few at a time; one that fails stops no other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, Protocol, TypeVar

from tertulia.kernel.errors import TertuliaError

Order = TypeVar("Order")
Text = TypeVar("Text")
Order_contra = TypeVar("Order_contra", contravariant=True)
Text_contra = TypeVar("Text_contra", contravariant=True)

AHEAD = 2
"""Recordings decoded while those before them are still being read."""

Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


class Watcher(Protocol[Order_contra, Text_contra]):
    """Told how each recording fares."""

    def began(self, order: Order_contra) -> None: ...

    def progressed(self, order: Order_contra, share: float) -> None: ...

    def done(self, order: Order_contra, text: Text_contra, elapsed_ms: int) -> None: ...

    def failed(self, order: Order_contra, error: TertuliaError) -> None: ...


class Pipeline(Generic[Order, Text]):
    """Has at most `at_once` recordings and `AHEAD` more under way, whatever the number of orders."""

    def __init__(
        self,
        read: Callable[[Order, Progress], Awaitable[Text]],
        write: Callable[[Order, Text], Awaitable[None]],
        watcher: Watcher[Order, Text],
        *,
        at_once: int,
    ) -> None:
        self._read = read
        self._write = write
        self._watcher = watcher
        self._under_way = asyncio.Semaphore(at_once + AHEAD)
        self._failures = 0

    async def run(self, orders: Iterable[Order]) -> int:
        """Takes every order to its end and says how many failed."""
        self._failures = 0
        async with asyncio.TaskGroup() as group:
            for order in orders:
                await self._under_way.acquire()
                group.create_task(self._one(order))
        return self._failures

    async def _one(self, order: Order) -> None:
        began = time.monotonic()
        try:
            self._watcher.began(order)
            text = await self._read(order, lambda share: self._watcher.progressed(order, share))
            await self._write(order, text)
            self._watcher.done(order, text, round((time.monotonic() - began) * 1000))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one recording, the others are read
            self._failures += 1
            self._watcher.failed(order, known(error))
        finally:
            self._under_way.release()


def known(error: Exception) -> TertuliaError:
    """The error as one with a text of ours; of others only the kind is told, they may quote what was said."""
    if isinstance(error, TertuliaError):
        return error
    if isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        return known(error.exceptions[0])
    if isinstance(error, OSError):
        return TertuliaError(
            f"{error.strerror or type(error).__name__}. Check the file and the disk."
        )
    return TertuliaError(
        f"This is a defect of Tertulia ({type(error).__name__}). Please report it."
    )
