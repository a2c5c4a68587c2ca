"""pocketsphinx with its bundled English model: needs no download, hears only English, and says so."""

import re
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pocketsphinx

from tertulia.speech.activity import ActivityOptions, ActivityStream, Span, speech_spans
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Capabilities,
    RecognitionOptions,
    Samples,
    Segment,
    Word,
)
from tertulia.speech.local import FileReading, LocalStream, Progress, Reading, Window

FRAMES_A_SECOND = 100
BLOCK_SAMPLES = SAMPLE_RATE_HZ // 10
"""The decoder holds Python's lock while it works, so it is fed little by little."""
PRIME_SAMPLES = SAMPLE_RATE_HZ
"""Heard of an utterance before it is decoded: with half of it the text is a quarter worse."""
LANGUAGE = "en"
_FILE_ACTIVITY = ActivityOptions(max_seconds=28)
SPEECH = _FILE_ACTIVITY.threshold
SPOKEN_WINDOWS = 3
"""An utterance with fewer windows of speech is a noise, whatever words it resembles."""
_ONE_WORD = "#JSGF V1.0; grammar one; public <one> = oh;"
_VARIANT = re.compile(r"\(\d+\)$")


class _Utterances:
    """A decoder that is told the voice's mean spectrum before each utterance.

    Fed in blocks it would begin with a mean of its own and be a third less accurate. A second decoder that
    knows a single word measures the mean, at hundreds of times real time.
    """

    def __init__(self) -> None:
        self._decoder = pocketsphinx.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL")
        self._meter = pocketsphinx.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL", lm=None)
        self._meter.add_jsgf_string("one", _ONE_WORD)
        self._meter.activate_search("one")
        self._open = False

    def begin(self, sample: Samples) -> None:
        """Starts an utterance in the voice of `sample`."""
        if sample.size:
            self._meter.start_utt()
            self._meter.process_raw(_pcm(sample), full_utt=True)
            self._meter.end_utt()
            self._decoder.set_cmn(self._meter.get_cmn(True))
        self.end()
        self._decoder.start_utt()
        self._open = True

    def feed(self, samples: Samples) -> None:
        for start in range(0, samples.size, BLOCK_SAMPLES):
            self._decoder.process_raw(_pcm(samples[start : start + BLOCK_SAMPLES]))

    def end(self) -> None:
        if self._open:
            self._open = False
            self._decoder.end_utt()

    def words(self, offset: float) -> tuple[Word, ...]:
        """The best hypothesis; times from `offset`."""
        if self._decoder.hyp() is None:
            return ()
        return tuple(self._words(offset))

    def _words(self, offset: float) -> Iterator[Word]:
        for found in self._decoder.seg():
            if found.word.startswith(("<", "[", "+")):
                continue
            yield Word(
                _VARIANT.sub("", found.word),
                round(offset + found.start_frame / FRAMES_A_SECOND, 3),
                round(offset + (found.end_frame + 1) / FRAMES_A_SECOND, 3),
                round(min(1.0, max(0.0, found.prob)), 4),
            )


class PocketsphinxModel:
    """The bundled English model. One instance serves one thread."""

    name = "pocketsphinx"
    shareable = False
    capabilities = Capabilities(languages=frozenset({LANGUAGE}), streaming=True, words=True)

    def __init__(self) -> None:
        self._utterances = _Utterances()
        self._idle: list[_Utterances] = []
        """Decoders of conversations that are over: loading one takes as long as reading a sentence."""

    def transcribe(
        self, samples: Samples, options: RecognitionOptions, progress: Progress | None = None
    ) -> FileReading:
        spans = speech_spans(samples, _FILE_ACTIVITY)
        segments = []
        for span in spans:
            reading = self._whole(
                samples[span.start : span.end], span.start_seconds, progress, samples.size
            )
            if reading.words:
                segments.append(_segment(reading, span, keep_words=options.words))
        if progress is not None:
            progress(1.0)
        return FileReading(tuple(segments), LANGUAGE)

    def read(self, windows: Sequence[Window]) -> list[Reading]:
        readings = []
        for window in windows:
            spans = speech_spans(window.samples, _FILE_ACTIVITY)
            parts = [
                self._whole(window.samples[span.start : span.end], span.start_seconds)
                for span in spans
            ]
            words = tuple(word for part in parts for word in part.words)
            readings.append(_reading(words))
        return readings

    def stream(self, options: RecognitionOptions) -> LocalStream:
        del options
        utterances = self._idle.pop() if self._idle else _Utterances()
        stream = PocketsphinxStream(utterances)
        weakref.finalize(stream, self._idle.append, utterances)
        return stream

    def _whole(
        self, samples: Samples, offset: float, progress: Progress | None = None, total: int = 0
    ) -> Reading:
        self._utterances.begin(samples)
        try:
            for start in range(0, samples.size, SAMPLE_RATE_HZ):
                self._utterances.feed(samples[start : start + SAMPLE_RATE_HZ])
                if progress is not None:
                    progress(min(1.0, (offset * SAMPLE_RATE_HZ + start) / total))
        finally:
            self._utterances.end()
        return _reading(self._utterances.words(offset))


class PocketsphinxStream:
    """Utterances decoded as they grow. Where they end is for voice activity to say: it calls `finish`."""

    def __init__(self, utterances: _Utterances) -> None:
        self._utterances = utterances
        self._activity = ActivityStream()
        self._spoken_windows = 0
        self._held: list[Samples] = []
        """The beginning of an utterance, until there is enough of it to know the voice."""
        self._held_samples = 0
        self._decoding = False
        self._accepted = 0
        self._start = 0

    def accept(self, samples: Samples) -> None:
        self._accepted += samples.size
        self._spoken_windows += int(np.count_nonzero(self._activity.feed(samples) >= SPEECH))
        if self._decoding:
            self._utterances.feed(samples)
            return
        self._held.append(samples)
        self._held_samples += samples.size
        if self._held_samples >= PRIME_SAMPLES:
            self._begin()

    def reading(self) -> Reading:
        if not self._decoding or self._spoken_windows < SPOKEN_WINDOWS:
            return _reading(())
        return _reading(self._utterances.words(self._start / SAMPLE_RATE_HZ))

    def ended(self) -> bool:
        return False

    def finish(self) -> Reading:
        if self._held and not self._decoding:
            self._begin()
        if self._decoding:
            self._utterances.end()
        reading = self.reading()
        self._decoding = False
        self._spoken_windows = 0
        self._start = self._accepted
        return reading

    def _begin(self) -> None:
        audio = np.concatenate(self._held)
        self._held, self._held_samples = [], 0
        self._utterances.begin(audio)
        self._utterances.feed(audio)
        self._decoding = True


def _reading(words: tuple[Word, ...]) -> Reading:
    known = [word.confidence for word in words if word.confidence is not None]
    confidence = round(sum(known) / len(known), 4) if known else None
    return Reading(words, LANGUAGE, confidence, 0.0 if words else 1.0)


def _segment(reading: Reading, span: Span, *, keep_words: bool) -> Segment:
    return Segment(
        text=" ".join(word.text for word in reading.words),
        start=round(span.start_seconds, 3),
        end=round(span.end_seconds, 3),
        words=reading.words if keep_words else (),
        language=LANGUAGE,
        confidence=reading.confidence,
    )


def _pcm(samples: Samples) -> Any:
    return (samples * np.float32(32767)).astype("<i2").tobytes()
