"""Events over Redis, for many nodes."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tertulia.events.outbox import Outbox
from tertulia.events.transport import Receiver
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import UnavailableError
from tertulia.kernel.listening import backoff_seconds

log = logging.getLogger(__name__)

CHANNEL = "tertulia:events"
START_SECONDS = 5.0
CHECK_SECONDS = 30.0


class RedisTransport:
    """One channel that every process publishes to and listens on.

    A message of a transaction is handed to Redis after its commit, so a process killed between the two loses it;
    what must not be lost is a job or a row, never an event alone.
    """

    def __init__(self, url: str) -> None:
        # A silent reconnect would hide the gap from subscribers, so the client makes none by itself.
        self._client = Redis.from_url(
            url,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=5,
            health_check_interval=CHECK_SECONDS,
        )
        self._receiver: Receiver | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._listening = asyncio.Event()
        self._outbox = Outbox(self._hand_over, away=(RedisError, OSError, TimeoutError))

    async def start(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._tasks = [
            asyncio.create_task(self._listen(), name="events: listen"),
            asyncio.create_task(self._outbox.run(), name="events: send"),
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._listening.wait()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def send_with(self, tx: Transaction, message: str) -> None:
        tx.after_commit(lambda: self._outbox.put(message))

    def send(self, message: str) -> None:
        self._outbox.put(message)

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    while True:
                        found = await pubsub.get_message(timeout=CHECK_SECONDS)
                        if found is None:
                            continue
                        failures = 0
                        self._hear(found["type"], found["data"])
            except (RedisError, OSError, TimeoutError) as error:
                if failures == 0:
                    log.warning("lost Redis (%s), connecting again", type(error).__name__)
            await asyncio.sleep(backoff_seconds(failures))
            failures += 1

    def _hear(self, kind: str, data: str) -> None:
        assert self._receiver is not None
        if kind == "message":
            self._receiver.message(data)
        elif kind == "subscribe":
            if self._listening.is_set():
                self._receiver.gap()
            self._listening.set()

    async def check(self) -> None:
        try:
            await self._client.ping()
        except (RedisError, OSError, TimeoutError) as error:
            raise UnavailableError("Redis does not answer. Look at TERTULIA_REDIS_URL.") from error

    async def _hand_over(self, messages: Sequence[str]) -> None:
        async with self._client.pipeline(transaction=False) as pipeline:
            for message in messages:
                pipeline.publish(CHANNEL, message)
            await pipeline.execute()
