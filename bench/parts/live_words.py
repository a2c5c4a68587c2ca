"""Speakers at real time through the socket, and how long each 100 ms of speech waits for a text that covers it."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.fixtures.live import LiveServer
from websockets.asyncio.client import connect

from bench.parts.speech import PACKET_SAMPLES, PACKET_SECONDS, spoken_packets
from tertulia.speech.domain import Samples


@dataclass
class Told:
    """What a crowd of speakers measured, in seconds."""

    text: list[float] = field(default_factory=list)
    """From sending a packet to the first text, partial or final, that has heard it."""
    confirmed: list[float] = field(default_factory=list)
    """The same to the first final."""
    first: list[float] = field(default_factory=list)
    """From the first spoken packet to the first word."""


class Talker:
    """One session."""

    def __init__(self, server: LiveServer, audio: Samples, told: Told) -> None:
        self._address = f"ws://127.0.0.1:{server.port}/api/realtime/transcribe?language=en"
        self._headers = server.headers
        self._pcm = (np.clip(audio, -1, 1) * 32_767).astype("<i2")
        self._spoken = spoken_packets(audio)
        self._told = told
        self._sent: list[float] = []
        self._covered = self._confirmed = 0

    async def talk(self, delay: float) -> None:
        async with connect(
            self._address, additional_headers=self._headers, compression=None, proxy=None
        ) as socket:
            listening = asyncio.create_task(self._listen(socket))
            await asyncio.sleep(delay)
            began = time.perf_counter()
            for number in range(len(self._spoken)):
                due = began + (number + 1) * PACKET_SECONDS
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                self._sent.append(time.perf_counter())
                piece = self._pcm[number * PACKET_SAMPLES : (number + 1) * PACKET_SAMPLES]
                await socket.send((number + 1).to_bytes(4, "big") + piece.tobytes())
            await socket.send('{"event":"stop_recording","data":{}}')
            await listening

    async def _listen(self, socket: object) -> None:
        async for frame in socket:  # type: ignore[attr-defined]
            if b'"transcription_' not in (frame if isinstance(frame, bytes) else frame.encode()):
                continue
            now, message = time.perf_counter(), json.loads(frame)
            heard, text = message["data"]["sequence_number"], message["data"]["text_content"]
            if text and not self._told_first:
                self._told_first = True
                self._told.first.append(now - self._sent[self._spoken.index(True)])
            self._covered = self._count(self._covered, heard, now, self._told.text)
            if message["event"] == "transcription_final":
                until = round(message["data"]["end_time"] / PACKET_SECONDS)
                self._confirmed = self._count(self._confirmed, until, now, self._told.confirmed)

    _told_first = False

    def _count(self, covered: int, until: int, now: float, waits: list[float]) -> int:
        until = min(until, len(self._sent))
        waits += [now - self._sent[at] for at in range(covered, until) if self._spoken[at]]
        return max(covered, until)


async def talked(server: LiveServer, audios: Sequence[Samples]) -> Told:
    """Has everybody talk at once."""
    told = Told()
    gap = PACKET_SECONDS / len(audios)
    await asyncio.gather(*(Talker(server, a, told).talk(i * gap) for i, a in enumerate(audios)))
    return told
