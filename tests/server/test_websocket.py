"""The server's own cutting of WebSocket frames: the same messages as uvicorn's, however the bytes arrive."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from tertulia.doors.live.direct import Direct, direct_of
from tertulia.server.websocket import DirectWebSocketProtocol

pytestmark = pytest.mark.unit

REQUEST = (
    b"GET /there HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
MOST_BYTES = 200_000


class Wire(asyncio.Transport):
    """A connection whose other end is the test."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self._some = asyncio.Event()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data
        self._some.set()

    def forget(self) -> None:
        self.written.clear()
        self._some.clear()

    async def wrote(self) -> None:
        """Until something is sent."""
        await self._some.wait()
        self._some.clear()

    def close(self) -> None:
        self.closed = True
        self._some.set()

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        return None

    resume_reading = pause_reading


class App:
    """Takes what is received; `sink` what is offered at once."""

    def __init__(self, takes: Callable[[bytes], bool] | None = None) -> None:
        self._received: asyncio.Queue[bytes | str] = asyncio.Queue()
        self.offered: list[bytes] = []
        self.opened = asyncio.Event()
        self.direct: Direct | None = None
        self._takes = takes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self.direct = direct_of(scope)
        assert self.direct is not None
        if self._takes is not None:
            self.direct.hand_to(self._sink)
        self.opened.set()
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            self._received.put_nowait(message["bytes"] if text is None else text)

    async def received(self, count: int) -> list[bytes | str]:
        """The next messages."""
        async with asyncio.timeout(10):
            return [await self._received.get() for _ in range(count)]

    def _sink(self, frame: bytes) -> bool:
        assert self._takes is not None
        self.offered.append(frame)
        return self._takes(frame)


async def opened(app: App, **settings: Any) -> tuple[DirectWebSocketProtocol, Wire]:
    config = uvicorn.Config(
        cast(Any, app),
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,
        log_config=None,
        **settings,
    )
    config.load()
    protocol, wire = DirectWebSocketProtocol(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    protocol.data_received(REQUEST)
    async with asyncio.timeout(10):
        await app.opened.wait()
    wire.forget()
    return protocol, wire


def framed(opcode: Opcode, data: bytes, *, fin: bool = True, mask: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=mask)


async def ended(protocol: DirectWebSocketProtocol) -> None:
    """The peer goes, and then the application."""
    protocol.connection_lost(None)
    async with asyncio.timeout(10):
        await asyncio.gather(*protocol.tasks)


SIZES = (1, 5, 125, 126, 3_204, 65_535, 65_536)
MESSAGES = [
    b"".join(framed(Opcode.BINARY, bytes([size % 251]) * size) for size in SIZES),
    framed(Opcode.TEXT, b'{"event":"ping"}'),
    framed(Opcode.BINARY, b"one ", fin=False)
    + framed(Opcode.PING, b"in between")
    + framed(Opcode.CONT, b"two ", fin=False)
    + framed(Opcode.CONT, b"three"),
    framed(Opcode.BINARY, b"after"),
]
SAID: list[bytes | str] = [
    *(bytes([size % 251]) * size for size in SIZES),
    '{"event":"ping"}',
    b"one two three",
    b"after",
]


@pytest.mark.parametrize("seed", range(8))
async def test_messages_are_the_same_however_the_bytes_arrive(seed: int) -> None:
    app = App()
    protocol, wire = await opened(app)
    stream, chance = b"".join(MESSAGES), random.Random(seed)
    at = 0
    while at < len(stream):
        piece = chance.choice((1, 2, 3, 7, 100, 5_000, 100_000))
        protocol.data_received(stream[at : at + piece])
        at += piece
        await asyncio.sleep(0)
    assert await app.received(len(SAID)) == SAID
    assert b"in between" in wire.written
    await ended(protocol)


async def test_sound_is_offered_at_once_and_in_parts_or_refused_it_is_received() -> None:
    app = App(takes=lambda frame: frame != b"strange")
    protocol, _ = await opened(app)
    protocol.data_received(
        framed(Opcode.BINARY, b"plain") + framed(Opcode.BINARY, b"strange") + framed(Opcode.BINARY, b"behind")
    )  # fmt: skip
    assert app.offered == [b"plain", b"strange"]  # what is behind another waits for its turn
    assert await app.received(2) == [b"strange", b"behind"]
    protocol.data_received(
        framed(Opcode.BINARY, b"pl", fin=False) + framed(Opcode.CONT, b"ain") + framed(Opcode.TEXT, b"t")
    )  # fmt: skip
    assert await app.received(2) == [b"plain", "t"]
    assert len(app.offered) == 2
    await ended(protocol)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (framed(Opcode.BINARY, bytes(8), mask=False), 1002),
        (framed(Opcode.BINARY, bytes(MOST_BYTES + 1))[:100], 1009),
        (framed(Opcode.CONT, b"of nothing"), 1002),
        (b"\xc2" + framed(Opcode.BINARY, b"a reserved bit")[1:], 1002),
        (b"\x83" + framed(Opcode.BINARY, b"no such kind")[1:], 1002),
        (framed(Opcode.TEXT, b"\xff\xfe"), 1007),
    ],
    ids=["unmasked", "too long", "goes on with nothing", "reserved bit", "no such kind", "no text"],
)
async def test_what_breaks_the_protocol_is_closed_with_its_code(bad: bytes, code: int) -> None:
    app = App(takes=lambda frame: True)
    protocol, wire = await opened(app)
    protocol.data_received(framed(Opcode.BINARY, b"good") + bad)
    assert app.offered == [b"good"]
    assert wire.closed
    assert code.to_bytes(2, "big") in wire.written
    await ended(protocol)


async def test_text_goes_out_at_once_unless_the_peer_is_slow_or_gone() -> None:
    app = App()
    protocol, wire = await opened(app)
    assert app.direct is not None
    for text in ("ack", "ü" * 100):
        wire.written.clear()
        assert app.direct.send_text(text)
        assert bytes(wire.written) == framed(Opcode.TEXT, text.encode(), mask=False)
    assert not app.direct.send_text("x" * 70_000)
    protocol.pause_writing()
    assert not app.direct.send_text("later")
    protocol.resume_writing()
    assert app.direct.send_text("now")
    await ended(protocol)
    assert not app.direct.send_text("nobody")


async def test_a_peer_that_answers_no_ping_is_let_go_and_one_that_does_stays() -> None:
    """A connection of which only one half is left looks open for hours otherwise."""
    for answers in (True, False):
        app = App()
        protocol, wire = await opened(app, ws_ping_interval=0.02, ws_ping_timeout=0.1)
        async with asyncio.timeout(10):
            if answers:
                for _ in range(3):
                    await wire.wrote()
                    ping = bytes(wire.written[2:6])
                    wire.forget()
                    protocol.data_received(framed(Opcode.PONG, ping))
            else:
                while not wire.closed:
                    await wire.wrote()
        assert wire.closed is not answers
        await ended(protocol)
