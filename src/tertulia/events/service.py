"""Publish and subscribe, across processes."""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tertulia.events.domain import Event, Topics
from tertulia.events.hub import Hub, Subscription
from tertulia.events.transport import Receiver, Transport, decode, encode
from tertulia.kernel.clock import Clock, SystemClock
from tertulia.kernel.database import Transaction
from tertulia.kernel.ids import UUID, new_id

log = logging.getLogger(__name__)

CAPACITY = 256
REMEMBERED = 4_096


class Events:
    """Tells whoever listens what has happened; nobody who was not listening learns of it later.

    Subscribers of this process get an event directly, those of others through the transport.
    """

    def __init__(self, transport: Transport, *, clock: Clock | None = None) -> None:
        self._transport = transport
        self._clock = clock or SystemClock()
        self._hub = Hub(self._clock)
        self._process = new_id()
        self._heard: OrderedDict[UUID, None] = OrderedDict()

    async def start(self) -> None:
        await self._transport.start(Receiver(message=self._receive, gap=self._hub.gap))

    async def stop(self) -> None:
        """Ends every subscription and closes the connections."""
        self._hub.close()
        await self._transport.stop()

    async def check(self) -> None:
        """Raises when events cannot reach other processes."""
        await self._transport.check()

    async def publish(
        self, tx: Transaction, topic: str, type_: str, data: Mapping[str, Any] | None = None
    ) -> Event:
        """Tells of it once `tx` is committed, and never if it is not."""
        event = self._event(topic, type_, data)
        await self._transport.send_with(tx, encode(event, self._process))
        tx.after_commit(lambda: self._hub.deliver(event))
        return event

    def publish_now(self, topic: str, type_: str, data: Mapping[str, Any] | None = None) -> Event:
        """Tells of it at once: for what is not written anywhere, such as a partial text. Never waits."""
        event = self._event(topic, type_, data)
        self._hub.deliver(event)
        self._transport.send(encode(event, self._process))
        return event

    @asynccontextmanager
    async def subscribe(
        self, *topics: str, capacity: int = CAPACITY
    ) -> AsyncIterator[Subscription]:
        """The events of these topics from now on; `*` in a topic stands for anything.

        An `events.missed` among them says that others are missing there.
        """
        subscription = self._hub.add(Topics.of(*topics), capacity)
        try:
            yield subscription
        finally:
            self._hub.remove(subscription)

    @property
    def subscriptions(self) -> int:
        """How many subscriptions this process has."""
        return len(self._hub)

    def _event(self, topic: str, type_: str, data: Mapping[str, Any] | None) -> Event:
        return Event(topic, type_, dict(data or {}), self._clock.now(), new_id())

    def _receive(self, message: str) -> None:
        try:
            event, process = decode(message)
        except ValueError:
            log.warning("something on the events' channel is not an event")
            return
        if process == self._process or event.id in self._heard:
            return
        self._heard[event.id] = None
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)
        self._hub.deliver(event)
