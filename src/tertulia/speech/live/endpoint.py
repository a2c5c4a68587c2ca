"""Where utterances begin and end, judged frame by frame so that the size of network packets cannot matter."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tertulia.speech.domain import Samples
from tertulia.speech.live.policy import FRAME_SAMPLES, LivePolicy, samples_of


class ActivityDetector(Protocol):
    """How likely each frame of `FRAME_SAMPLES` holds a voice; keeps its own state between calls."""

    def feed(self, frames: Samples) -> NDArray[np.float32]:
        """One probability a frame; `frames` is always a whole number of them."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of audio, in samples from the beginning of the stream."""

    start: int
    end: int


class Endpointer:
    """Opens and closes utterances. `open_start` is where the one under way began, or None."""

    def __init__(self, policy: LivePolicy) -> None:
        self._policy = policy
        self._open_frames = max(1, round(policy.open_seconds * 16_000 / FRAME_SAMPLES))
        self._frame = 0
        self._voiced_run = 0
        self._floor = 0
        self._last_voice = 0
        self._loudness: deque[float] = deque()
        self.open_start: int | None = None

    @property
    def position(self) -> int:
        """Up to where voice has been judged."""
        return self._frame * FRAME_SAMPLES

    @property
    def settled(self) -> int:
        """No utterance still to come can begin before this."""
        if self.open_start is not None:
            return self.open_start
        return self._beginning(self._frame - self._voiced_run)

    @property
    def voiced_until(self) -> int:
        """Up to where somebody was last heard to speak."""
        return self._last_voice

    @property
    def spoken_until(self) -> int:
        """Up to where the open utterance would reach if nobody spoke any more."""
        after = samples_of(self._policy.after_seconds) // FRAME_SAMPLES * FRAME_SAMPLES
        return min(self._last_voice + after, self.position)

    def step(self, probability: float, loudness: float) -> Span | None:
        """Takes one frame; gives the utterance it closed, if it did."""
        self._frame += 1
        if self.open_start is None:
            self._listen(probability, loudness)
            return None
        self._loudness.append(loudness)
        if probability >= self._policy.keep_probability:
            self._last_voice = self.position
        length = self.position - self.open_start
        if self.position - self._last_voice >= samples_of(self._pause(length)):
            return self._close(self.spoken_until)
        if length >= samples_of(self._policy.longest_seconds):
            return self._cut()
        return None

    def finish(self, end: int) -> Span | None:
        """The audio has ended: closes what is open."""
        if self.open_start is None:
            return None
        return self._close(end)

    def _listen(self, probability: float, loudness: float) -> None:
        if probability < self._policy.open_probability:
            self._voiced_run = 0
            self._loudness.clear()
            return
        self._voiced_run += 1
        self._loudness.append(loudness)
        if self._voiced_run < self._open_frames:
            return
        self.open_start = self._beginning(self._frame - self._voiced_run)
        self._voiced_run = 0
        self._last_voice = self.position

    def _beginning(self, frame: int) -> int:
        before = samples_of(self._policy.before_seconds) // FRAME_SAMPLES
        return max(self._floor, (frame - before) * FRAME_SAMPLES)

    def _pause(self, length: int) -> float:
        policy = self._policy
        is_long = length >= samples_of(policy.long_seconds)
        return policy.long_pause_seconds if is_long else policy.pause_seconds

    def _close(self, end: int) -> Span:
        assert self.open_start is not None
        # A cut may have left less than the last breath of an utterance.
        span = Span(self.open_start, max(end, self.open_start))
        self._floor = span.end
        self.open_start = None
        self._loudness.clear()
        return span

    def _cut(self) -> Span:
        """A monologue: ends it at its quietest point and goes on from there."""
        assert self.open_start is not None
        loud = np.fromiter(self._loudness, np.float32)
        # Three frames together: a single quiet frame may lie inside a plosive.
        smooth = np.convolve(loud, np.ones(3, np.float32) / 3, mode="same")
        smooth[-3:] = np.inf
        searched = self.position - self.open_start - samples_of(self._policy.cut_from_seconds)
        first = min(max(0, len(smooth) - searched // FRAME_SAMPLES), len(smooth) - 1)
        quietest = first + int(np.argmin(smooth[first:]))
        frames_after = len(smooth) - quietest - 1
        cut = self.position - frames_after * FRAME_SAMPLES
        span = Span(self.open_start, cut)
        for _ in range(quietest + 1):
            self._loudness.popleft()
        self._floor = self.open_start = cut
        return span
