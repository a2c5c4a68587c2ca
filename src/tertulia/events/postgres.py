"""Events over PostgreSQL's LISTEN and NOTIFY."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg

from tertulia.events import store
from tertulia.events.outbox import Outbox
from tertulia.events.transport import Receiver
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import UnavailableError
from tertulia.kernel.ids import UUID, new_id
from tertulia.kernel.listening import connect, listen

CHANNEL = "tertulia_events"
MAX_NOTIFY_BYTES = 7_000
"""PostgreSQL takes 8,000; longer messages go through a table."""
REFERENCE = "@"
KEEP_SECONDS = 600.0
START_SECONDS = 5.0


class PostgresTransport:
    """One connection that listens and one that sends, for the whole process.

    A message of a transaction is sent inside it: PostgreSQL delivers it when, and only when, it is committed.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._receiver: Receiver | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._listening = asyncio.Event()
        self._missed = False
        self._sending: psycopg.AsyncConnection[Any] | None = None
        self._fetching: psycopg.AsyncConnection[Any] | None = None
        self._outbox = Outbox(self._hand_over, away=(psycopg.Error, OSError, TimeoutError))

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
        for connection in (self._sending, self._fetching):
            if connection is not None:
                await connection.close()

    async def check(self) -> None:
        try:
            async with await connect(self._conninfo) as connection:
                await connection.execute("select 1")
        except (psycopg.Error, OSError) as error:
            raise UnavailableError("PostgreSQL does not carry events just now.") from error

    async def send_with(self, tx: Transaction, message: str) -> None:
        connection = await tx.raw()
        if _fits(message):
            await connection.execute(store.NOTIFY, (CHANNEL, message))
            return
        payload_id = new_id()
        await connection.execute(store.KEEP, (payload_id, message))
        await connection.execute(store.NOTIFY, (CHANNEL, f"{REFERENCE}{payload_id.hex}"))

    def send(self, message: str) -> None:
        self._outbox.put(message)

    async def _listen(self) -> None:
        await listen(
            self._conninfo,
            CHANNEL,
            on_notify=self._hear,
            on_connected=self._connected,
            on_idle=self._sweep,
        )

    async def _connected(self) -> None:
        assert self._receiver is not None
        if self._listening.is_set():
            self._receiver.gap()
        self._listening.set()

    async def _hear(self, payload: str) -> None:
        assert self._receiver is not None
        if not payload.startswith(REFERENCE):
            self._receiver.message(payload)
            return
        body = await self._fetch(UUID(payload[len(REFERENCE) :]))
        if body is None:
            self._receiver.gap()
        else:
            self._receiver.message(body)

    async def _fetch(self, payload_id: UUID) -> str | None:
        if self._fetching is None or self._fetching.closed:
            self._fetching = await connect(self._conninfo)
        cursor = await self._fetching.execute(store.FETCH, (payload_id,))
        row = await cursor.fetchone()
        return None if row is None else str(row[0])

    async def _hand_over(self, messages: Sequence[str]) -> None:
        if self._sending is None or self._sending.closed:
            self._sending = await connect(self._conninfo)
        short: list[str] = []
        for message in messages:
            if _fits(message):
                short.append(message)
                continue
            payload_id = new_id()
            await self._sending.execute(store.KEEP, (payload_id, message))
            short.append(f"{REFERENCE}{payload_id.hex}")
        await self._sending.execute(store.NOTIFY_MANY, (CHANNEL, short))

    @staticmethod
    async def _sweep(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(store.SWEEP, (KEEP_SECONDS,))


def _fits(message: str) -> bool:
    return len(message.encode()) <= MAX_NOTIFY_BYTES
