"""Listening to PostgreSQL's notifications on a connection that comes back by itself."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import psycopg
from psycopg import sql
from psycopg.abc import PQGen

log = logging.getLogger(__name__)

RV = TypeVar("RV")

KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A connection whose other end has vanished is noticed within half a minute."""

IDLE_SECONDS = 30.0
ANSWER_SECONDS = 10.0


def backoff_seconds(failures: int, *, cap_seconds: float = 2.0) -> float:
    """How long to wait before the next try, spread so that many processes do not come back at once."""
    ceiling: float = min(cap_seconds, 0.1 * 2.0 ** min(failures, 16))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


class PatientConnection(psycopg.AsyncConnection[Any]):
    """Waits until something comes.

    psycopg looks up ten times a second, for programs that hear of Ctrl+C in no other way; a server that has
    nothing to do would be awake all day.
    """

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = IDLE_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class's signature
    ) -> RV:
        return await super().wait(gen, interval=IDLE_SECONDS, timeout=timeout)


async def connect(conninfo: str) -> psycopg.AsyncConnection[Any]:
    """A connection of its own, outside the pool, on which each statement stands alone."""
    return await PatientConnection.connect(
        conninfo, autocommit=True, application_name="tertulia", **KEEPALIVE
    )


async def listen(
    conninfo: str,
    channel: str,
    *,
    on_notify: Callable[[str], Awaitable[None]],
    on_connected: Callable[[], Awaitable[None]],
    on_idle: Callable[[psycopg.AsyncConnection[Any]], Awaitable[None]] | None = None,
) -> NoReturn:
    """Hands over every payload until cancelled.

    `on_connected` is called each time listening begins: from the second call on, something may have been missed.
    `on_idle` may use the connection every half a minute or so.
    """
    failures = 0
    while True:
        try:
            async with await connect(conninfo) as connection:
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                await on_connected()
                failures = 0
                while True:
                    async for notification in connection.notifies(timeout=IDLE_SECONDS):
                        await on_notify(notification.payload)
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await connection.execute("select 1")
                        if on_idle is not None:
                            await on_idle(connection)
        except (psycopg.Error, OSError, TimeoutError) as error:
            if failures == 0:
                log.warning(
                    "lost PostgreSQL's notifications (%s), connecting again", type(error).__name__
                )
        await asyncio.sleep(backoff_seconds(failures))
        failures += 1
