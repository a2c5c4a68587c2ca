"""The sound that is not confirmed yet, by its place in the session, so that another engine can hear it again."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tertulia.speech.domain import SAMPLE_RATE_HZ, Samples

RECENT_SAMPLES = SAMPLE_RATE_HZ
_SCALE = np.float32(1 / 32_768)

Sound = NDArray[np.float32] | NDArray[np.int16]
"""Samples, or the 16-bit ones they are made of: half the memory, of which every chunk of every session takes some."""

Span = tuple[int, int]
"""First sample and the one after the last."""


def floats(sound: Sound) -> Samples:
    """The samples as engines take them."""
    if sound.dtype == np.float32:
        return sound  # type: ignore[return-value]
    samples: Samples = sound.astype(np.float32)
    samples *= _SCALE
    return samples


class KeptAudio:
    """Nothing here is copied: the arrays are those that came."""

    __slots__ = ("_blocks", "_recent", "_recent_samples", "_spans", "end", "heard")

    def __init__(self, position: int = 0, spans: Sequence[Span] = ()) -> None:
        self.heard = position
        """Everything said before this sample is in a final."""
        self.end = position
        self._blocks: deque[tuple[int, Sound]] = deque()
        self._spans = list(spans)
        self._recent: deque[Sound] = deque()
        self._recent_samples = 0

    @property
    def spans(self) -> tuple[Span, ...]:
        """Finals past `heard`: what they cover is not to be heard again."""
        return tuple(self._spans)

    @property
    def samples(self) -> int:
        """How much is kept."""
        return self.end - self._blocks[0][0] if self._blocks else 0

    def add(self, sound: Sound) -> None:
        size = len(sound)
        if size:
            self._blocks.append((self.end, sound))
            self.end += size

    def confirm(self, heard: int, final: Span | None = None) -> None:
        """Forgets what is confirmed."""
        self.heard = max(self.heard, min(heard, self.end))
        if final is not None:
            self._spans.append(final)
        if self._spans:
            self._spans = [span for span in self._spans if span[1] > self.heard]
        while self._blocks and self._blocks[0][0] + len(self._blocks[0][1]) <= self.heard:
            sound = self._blocks.popleft()[1]
            self._recent.append(sound)
            self._recent_samples += len(sound)
        while self._recent and self._recent_samples - len(self._recent[0]) >= RECENT_SAMPLES:
            self._recent_samples -= len(self._recent.popleft())

    def since(self, at: int) -> Iterable[Samples]:
        """The sound from `at` on, with what is in finals already made silent."""
        for start, block in list(self._blocks):
            if start + len(block) > at:
                yield self._silenced(start, block)[max(0, at - start) :]

    @property
    def recent(self) -> list[Samples]:
        """The last second or a little more, confirmed or not."""
        found: list[Samples] = []
        samples = 0
        waiting = (sound for _, sound in reversed(self._blocks))
        for sound in chain(waiting, reversed(self._recent)):
            if samples >= RECENT_SAMPLES:
                break
            found.append(floats(sound))
            samples += len(sound)
        return found[::-1]

    def _silenced(self, start: int, sound: Sound) -> Samples:
        block = floats(sound)
        for first, last in self._spans:
            if first < start + len(block) and last > start:
                block = np.array(block)
                block[max(0, first - start) : max(0, last - start)] = 0.0
        return block
