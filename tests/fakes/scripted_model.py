"""An engine whose text is the audio itself: each tone burst of `100 * n` Hz is the word `w<n>`.

So whether anything is lost or doubled between microphone and transcript can be checked exactly. What it costs,
and how it breaks, is part of its configuration or of the audio: some pitches kill, hang or fill the memory.
"""

import ctypes
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Capabilities,
    RecognitionOptions,
    Samples,
    Segment,
    Word,
)
from tertulia.speech.local import FileReading, LocalStream, Progress, Reading, Window

HOP = SAMPLE_RATE_HZ // 100
LOUD = 0.05
CRASH, HANG, BLOAT = 71, 72, 73
"""Words that end the process, never come back, and take all memory."""


def word(number: int, seconds: float = 0.2) -> Samples:
    """The sound of `w<number>`."""
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (0.3 * np.sin(2 * np.pi * 100 * number * t)).astype(np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def speech(numbers: Sequence[int], gap: float = 0.1, seconds: float = 0.2) -> Samples:
    """Words with short gaps between them."""
    return np.concatenate([part for n in numbers for part in (word(n, seconds), silence(gap))])


def words_in(samples: Samples) -> tuple[Word, ...]:
    """The bursts, found by loudness in steps of 10 ms and named by their pitch."""
    steps = len(samples) // HOP
    level = np.abs(samples[: steps * HOP].reshape(steps, HOP)).max(axis=1, initial=0.0) > LOUD
    edges = np.flatnonzero(np.diff(np.concatenate(([0], level.astype(np.int8), [0]))))
    found = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        burst = samples[first * HOP : last * HOP]
        if len(burst) < 4 * HOP:
            continue
        found.append(Word(f"w{_pitch(burst)}", first / 100, last / 100, 0.9))
    return tuple(found)


def _pitch(burst: Samples) -> int:
    sounding = np.flatnonzero(np.abs(burst) > 1e-3)
    burst = burst[sounding[0] : sounding[-1] + 1]
    crossings = int(np.count_nonzero(np.diff(np.signbit(burst))))
    return round(crossings / 2 / (len(burst) / SAMPLE_RATE_HZ) / 100)


class LoudnessDetector:
    """Voice is what is loud; stateless, so that chunking cannot matter."""

    def feed(self, frames: Samples) -> NDArray[np.float32]:
        loud = np.abs(frames.reshape(-1, 512)).max(axis=1) > LOUD
        return loud.astype(np.float32)


class ScriptedModel:
    """See the module. `quick_seconds` and `full_seconds` are what a reading costs; a batch costs as much as one."""

    shareable = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.name = "scripted"
        self.capabilities = Capabilities(words=True, streaming=bool(config.get("streams")))
        self._config = config

    def transcribe(
        self, samples: Samples, options: RecognitionOptions, progress: Progress | None = None
    ) -> FileReading:
        reading = self.read([Window(samples, options, quick=False)])[0]
        text = " ".join(w.text for w in reading.words)
        return FileReading(
            (Segment(text, 0.0, len(samples) / SAMPLE_RATE_HZ, reading.words),), "en"
        )

    def read(self, windows: Sequence[Window]) -> list[Reading]:
        readings = [Reading(words_in(window.samples), "en", 0.9) for window in windows]
        for reading in readings:
            self._obey(reading)
        quick = all(window.quick for window in windows)
        self._spend(self._config.get("quick_seconds" if quick else "full_seconds", 0.0))
        return readings

    def stream(self, options: RecognitionOptions) -> LocalStream | None:
        return ScriptedStream(self) if self._config.get("streams") else None

    def _spend(self, seconds: float) -> None:
        if self._config.get("burns"):
            until = time.thread_time() + seconds
            while time.thread_time() < until:
                pass
        elif seconds:
            time.sleep(seconds)

    def _obey(self, reading: Reading) -> None:
        said = {w.text for w in reading.words}
        if f"w{CRASH}" in said:
            ctypes.string_at(0)
        if f"w{HANG}" in said:
            time.sleep(3600)
        if f"w{BLOAT}" in said:
            hoard = []
            while True:
                hoard.append(np.ones(4_000_000))
                time.sleep(0.005)


class ScriptedStream:
    """Reads the same words as they come; never hears an end by itself."""

    def __init__(self, model: ScriptedModel) -> None:
        self._model = model
        self._audio: list[Samples] = []
        self._begin = 0
        self._length = 0

    def accept(self, samples: Samples) -> None:
        self._audio.append(samples)
        self._length += len(samples)

    def reading(self) -> Reading:
        at = self._begin / SAMPLE_RATE_HZ
        audio = np.concatenate(self._audio) if self._audio else silence(0)
        words = tuple(Word(w.text, at + w.start, at + w.end, 0.9) for w in words_in(audio))
        reading = Reading(words, "en", 0.9)
        self._model._obey(reading)
        return reading

    def ended(self) -> bool:
        return False

    def finish(self) -> Reading:
        reading = self.reading()
        self._audio.clear()
        self._begin = self._length
        return reading


def load(config: Mapping[str, Any]) -> ScriptedModel:
    """What the speech host calls."""
    time.sleep(config.get("load_seconds", 0.0))
    return ScriptedModel(config)
