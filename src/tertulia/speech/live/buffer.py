"""Audio by its absolute place in the stream, and what is done to it as it comes."""

import numpy as np
from numpy.typing import NDArray

from tertulia.speech.domain import SAMPLE_RATE_HZ, Samples
from tertulia.speech.live.policy import FRAME_SAMPLES


def finite(samples: Samples) -> Samples:
    """The samples without what is no number, which there hardly ever is."""
    if np.isfinite(samples).all():
        return samples
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)


def loudness_of(frames: Samples) -> NDArray[np.float32]:
    """How loud each frame is."""
    windows = frames.reshape(-1, FRAME_SAMPLES)
    power = np.einsum("ij,ij->i", windows, windows)
    return np.asarray(np.sqrt(power / FRAME_SAMPLES), np.float32)


class AudioBuffer:
    """The audio from `start` to `end`; places are samples from the beginning of the stream."""

    def __init__(self) -> None:
        self._data: Samples = np.zeros(8 * SAMPLE_RATE_HZ, np.float32)
        self._first = 0
        self.start = 0
        self.end = 0

    def append(self, samples: Samples) -> None:
        kept = self.end - self.start
        needed = self._first + kept + len(samples)
        if needed > len(self._data):
            size = max(len(self._data), 2 * (kept + len(samples)))
            roomy = np.zeros(size, np.float32)
            roomy[:kept] = self._data[self._first : self._first + kept]
            self._data, self._first = roomy, 0
        at = self._first + kept
        self._data[at : at + len(samples)] = samples
        self.end += len(samples)

    def between(self, start: int, end: int) -> Samples:
        """A copy, so that a window under way is not moved by what arrives meanwhile."""
        low = self._first + max(start, self.start) - self.start
        high = self._first + max(min(end, self.end), self.start) - self.start
        return self._data[low:high].copy()

    def drop_before(self, place: int) -> None:
        place = min(place, self.end)
        if place > self.start:
            self._first += place - self.start
            self.start = place
