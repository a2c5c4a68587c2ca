"""Many speakers at once, each a bare protocol on the event loop, so that the generator costs less than what it measures."""

import asyncio
import base64
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

ACK = re.compile(rb'"received_seq":(\d+)')
FRAME_BYTES = 3_200


@dataclass
class Load:
    """What a crowd of speakers saw."""

    frames: int = 0
    waits_ms: list[float] = field(default_factory=list)
    closed: int = 0


class Speaker(asyncio.Protocol):
    """One WebSocket that sends numbered frames and times what comes back."""

    def __init__(self, load: Load, path: str, headers: dict[str, str], *, echo: bool) -> None:
        self.ready = asyncio.Event()
        self._load = load
        self._path = path
        self._headers = headers
        self._echo = echo
        self._sent: dict[int, float] = {}
        self._acked = 0
        self._seq = 0
        self._data = b""
        self._open = False
        self._transport: asyncio.Transport
        # a mask of zeros leaves the sound as it is; the server undoes it all the same
        self._head = b"\x82\xfe" + (4 + FRAME_BYTES).to_bytes(2, "big") + bytes(4)
        self._sound = os.urandom(FRAME_BYTES)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {self._path} HTTP/1.1", "Host: bench", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
            *(f"{name}: {value}" for name, value in self._headers.items()),
        ]  # fmt: skip
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.closed += 1
        self.ready.set()

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._open:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            self._open = True
            self._data = self._data[end + 4 :]
            if self._echo:
                self.ready.set()
        while (frame := self._frame()) is not None:
            self._took(frame)

    def _frame(self) -> bytes | None:
        data = self._data
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(data[2:10], "big"), 10
        if len(data) < at + size:
            return None
        self._data = data[at + size :]
        return data[at : at + size]

    def _took(self, frame: bytes) -> None:
        if self._echo:
            self._acknowledged(int.from_bytes(frame[:4], "big"))
        elif b'"event":"ack"' in frame[:20]:
            found = ACK.search(frame)
            if found:
                self._acknowledged(int(found[1]))
        elif b"session_created" in frame[:30]:
            self.ready.set()

    def _acknowledged(self, seq: int) -> None:
        now = time.perf_counter()
        while self._acked < seq:
            self._acked += 1
            sent = self._sent.pop(self._acked, None)
            if sent is not None:
                self._load.waits_ms.append((now - sent) * 1000)

    def speak(self) -> None:
        if self._transport.is_closing():
            return
        self._seq += 1
        self._sent[self._seq] = time.perf_counter()
        self._load.frames += 1
        self._transport.write(self._head + self._seq.to_bytes(4, "big") + self._sound)

    def leave(self) -> None:
        self._transport.abort()


async def crowd(
    url: str, path: str, headers: dict[str, str], *, speakers: int, seconds: float, rate: float = 10.0,
    echo: bool = False,
    opened: Callable[[], object] = int,
) -> Load:  # fmt: skip
    """Each speaker sends `rate` frames a second, spread evenly over time; `opened` is called once all are there."""
    load = Load()
    loop = asyncio.get_running_loop()
    target = urlsplit(url)
    those: list[Speaker] = []
    for at in range(0, speakers, 20):
        made = [
            loop.create_connection(
                lambda: Speaker(load, path, headers, echo=echo), target.hostname, target.port
            )
            for _ in range(min(20, speakers - at))
        ]
        fresh = [protocol for _, protocol in await asyncio.gather(*made)]
        await asyncio.gather(*(one.ready.wait() for one in fresh))
        those += fresh
    load.waits_ms.clear()
    opened()
    began, turn, total = time.perf_counter(), 0, round(seconds * rate * speakers)
    while turn < total:
        due = min(total, int((time.perf_counter() - began) * rate * speakers))
        while turn < due:
            those[turn % speakers].speak()
            turn += 1
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.5)
    for one in those:
        one.leave()
    return load
