"""Spans of speech packed into windows of a model's length, so that silence costs nothing."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tertulia.speech.activity import Span
from tertulia.speech.domain import SAMPLE_RATE_HZ, Samples


@dataclass(frozen=True, slots=True)
class Pack:
    """Audio of several spans, one after the other."""

    samples: Samples
    starts: tuple[int, ...]
    """Where each span begins in `samples`."""
    sources: tuple[int, ...]
    """Where each span begins in the recording."""

    @property
    def seconds(self) -> float:
        return self.samples.size / SAMPLE_RATE_HZ

    def place(self, seconds: float, *, end: bool = False) -> float:
        """A time in the window as a time in the recording. An end belongs to the span before a seam."""
        at = min(round(seconds * SAMPLE_RATE_HZ), self.samples.size)
        index = self._span_at(at - 1 if end else at)
        return (self.sources[index] + at - self.starts[index]) / SAMPLE_RATE_HZ

    def after(self, seconds: float) -> "Pack | None":
        """What lies behind a time in the window, as a pack of its own."""
        at = round(seconds * SAMPLE_RATE_HZ)
        if at >= self.samples.size:
            return None
        index = self._span_at(at)
        starts = (0, *(start - at for start in self.starts[index + 1 :]))
        first = self.sources[index] + at - self.starts[index]
        return Pack(self.samples[at:], starts, (first, *self.sources[index + 1 :]))

    def _span_at(self, sample: int) -> int:
        return max(0, bisect_right(self.starts, sample) - 1)


def packed(samples: Samples, spans: Sequence[Span], most_seconds: float) -> list[Pack]:
    """As few packs as hold all spans in order, none longer than `most_seconds`."""
    most = int(most_seconds * SAMPLE_RATE_HZ)
    packs: list[Pack] = []
    held: list[Span] = []
    size = 0
    for span in spans:
        length = span.end - span.start
        if held and size + length > most:
            packs.append(_pack(samples, held))
            held, size = [], 0
        held.append(span)
        size += length
    if held:
        packs.append(_pack(samples, held))
    return packs


def _pack(samples: Samples, spans: list[Span]) -> Pack:
    lengths = [span.end - span.start for span in spans]
    starts = np.cumsum([0, *lengths[:-1]])
    audio = (
        samples[spans[0].start : spans[0].end]
        if len(spans) == 1
        else np.concatenate([samples[span.start : span.end] for span in spans])
    )
    return Pack(audio, tuple(int(s) for s in starts), tuple(span.start for span in spans))
