"""Live decoding by an engine that reads whole windows: quick ones for partials, one full one for the final."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from tertulia.speech.domain import Hypothesis, HypothesisKind, RecognitionOptions, Word
from tertulia.speech.live.agreement import Agreement
from tertulia.speech.live.decoder import LiveDecoder
from tertulia.speech.live.endpoint import ActivityDetector, Span
from tertulia.speech.live.policy import LIVE_POLICY, LivePolicy, samples_of, seconds_of
from tertulia.speech.live.text import invented, join
from tertulia.speech.local import Reading, Window
from tertulia.speech.repetition import without_loops


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A window to read; `utterances` is what it is about, `at` where the window begins."""

    utterances: tuple[Span, ...]
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
        self._settling = 0
        """How many of the closed utterances are being read for their finals."""

    @property
    def partial_since(self) -> int | None:
        unread = self._unread()
        return None if unread is None else max(unread.start, self._read_until)

    def final_request(self, *, together: bool = False) -> ReadRequest:
        """The window of the oldest closed utterance; `together` with the next ones that fit into it.

        A full window costs the same however little it holds, so on a busy machine utterances share one.
        """
        spans = [self._closed[0].span]
        longest = samples_of(self._policy.together_seconds)
        for closed in list(self._closed)[1:] if together else ():
            if closed.span.end - spans[0].start > longest:
                break
            spans.append(closed.span)
        self._settling = len(spans)
        return self._request(tuple(spans), spans[0].start, quick=False)

    def partial_request(self, *, hurried: bool = False) -> ReadRequest:
        """The window of what is being said, or was said last, and is not yet stable."""
        span = self._unread()
        assert span is not None
        if self._utterance != span.start:
            self._utterance, self._window_start = span.start, span.start
            self._agreement = Agreement()
        self._read_until = span.end
        self._trim(span.end)
        return self._request((span,), self._window_start, quick=True, hurried=hurried)

    def _unread(self) -> Span | None:
        """The oldest utterance with words that partials have not reached; its final may be long in coming.

        The silence at its end says nothing new, so it is not read for that.
        """
        for closed in islice(self._closed, self._settling, None):
            if closed.voiced > self._read_until:
                return closed.span
        start, voiced = self._endpointer.open_start, self._endpointer.voiced_until
        if start is None or voiced <= max(start, self._read_until):
            return None
        return Span(start, self._endpointer.spoken_until)

    def accept(self, request: ReadRequest, reading: Reading) -> list[Hypothesis]:
        """Takes the engine's answer."""
        if reading.language:
            self._language = reading.language
        begin, limit = seconds_of(request.at), seconds_of(request.utterances[-1].end)
        words = () if invented(reading) else without_loops(reading.words)
        placed = [_placed(word, begin, limit) for word in words if begin + word.start < limit]
        reading = replace(reading, words=tuple(placed))
        if request.window.quick:
            return self._partial(request.utterances[0], reading)
        return self._finals(request.utterances, reading)

    def _trim(self, end: int) -> None:
        stable = self._agreement.stable_until
        if stable is not None and end - self._window_start > samples_of(self._policy.trim_seconds):
            self._window_start = max(self._window_start, samples_of(stable))
        longest = samples_of(self._policy.quick_seconds)
        if end - self._window_start > longest:
            self._window_start = end - longest * 3 // 5
            self._agreement.settle_before(seconds_of(self._window_start))

    def _request(
        self, utterances: tuple[Span, ...], at: int, *, quick: bool, hurried: bool = False
    ) -> ReadRequest:
        options = self._options
        if quick and options.language is None:
            options = replace(options, language=self._language)
        if len(utterances) > 1:
            # Only good word times tell which words belong to which utterance.
            options = replace(options, words=True)
        samples = self._buffer.between(at, utterances[-1].end)
        context = self._context
        if quick and self._agreement.stable:
            context = f"{context} {join(self._agreement.stable, self._language)}".strip()
        policy = self._policy
        most = policy.quick_context_characters if quick else policy.context_characters
        context = context[-most:]
        return ReadRequest(utterances, at, Window(samples, options, quick, context, hurried))

    def _partial(self, utterance: Span, reading: Reading) -> list[Hypothesis]:
        unsettled = {closed.span.start for closed in self._closed}
        if self._utterance != utterance.start or (
            utterance.start not in {*unsettled, self._endpointer.open_start}
        ):
            return []  # its final was faster
        unsure = samples_of(self._policy.unsure_seconds)
        self._agreement.hear(reading.words, seconds_of(utterance.end - unsure))
        spoken = replace(reading, words=self._agreement.words)
        return self._hypothesis(HypothesisKind.PARTIAL, utterance, spoken)

    def _finals(self, utterances: Sequence[Span], reading: Reading) -> list[Hypothesis]:
        heard: list[Hypothesis] = []
        left = list(reading.words)
        self._settling = 0
        for place, span in enumerate(utterances):
            self._closed.popleft()
            own = left
            if place + 1 < len(utterances):
                seam = seconds_of(span.end + utterances[place + 1].start) / 2
                own = [word for word in left if (word.start + word.end) / 2 <= seam]
            left = left[len(own) :]
            final = replace(reading, words=tuple(own))
            text = join(final.words, final.language)
            self._context = f"{self._context} {text}".strip()[-self._policy.context_characters :]
            heard += self._hypothesis(HypothesisKind.FINAL, span, final)
        return heard


def _placed(word: Word, begin: float, limit: float) -> Word:
    """The word at its place in the stream, no longer than the audio it was read from."""
    return replace(
        word,
        start=min(begin + word.start, limit),
        end=min(begin + max(word.start, word.end), limit),
    )
