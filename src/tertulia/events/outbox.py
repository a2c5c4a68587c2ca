"""Messages on their way out: sent in batches by one task, kept while the other side is away."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from tertulia.kernel.listening import backoff_seconds

log = logging.getLogger(__name__)

CAPACITY = 10_000
AT_ONCE = 200


class Outbox:
    """Hands messages over in the order they came, many at once when there are many.

    Once full, the oldest go: whoever hears again after an absence is told of a gap anyway.
    """

    def __init__(
        self,
        hand_over: Callable[[Sequence[str]], Awaitable[None]],
        *,
        away: tuple[type[Exception], ...],
    ) -> None:
        self._hand_over = hand_over
        self._away = away
        self._waiting: deque[str] = deque(maxlen=CAPACITY)
        self._ready = asyncio.Event()

    def put(self, message: str) -> None:
        self._waiting.append(message)
        self._ready.set()

    async def run(self) -> NoReturn:
        """Until cancelled. A batch whose fate is unknown is sent again; receivers know events by their id."""
        failures = 0
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                try:
                    await self._hand_over(batch)
                    failures = 0
                except self._away as error:
                    if failures == 0:
                        log.warning("events have to wait: %s", type(error).__name__)
                    room = CAPACITY - len(self._waiting)
                    self._waiting.extendleft(reversed(batch[-room:] if room else []))
                    await asyncio.sleep(backoff_seconds(failures))
                    failures += 1
