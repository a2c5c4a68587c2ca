"""Subscriptions within one process: bounded, ordered, and honest about what they left out."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from tertulia.events.domain import MISSED, MISSED_TOPIC, Event, Topics
from tertulia.kernel.clock import Clock
from tertulia.kernel.ids import new_id


class Subscription(AsyncIterator[Event]):
    """The events of some topics, in the order they came; for one reader.

    A reader that is slower than its events finds one `events.missed` in the place of those left out.
    """

    def __init__(self, topics: Topics, capacity: int, clock: Clock) -> None:
        self.topics = topics
        self._capacity = capacity
        self._clock = clock
        self._waiting: deque[Event] = deque()
        self._ready = asyncio.Event()
        self._closed = False

    def offer(self, event: Event) -> None:
        if len(self._waiting) < self._capacity:
            self._waiting.append(event)
            self._ready.set()
        else:
            self.miss("slow", 1)

    def miss(self, reason: str, count: int | None = None) -> None:
        """Marks a gap here; gaps that touch become one."""
        before = self._waiting[-1] if self._waiting else None
        data: dict[str, Any] = {"reason": reason, "count": count}
        if before is not None and before.is_missed:
            self._waiting.pop()
            known = before.data["count"]
            data["count"] = known + count if known is not None and count is not None else None
        self._waiting.append(Event(MISSED_TOPIC, MISSED, data, self._clock.now(), new_id()))
        self._ready.set()

    def close(self) -> None:
        self._closed = True
        self._ready.set()

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._waiting.popleft()


class Hub:
    """Hands each event to the subscriptions of this process that ask for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._plain: dict[str, set[Subscription]] = {}
        self._patterned: set[Subscription] = set()
        self._all: set[Subscription] = set()

    def add(self, topics: Topics, capacity: int) -> Subscription:
        subscription = Subscription(topics, capacity, self._clock)
        self._all.add(subscription)
        if topics.patterns:
            self._patterned.add(subscription)
        else:
            for topic in topics.plain:
                self._plain.setdefault(topic, set()).add(subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        subscription.close()
        self._all.discard(subscription)
        self._patterned.discard(subscription)
        for topic in subscription.topics.plain:
            group = self._plain.get(topic)
            if group is not None:
                group.discard(subscription)
                if not group:
                    del self._plain[topic]

    def deliver(self, event: Event) -> None:
        self._each(event.topic, lambda subscription: subscription.offer(event))

    def gap(self) -> None:
        """Tells everybody that events from other processes may have been lost."""
        for subscription in self._all:
            subscription.miss("reconnected")

    def close(self) -> None:
        for subscription in list(self._all):
            self.remove(subscription)

    def __len__(self) -> int:
        return len(self._all)

    def _each(self, topic: str, tell: Callable[[Subscription], None]) -> None:
        for subscription in self._plain.get(topic, ()):
            tell(subscription)
        for subscription in self._patterned:
            if subscription.topics.match(topic):
                tell(subscription)
