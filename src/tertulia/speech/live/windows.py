"""Live decoding by an engine that reads whole windows: quick ones for partials, one full one for the final."""

from dataclasses import dataclass, replace

from tertulia.speech.domain import Hypothesis, HypothesisKind, RecognitionOptions, Word
from tertulia.speech.live.agreement import Agreement
from tertulia.speech.live.decoder import Due, LiveDecoder
from tertulia.speech.live.endpoint import ActivityDetector, Span
from tertulia.speech.live.policy import LIVE_POLICY, LivePolicy, samples_of, seconds_of
from tertulia.speech.live.text import invented, join, without_loops
from tertulia.speech.local import Reading, Window


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A window to read; `utterance` is what it belongs to, `at` where the window begins."""

    utterance: Span
    at: int
    window: Window


class WindowDecoder(LiveDecoder):
    """Local agreement over a growing window makes partials; each closed utterance is read once, whole."""

    def __init__(
        self,
        detector: ActivityDetector,
        options: RecognitionOptions = RecognitionOptions(),
        *,
        offset_seconds: float = 0.0,
        policy: LivePolicy = LIVE_POLICY,
        context: str = "",
    ) -> None:
        super().__init__(
            detector, options, offset_seconds=offset_seconds, policy=policy, context=context
        )
        self._language: str | None = None
        self._utterance: int | None = None
        self._agreement = Agreement()
        self._window_start = 0
        self._read_until = 0

    def due(self) -> Due | None:
        if self._closed:
            return Due(self._closed[0].span.end, final=True)
        start = self._endpointer.open_start
        if start is None:
            return None
        since = max(start, self._read_until)
        return Due(since, final=False) if self._endpointer.position > since else None

    def next_request(self) -> ReadRequest | None:
        """The window to read next: the oldest final, or else a partial of what is being said."""
        if self._closed:
            span = self._closed[0].span
            return self._request(span, span.start, quick=False)
        start = self._endpointer.open_start
        end = self._endpointer.position
        if start is None or end <= max(start, self._read_until):
            return None
        self._begin(start)
        self._read_until = end
        self._trim(end)
        return self._request(Span(start, end), self._window_start, quick=True)

    def accept(self, request: ReadRequest, reading: Reading) -> list[Hypothesis]:
        """Takes the engine's answer."""
        if reading.language:
            self._language = reading.language
        begin, limit = seconds_of(request.at), seconds_of(request.utterance.end)
        words = () if invented(reading) else without_loops(reading.words)
        placed = [_placed(word, begin, limit) for word in words if begin + word.start < limit]
        reading = replace(reading, words=tuple(placed))
        if request.window.quick:
            return self._partial(request, reading)
        return self._final(request, reading)

    def _begin(self, start: int) -> None:
        if self._utterance != start:
            self._utterance, self._window_start = start, start
            self._agreement = Agreement()

    def _trim(self, end: int) -> None:
        stable = self._agreement.stable_until
        if stable is not None and end - self._window_start > samples_of(self._policy.trim_seconds):
            self._window_start = max(self._window_start, samples_of(stable))
        longest = samples_of(self._policy.quick_seconds)
        if end - self._window_start > longest:
            self._window_start = end - longest * 3 // 5
            self._agreement.settle_before(seconds_of(self._window_start))

    def _request(self, utterance: Span, at: int, *, quick: bool) -> ReadRequest:
        options = self._options
        if quick and options.language is None:
            options = replace(options, language=self._language)
        samples = self._buffer.between(at, utterance.end)
        context = self._context
        if quick and self._agreement.stable:
            context = f"{context} {join(self._agreement.stable, self._language)}".strip()
        context = context[-self._policy.context_characters :]
        return ReadRequest(utterance, at, Window(samples, options, quick, context))

    def _partial(self, request: ReadRequest, reading: Reading) -> list[Hypothesis]:
        if self._utterance != request.utterance.start:
            return []
        unsure = samples_of(self._policy.unsure_seconds)
        self._agreement.hear(reading.words, seconds_of(request.utterance.end - unsure))
        spoken = replace(reading, words=self._agreement.words)
        return self._hypothesis(HypothesisKind.PARTIAL, request.utterance, spoken)

    def _final(self, request: ReadRequest, reading: Reading) -> list[Hypothesis]:
        self._closed.popleft()
        text = join(reading.words, reading.language)
        if text:
            self._context = f"{self._context} {text}"[-self._policy.context_characters :]
        return self._hypothesis(HypothesisKind.FINAL, request.utterance, reading)


def _placed(word: Word, begin: float, limit: float) -> Word:
    """The word at its place in the stream, no longer than the audio it was read from."""
    return replace(
        word,
        start=min(begin + word.start, limit),
        end=min(begin + max(word.start, word.end), limit),
    )
