"""What both kinds of live decoding share: audio in, utterances found, requests for an engine out.

A decoder holds no clock, no thread and no engine. Whoever drives it feeds audio, asks for the next
request, has an engine answer it, and hands the answer back. At most one request for a final and, where windows are
read, one for a partial are under way.
"""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from tertulia.speech.domain import Hypothesis, HypothesisKind, RecognitionOptions, Samples, Word
from tertulia.speech.live.buffer import AudioBuffer, finite, loudness_of
from tertulia.speech.live.endpoint import ActivityDetector, Endpointer, Span
from tertulia.speech.live.policy import (
    FRAME_SAMPLES,
    LIVE_POLICY,
    LivePolicy,
    samples_of,
    seconds_of,
)
from tertulia.speech.live.text import join
from tertulia.speech.local import Reading

JUDGED_SAMPLES = 3 * FRAME_SAMPLES
"""Detectors are fed exactly this much at a time, so that their answers cannot depend on the size of packets."""


@dataclass(frozen=True, slots=True)
class ClosedUtterance:
    """An utterance that waits for its final; `judged` is how far voice had been judged when it closed."""

    span: Span
    judged: int
    voiced: int
    """Up to where somebody was heard to speak."""


class LiveDecoder(ABC):
    """Turns audio and an engine's answers into hypotheses; see the module."""

    def __init__(
        self,
        detector: ActivityDetector,
        options: RecognitionOptions = RecognitionOptions(),
        *,
        offset_seconds: float = 0.0,
        policy: LivePolicy = LIVE_POLICY,
        context: str = "",
    ) -> None:
        self._detector = detector
        self._options = options
        self._offset = offset_seconds
        self._policy = policy
        self._context = context
        self._buffer = AudioBuffer()
        self._endpointer = Endpointer(policy)
        self._closed: deque[ClosedUtterance] = deque()
        self._unjudged: Samples = np.zeros(0, np.float32)
        self._reported = 0
        self._shown: set[int] = set()
        self._finishing = False

    @property
    def received(self) -> int:
        """How many samples have come in."""
        return self._buffer.end

    @property
    def kept_from(self) -> int:
        """The first sample that is still kept."""
        return self._buffer.start

    @property
    def finished(self) -> bool:
        """Whether the audio has ended and every utterance has its final."""
        return self._finishing and not self._closed

    @property
    def finishing(self) -> bool:
        """Whether the audio has ended."""
        return self._finishing

    @property
    def speaking(self) -> bool:
        return self._endpointer.open_start is not None

    def feed(self, samples: Samples) -> list[Hypothesis]:
        """Takes audio. What comes back has no text: it only moves `heard_until` on over silence."""
        samples = finite(samples)
        self._buffer.append(samples)
        waiting = np.concatenate((self._unjudged, samples))
        whole = len(waiting) // JUDGED_SAMPLES * JUDGED_SAMPLES
        self._unjudged = waiting[whole:]
        for at in range(0, whole, JUDGED_SAMPLES):
            self._judge(waiting[at : at + JUDGED_SAMPLES])
        return self._silence()

    def finish(self) -> list[Hypothesis]:
        """No more audio will come: closes what is open."""
        self._finishing = True
        span = self._endpointer.finish(self._buffer.end)
        if span is not None:
            self._close(span)
        return self._silence()

    @property
    def final_since(self) -> int | None:
        """The sample at which the oldest utterance ended that still waits for its final, if there is one."""
        return self._closed[0].span.end if self._closed else None

    @property
    @abstractmethod
    def partial_since(self) -> int | None:
        """The first sample of the open utterance that no engine has seen, if there is something to read."""

    def _judge(self, frames: Samples) -> None:
        probabilities = self._detector.feed(frames)
        loudness = loudness_of(frames)
        for probability, loud in zip(probabilities, loudness, strict=True):
            span = self._endpointer.step(float(probability), float(loud))
            if span is not None:
                self._close(span)

    def _close(self, span: Span) -> None:
        if span.end > span.start:
            voiced = min(self._endpointer.voiced_until, span.end)
            self._closed.append(ClosedUtterance(span, self._endpointer.position, voiced))

    def _heard_until(self) -> int:
        """Everything said before this place is in a final."""
        if self._closed:
            return self._closed[0].span.start
        return self._buffer.end if self._finishing else self._endpointer.settled

    def _forget(self) -> None:
        self._buffer.drop_before(self._heard_until())

    def _silence(self) -> list[Hypothesis]:
        self._forget()
        heard = self._heard_until()
        if heard - self._reported < samples_of(self._policy.silence_seconds) and not self.finished:
            return []
        if heard == self._reported:
            return []
        self._reported = heard
        at = self._seconds(heard)
        return [Hypothesis("", HypothesisKind.PARTIAL, "", at, at, at)]

    def _seconds(self, place: int) -> float:
        return round(self._offset + seconds_of(place), 3)

    def _hypothesis(self, kind: HypothesisKind, span: Span, reading: Reading) -> list[Hypothesis]:
        """The hypothesis, or nothing when there is no text and none was shown that must be taken back."""
        text = join(reading.words, reading.language)
        if not text and span.start not in self._shown:
            return self._silence()
        if kind is HypothesisKind.FINAL:
            self._shown.discard(span.start)
        else:
            self._shown.add(span.start)
        self._reported = heard = self._heard_until()
        self._forget()
        return [
            Hypothesis(
                utterance_id=f"u{round((self._offset + seconds_of(span.start)) * 1000):08d}",
                kind=kind,
                text=text,
                start=self._seconds(span.start),
                end=self._seconds(span.end),
                heard_until=self._seconds(heard),
                words=tuple(self._shifted(word) for word in reading.words),
                # Whisper translates into English only; what it names is the language it heard
                language="en" if self._options.translate else reading.language,
                confidence=reading.confidence,
            )
        ]

    def _shifted(self, word: Word) -> Word:
        start, end = round(self._offset + word.start, 3), round(self._offset + word.end, 3)
        return replace(word, start=start, end=end)
