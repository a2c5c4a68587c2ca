"""How loud a recording is over its length, for a player to draw before a second of it is fetched."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tertulia.speech.domain import SAMPLE_RATE_HZ, AudioInfo

STEP = SAMPLE_RATE_HZ // 20
"""Samples of which the loudest is kept while reading: 50 ms."""
MOST_POINTS = 4_000
BLOCK_SECONDS = 30.0

Peaks = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Waveform:
    """The loudest of each stretch, 0 to 255, stretch by stretch and in each its channels."""

    duration_seconds: float
    channels: int
    peaks: bytes

    def drawn(self, points: int) -> list[list[float]]:
        """By channel, at most so many points from 0 to 1."""
        if not self.channels:
            return []
        levels = np.frombuffer(self.peaks, np.uint8).astype(np.float32)
        thinned = _thinned(levels.reshape(-1, self.channels).T, points)
        return [[round(float(level) / 255, 3) for level in channel] for channel in thinned]


NOTHING_HEARD = Waveform(0.0, 0, b"")


class Decoding(Protocol):
    """A recording that is being decoded, block by block."""

    info: AudioInfo | None

    def __aiter__(self) -> AsyncIterator[Any]: ...


class Decodes(Protocol):
    """Opens recordings; `speech.decoding.Decoder` does."""

    def open(
        self, source: Path, *, split: bool = ..., block_seconds: float = ...
    ) -> AbstractAsyncContextManager[Decoding]: ...


async def measured(decoder: Decodes, source: Path) -> Waveform:
    """Reads a recording once, with each channel by itself."""
    pieces: list[Peaks] = []
    rest: Peaks | None = None
    async with decoder.open(source, split=True, block_seconds=BLOCK_SECONDS) as recording:
        async for block in recording:
            whole = block if rest is None else np.concatenate([rest, block], axis=1)
            cut = whole.shape[1] - whole.shape[1] % STEP
            rest = whole[:, cut:]
            if cut:
                pieces.append(await asyncio.to_thread(_loudest, whole[:, :cut]))
        info = recording.info
    assert info is not None
    if rest is not None and rest.shape[1]:
        pieces.append(np.abs(rest).max(axis=1, keepdims=True))
    peaks = _thinned(np.concatenate(pieces, axis=1), MOST_POINTS)
    levels = np.clip(np.round(peaks * 255), 0, 255).astype(np.uint8)
    return Waveform(info.duration_seconds, levels.shape[0], levels.T.tobytes())


def _loudest(block: Peaks) -> Peaks:
    steps = np.abs(block).reshape(block.shape[0], -1, STEP)
    loudest: Peaks = steps.max(axis=2)
    return loudest


def _thinned(peaks: Peaks, points: int) -> Peaks:
    """At most so many columns, each the loudest of those it stands for."""
    count = peaks.shape[1]
    if count <= points:
        return peaks
    starts = np.linspace(0, count, points, endpoint=False).astype(np.int64)
    thinned: Peaks = np.maximum.reduceat(peaks, starts, axis=1)
    return thinned
