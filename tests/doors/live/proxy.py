"""A network that cuts, delays, doubles and swaps: between a client and a live server, frame by frame."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake


class BadNetwork:
    """Each of its vices has a probability per chunk; `cuts` is how many connections it may break off."""

    def __init__(
        self,
        port: int,
        *,
        seed: int = 1,
        cuts: int = 0,
        cut: float = 0.0,
        double: float = 0.0,
        swap: float = 0.0,
        delay: float = 0.0,
    ) -> None:
        self.target = port
        self.port = 0
        self.cut_connections = 0
        self._random = random.Random(seed)
        self._cuts, self._cut = cuts, cut
        self._double, self._swap, self._delay = double, swap, delay

    @asynccontextmanager
    async def running(self) -> AsyncIterator["BadNetwork"]:
        async with serve(
            self._serve, "127.0.0.1", 0, compression=None, max_size=None, select_subprotocol=_any
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, client: ServerConnection) -> None:
        assert client.request is not None
        authorization = client.request.headers.get("Authorization")
        headers = {"Authorization": authorization} if authorization else {}
        address = f"ws://127.0.0.1:{self.target}{client.request.path}"
        try:
            upstream = await connect(
                address, additional_headers=headers, compression=None, max_size=None, proxy=None
            )
        except (OSError, InvalidHandshake, EOFError):
            client.transport.abort()
            return
        down = asyncio.create_task(_copy(upstream, client))
        try:
            await self._up(client, upstream)
        except ConnectionClosed:
            pass
        finally:
            if client.transport.is_closing():
                upstream.transport.abort()
            await asyncio.wait({down}, timeout=5)
            down.cancel()

    async def _up(self, client: ServerConnection, upstream: Any) -> None:
        held: Any = None
        async for frame in client:
            if isinstance(frame, bytes):
                if self._cuts and self._random.random() < self._cut:
                    self._cuts -= 1
                    self.cut_connections += 1
                    client.transport.abort()
                    return
                if self._random.random() < self._delay:
                    await asyncio.sleep(0.02)
                if held is None and self._random.random() < self._swap:
                    held = frame
                    continue
                if self._random.random() < self._double:
                    await upstream.send(frame)
            await upstream.send(frame)
            if held is not None:
                await upstream.send(held)
                held = None


def _any(_: ServerConnection, offered: Any) -> Any:
    return offered[0] if offered else None


async def _copy(upstream: Any, client: ServerConnection) -> None:
    try:
        async for frame in upstream:
            await client.send(frame)
        await client.close(upstream.close_code or 1000)
    except ConnectionClosed:
        client.transport.abort()
