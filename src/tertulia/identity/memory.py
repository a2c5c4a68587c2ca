"""Answers of the database kept for seconds: many who ask at once ask it once, and a change forgets them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from tertulia.kernel.clock import Clock

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED_SECONDS = 4.0
"""How long an answer is believed when no event says otherwise; revocation promises five seconds."""
REMEMBERED = 20_000


class Memory(Generic[K, V]):
    """What was found a moment ago, by what was asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._remembered: dict[K, tuple[V, float]] = {}
        self._asking: dict[K, asyncio.Task[V | None]] = {}
        self._changes = 0

    def recall(self, key: K) -> V | None:
        """What was found a moment ago, if anything was; never waits."""
        remembered = self._remembered.get(key)
        if remembered is None:
            return None
        value, until = remembered
        if until <= self._clock.monotonic():
            del self._remembered[key]
            return None
        return value

    async def ask(self, key: K, find: Callable[[], Coroutine[Any, Any, V | None]]) -> V | None:
        """Finds it anew, once for all who wait for it."""
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key, find))
            self._asking[key] = task
            task.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(task)

    def forget(self, key: K) -> None:
        """Forgets one answer."""
        self._remembered.pop(key, None)

    def forget_where(self, changed: Callable[[V], bool]) -> None:
        """Forgets what a change is about; what was being asked when it came answers nobody who asks after it."""
        self._changes += 1
        self._asking.clear()
        self._remembered = {k: kept for k, kept in self._remembered.items() if not changed(kept[0])}

    async def _ask(self, key: K, find: Callable[[], Coroutine[Any, Any, V | None]]) -> V | None:
        changes = self._changes
        value = await find()
        # What changed while we asked may not be in the answer: then it serves those who wait, and nobody after.
        if value is not None and changes == self._changes:
            self._remember(key, value)
        return value

    def _asked(self, key: K, task: asyncio.Task[V | None]) -> None:
        if self._asking.get(key) is task:
            del self._asking[key]
        if not task.cancelled():
            # Whoever waited may have gone; asyncio complains of errors that nobody looked at.
            task.exception()

    def _remember(self, key: K, value: V) -> None:
        now = self._clock.monotonic()
        if len(self._remembered) >= REMEMBERED:
            self._remembered = {k: kept for k, kept in self._remembered.items() if kept[1] > now}
        if len(self._remembered) < REMEMBERED:
            self._remembered[key] = (value, now + REMEMBERED_SECONDS)
