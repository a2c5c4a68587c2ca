"""Live streams as the server sees them: chunks in, samples out, decoded in a child process."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import numpy as np

from tertulia.speech.decoding import wire
from tertulia.speech.decoding.errors import (
    AudioTooDemandingError,
    DecoderStoppedError,
    from_code,
)
from tertulia.speech.decoding.pool import Child, Pool
from tertulia.speech.decoding.wire import Kind
from tertulia.speech.domain import Samples

CHUNK_SECONDS = 15.0
"""How long one chunk may take: hundreds of times what a browser's chunk needs."""
_EBML = b"\x1a\x45\xdf\xa3"
_OGG = b"OggS"
_OGG_FLAGS_AT = 5
_OGG_FIRST_PAGE = 2


class DecodeStream(Protocol):
    """One live stream being decoded. `feed` and `finish` are called one after another, never at once."""

    async def feed(self, chunk: bytes) -> Samples:
        """The samples that became known with this chunk; may be none."""
        ...

    async def finish(self) -> Samples:
        """The samples that were still held back."""
        ...

    async def close(self) -> None:
        """Gives up what the stream holds; may be called at any time, more than once."""
        ...


def begins_recording(chunk: bytes) -> bool:
    """Whether the chunk carries a webm or ogg header: a recorder has been started anew."""
    if chunk.startswith(_EBML):
        return True
    return (
        chunk.startswith(_OGG)
        and len(chunk) > _OGG_FLAGS_AT
        and bool(chunk[_OGG_FLAGS_AT] & _OGG_FIRST_PAGE)
    )


class _ChildStream:
    """One conversation with a decoder process that other streams share."""

    def __init__(
        self, pool: Pool, off: Callable[[Callable[[], Any]], Awaitable[Any]], *, packets: bool
    ) -> None:
        self._pool, self._off = pool, off
        self._packets = packets
        self._child: Child | None = None
        self._socket: socket.socket | None = None

    async def feed(self, chunk: bytes) -> Samples:
        return await self._ask(Kind.CHUNK, chunk)

    async def finish(self) -> Samples:
        if self._socket is None:
            return np.empty(0, np.float32)
        try:
            return await self._ask(Kind.FINISH, b"")
        finally:
            await self.close()

    async def close(self) -> None:
        sock, child = self._socket, self._child
        self._socket = self._child = None
        if sock is not None:
            sock.close()
        if child is not None:
            await self._off(lambda: self._pool.leave(child))

    async def _ask(self, kind: Kind, payload: bytes) -> Samples:
        if self._socket is None:
            self._child, self._socket = await self._off(self._begin)
        try:
            async with asyncio.timeout(CHUNK_SECONDS):
                return await self._exchange(self._socket, kind, payload)
        except TimeoutError:
            await self._off(self._replace)
            raise AudioTooDemandingError(
                "A chunk took too long to decode. Start a new recording."
            ) from None
        except BaseException:
            # half an exchange leaves the two sides out of step
            await asyncio.shield(self.close())
            raise

    def _begin(self) -> tuple[Child, socket.socket]:
        for _ in range(2):
            child = self._pool.share()
            try:
                sock = child.submit({"live": True, "packets": self._packets})
            except DecoderStoppedError:
                self._pool.discard(child)
                continue
            sock.setblocking(False)
            return child, sock
        raise DecoderStoppedError

    def _replace(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._child is not None:
            self._pool.discard(self._child)
        self._socket = self._child = None

    @staticmethod
    async def _exchange(sock: socket.socket, kind: Kind, payload: bytes) -> Samples:
        loop = asyncio.get_running_loop()
        # what the process said before it went may still be there to read
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await loop.sock_sendall(sock, wire.HEADER.pack(kind, len(payload)) + payload)
        header = await _receive(loop, sock, wire.HEADER.size)
        answer, size = wire.HEADER.unpack(header)
        body = await _receive(loop, sock, size)
        if answer == Kind.SAMPLES:
            return np.frombuffer(body, np.float32)
        values = wire.unpack(body)
        raise from_code(values["code"], values["detail"])


async def _receive(loop: asyncio.AbstractEventLoop, sock: socket.socket, size: int) -> bytearray:
    body = bytearray(size)
    view = memoryview(body)
    while view.nbytes:
        try:
            count = await loop.sock_recv_into(sock, view)
        except ConnectionResetError:
            count = 0
        if not count:
            raise DecoderStoppedError
        view = view[count:]
    return body


class OpusStream(_ChildStream):
    """Bare Opus packets, one a chunk."""

    def __init__(self, pool: Pool, off: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
        super().__init__(pool, off, packets=True)


class ContainerStream(_ChildStream):
    """A recording that arrives in pieces. A new header on the way, as after a page's reload, begins anew."""

    def __init__(self, pool: Pool, off: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
        super().__init__(pool, off, packets=False)

    async def feed(self, chunk: bytes) -> Samples:
        if self._socket is None or not begins_recording(chunk):
            return await super().feed(chunk)
        before = await self.finish()
        return np.concatenate([before, await super().feed(chunk)])
