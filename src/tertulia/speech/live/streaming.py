"""Live decoding by an engine that streams by itself: it is fed speech, and voice activity also ends its utterances."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Hypothesis,
    HypothesisKind,
    RecognitionOptions,
    Samples,
    Word,
)
from tertulia.speech.live.decoder import LiveDecoder
from tertulia.speech.live.endpoint import ActivityDetector, Span
from tertulia.speech.live.policy import FRAME_SAMPLES, LIVE_POLICY, LivePolicy, seconds_of
from tertulia.speech.live.text import invented
from tertulia.speech.local import LocalStream, Reading
from tertulia.speech.repetition import without_loops

BLOCK_SAMPLES = 3 * FRAME_SAMPLES
"""Engines are fed in blocks of this size from the beginning of an utterance, however the audio arrived."""

GAP_SECONDS = 2 * FRAME_SAMPLES / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """Audio to feed from the place `at` on; `closes` when the utterance ends with it."""

    at: int
    blocks: tuple[Samples, ...]
    closes: bool

    @property
    def end(self) -> int:
        return self.at + sum(len(block) for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Ended:
    """An utterance the engine itself heard end, after the first `samples` of the request."""

    reading: Reading
    samples: int


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """Utterances that ended on the way, and the one under way (or just closed)."""

    ended: tuple[Ended, ...]
    last: Reading


def feed(stream: LocalStream, request: FeedRequest) -> FeedAnswer:
    """Has the engine do what `request` asks; called on a worker."""
    ended: list[Ended] = []
    fed = 0
    for block in request.blocks:
        stream.accept(block)
        fed += len(block)
        if stream.ended():
            ended.append(Ended(stream.finish(), fed))
    return FeedAnswer(tuple(ended), stream.finish() if request.closes else stream.reading())


class StreamDecoder(LiveDecoder):
    """Feeds a native stream with speech only, and gives its readings as partials and finals."""

    def __init__(
        self,
        detector: ActivityDetector,
        options: RecognitionOptions = RecognitionOptions(),
        *,
        offset_seconds: float = 0.0,
        policy: LivePolicy = LIVE_POLICY,
        context: str = "",
    ) -> None:
        # What has been fed cannot be taken back, so a monologue ends at its next gap, not at its quietest one.
        policy = replace(
            policy,
            long_seconds=18.0,
            long_pause_seconds=GAP_SECONDS,
            longest_seconds=60.0,
            cut_from_seconds=60.0,
        )
        super().__init__(
            detector, options, offset_seconds=offset_seconds, policy=policy, context=context
        )
        self._vad_start: int | None = None
        self._start = 0
        self._fed = 0
        self._accepted = 0
        self._base = 0
        """Where the engine's own time zero would lie in the stream, in samples."""

    @property
    def partial_since(self) -> int | None:
        start = self._endpointer.open_start
        if start is None or self._closed:
            return None
        since = self._fed if self._vad_start == start else start
        return since if self._endpointer.position - since >= BLOCK_SAMPLES else None

    def final_request(self) -> FeedRequest:
        """The rest of the oldest closed utterance."""
        closed = self._closed[0]
        return self._request(closed.span.start, max(closed.judged, closed.span.end), closes=True)

    def partial_request(self) -> FeedRequest:
        """What the open utterance has that was not fed yet, in whole blocks."""
        start, end = self._endpointer.open_start, self._endpointer.position
        assert start is not None
        return self._request(start, end, closes=False)

    def _request(self, start: int, end: int, *, closes: bool) -> FeedRequest:
        if self._vad_start != start:
            self._vad_start = self._start = self._fed = start
            self._base = start - self._accepted
        if not closes:
            end -= (end - self._fed) % BLOCK_SAMPLES
        at = self._fed
        audio = self._buffer.between(at, end)
        self._fed, self._accepted = max(end, at), self._accepted + len(audio)
        blocks = tuple(audio[i : i + BLOCK_SAMPLES] for i in range(0, len(audio), BLOCK_SAMPLES))
        return FeedRequest(at, blocks, closes)

    def accept(self, request: FeedRequest, answer: FeedAnswer) -> list[Hypothesis]:
        """Takes the engine's answer."""
        heard: list[Hypothesis] = []
        for ended in answer.ended:
            heard += self._end(ended.reading, request.at + ended.samples)
        if request.closes:
            closed = self._closed.popleft().span
            heard += self._end(answer.last, max(closed.end, self._start))
            self._vad_start = None
            return heard
        span = Span(self._start, request.end)
        return heard + self._spoken(HypothesisKind.PARTIAL, span, answer.last)

    def _end(self, reading: Reading, end: int) -> list[Hypothesis]:
        span = Span(self._start, end)
        self._start = end
        return self._spoken(HypothesisKind.FINAL, span, reading)

    def _heard_until(self) -> int:
        heard = super()._heard_until()
        return max(heard, self._start) if self._vad_start is not None else heard

    def _spoken(self, kind: HypothesisKind, span: Span, reading: Reading) -> list[Hypothesis]:
        words = () if invented(reading) else self._placed(reading.words, span)
        return self._hypothesis(kind, span, replace(reading, words=words))

    def _placed(self, words: Sequence[Word], span: Span) -> tuple[Word, ...]:
        base, low, high = seconds_of(self._base), seconds_of(span.start), seconds_of(span.end)
        return tuple(
            replace(
                word,
                start=min(max(base + word.start, low), high),
                end=min(max(base + word.end, low), high),
            )
            for word in without_loops(words)
        )
