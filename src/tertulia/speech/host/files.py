"""A file inside the host: cut into windows as its audio arrives, read by any worker, put together again."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Recognition,
    RecognitionOptions,
    Samples,
    Segment,
    Word,
)
from tertulia.speech.live.buffer import AudioBuffer
from tertulia.speech.live.endpoint import ActivityDetector, Endpointer, Span
from tertulia.speech.live.policy import FRAME_SAMPLES, LivePolicy, samples_of, seconds_of
from tertulia.speech.live.text import invented, join, without_loops
from tertulia.speech.local import FileReading, Reading, Window

FILE_POLICY = LivePolicy(
    pause_seconds=0.4,
    after_seconds=0.3,
    long_seconds=6.0,
    long_pause_seconds=0.2,
    longest_seconds=27.0,
    cut_from_seconds=14.0,
)
"""Short pieces pack best: a window of 30 s costs the same however little it holds."""

WINDOW_SECONDS = 29.0
JOINED_SECONDS = 0.4
"""Silence shorter than this stays in the window; longer silence is left out."""
PAUSE_SECONDS = 1.0
SENTENCE_SECONDS = 2.0
LONGEST_SEGMENT_SECONDS = 12.0
SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
AHEAD_SAMPLES = 120 * SAMPLE_RATE_HZ
"""How much of a file the host holds that no worker has taken yet."""


@dataclass(frozen=True, slots=True)
class FileWindow:
    """A window of a file: pieces of it, side by side."""

    number: int
    pieces: tuple[Span, ...]
    window: Window

    def place(self, at: float) -> float:
        """A time in the window as a time in the file."""
        left = samples_of(at)
        for piece in self.pieces:
            length = piece.end - piece.start
            if left <= length:
                return seconds_of(piece.start + max(left, 0))
            left -= length
        return seconds_of(self.pieces[-1].end)


class FileCutter:
    """Finds the speech in a file and packs it into windows."""

    def __init__(self, detector: ActivityDetector, policy: LivePolicy = FILE_POLICY) -> None:
        self._detector = detector
        self._endpointer = Endpointer(policy)
        self._buffer = AudioBuffer()
        self._unjudged: Samples = np.zeros(0, np.float32)
        self._pieces: list[Span] = []
        self._packed = 0
        self.windows: deque[tuple[tuple[Span, ...], Samples]] = deque()

    @property
    def received(self) -> int:
        return self._buffer.end

    @property
    def held(self) -> int:
        """Samples in memory, in windows or on their way there."""
        waiting = sum(len(samples) for _, samples in self.windows)
        return self._buffer.end - self._buffer.start + waiting

    def feed(self, samples: Samples, *, judged: bool = True) -> None:
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        self._buffer.append(samples)
        if not judged:
            return
        waiting = np.concatenate((self._unjudged, samples))
        whole = len(waiting) // FRAME_SAMPLES * FRAME_SAMPLES
        self._unjudged = waiting[whole:]
        if whole:
            self._judge(waiting[:whole])
        kept_from = self._pieces[0].start if self._pieces else self._endpointer.settled
        self._buffer.drop_before(kept_from)

    def finish(self) -> None:
        """The file has ended."""
        span = self._endpointer.finish(self._buffer.end)
        if span is not None:
            self._take(span)
        if self._pieces:
            self._emit()

    def take_whole(self) -> None:
        """Puts everything into one window."""
        whole = Span(0, self._buffer.end)
        self.windows.append(((whole,), self._buffer.between(0, whole.end)))
        self._buffer.drop_before(whole.end)

    def _judge(self, frames: Samples) -> None:
        probabilities = self._detector.feed(frames)
        loudness = np.sqrt(np.mean(frames.reshape(-1, FRAME_SAMPLES) ** 2, axis=1))
        for probability, loud in zip(probabilities, loudness, strict=True):
            span = self._endpointer.step(float(probability), float(loud))
            if span is not None:
                self._take(span)

    def _take(self, span: Span) -> None:
        if span.end <= span.start:
            return
        near = bool(self._pieces) and span.start - self._pieces[-1].end <= samples_of(
            JOINED_SECONDS
        )
        added = span.end - (self._pieces[-1].end if near else span.start)
        if self._packed + added > samples_of(WINDOW_SECONDS):
            self._emit()
            near, added = False, span.end - span.start
        if near:
            self._pieces[-1] = Span(self._pieces[-1].start, span.end)
        else:
            self._pieces.append(span)
        self._packed += added

    def _emit(self) -> None:
        audio = np.concatenate([self._buffer.between(p.start, p.end) for p in self._pieces])
        self.windows.append((tuple(self._pieces), audio))
        self._pieces, self._packed = [], 0


@dataclass(slots=True)
class FileReader:
    """Hands out the windows of one file and collects their readings; pure, driven by the workers."""

    options: RecognitionOptions
    cutter: FileCutter
    total_samples: int
    whole: bool = False
    """Whether the engine wants the file in one piece, as one that tells speakers apart does."""
    language: str | None = None
    _detected: bool = False
    _given: int = 0
    _asked: int = 0
    _segments: dict[int, tuple[Segment, ...]] = field(default_factory=dict)
    _ended: bool = False

    def wanted(self) -> int:
        """How many more samples to ask the server for now."""
        ahead = self.total_samples if self.whole else AHEAD_SAMPLES
        room = ahead - self.cutter.held - (self._asked - self.cutter.received)
        more = min(room, self.total_samples - self._asked)
        if more <= 0 or (more < AHEAD_SAMPLES // 4 and self._asked + more < self.total_samples):
            return 0
        self._asked += more
        return more

    def feed(self, samples: Samples) -> None:
        self.cutter.feed(samples, judged=not self.whole)
        if self.cutter.received >= self.total_samples and not self._ended:
            self._ended = True
            if self.whole:
                self.cutter.take_whole()
            else:
                self.cutter.finish()

    @property
    def ready(self) -> bool:
        """Whether a worker may take a window. Until the first has told the language, the others wait for it."""
        if not self.cutter.windows:
            return False
        return self.options.language is not None or self._given == 0 or self._detected

    @property
    def finished(self) -> bool:
        return self._ended and not self.cutter.windows and len(self._segments) == self._given

    def take(self) -> FileWindow:
        pieces, audio = self.cutter.windows.popleft()
        options = replace(self.options, language=self.options.language or self.language)
        window = FileWindow(self._given, pieces, Window(audio, options, quick=False))
        self._given += 1
        return window

    def accept(self, window: FileWindow, reading: Reading) -> None:
        self.language = self.language or reading.language
        self._detected = True
        self._segments[window.number] = tuple(segments_of(window, reading))

    def accept_whole(self, window: FileWindow, reading: FileReading) -> None:
        self.language = reading.language
        self._segments[window.number] = reading.segments

    def recognition(self, provider: str) -> Recognition:
        ordered = [s for number in sorted(self._segments) for s in self._segments[number]]
        language = self.options.language or self.language
        return Recognition(tuple(ordered), language, seconds_of(self.total_samples), provider)


def segments_of(window: FileWindow, reading: Reading) -> list[Segment]:
    """The words of a window as segments: a sentence, or what lies between two pauses."""
    if invented(reading):
        return []
    groups: list[list[Word]] = []
    for word in without_loops(reading.words):
        placed = replace(word, start=window.place(word.start), end=window.place(word.end))
        if not groups or _breaks(groups[-1], placed):
            groups.append([])
        groups[-1].append(placed)
    return [_segment(group, reading) for group in groups]


def _breaks(group: Sequence[Word], word: Word) -> bool:
    length = group[-1].end - group[0].start
    ended = group[-1].text.rstrip().endswith(SENTENCE_ENDS) and length >= SENTENCE_SECONDS
    paused = word.start - group[-1].end >= PAUSE_SECONDS
    return ended or paused or word.end - group[0].start > LONGEST_SEGMENT_SECONDS


def _segment(words: Sequence[Word], reading: Reading) -> Segment:
    return Segment(
        text=join(words, reading.language),
        start=round(words[0].start, 3),
        end=round(words[-1].end, 3),
        words=tuple(words),
        language=reading.language,
        confidence=reading.confidence,
    )
