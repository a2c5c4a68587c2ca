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
from tertulia.speech.live.buffer import AudioBuffer, finite, loudness_of
from tertulia.speech.live.endpoint import ActivityDetector, Endpointer, Span
from tertulia.speech.live.policy import FRAME_SAMPLES, LivePolicy, samples_of, seconds_of
from tertulia.speech.live.text import invented, join
from tertulia.speech.local import FileReading, Reading, Window
from tertulia.speech.repetition import without_loops

FILE_POLICY = LivePolicy(
    pause_seconds=0.4,
    before_seconds=0.24,
    after_seconds=0.2,
    long_seconds=6.0,
    long_pause_seconds=0.2,
    longest_seconds=27.0,
    cut_from_seconds=14.0,
)
"""Short pieces pack best: a window of 30 s costs the same however little it holds."""

WINDOW_SECONDS = 29.9
JOINED_SECONDS = 0.3
"""Silence shorter than this stays in the window; longer silence is left out."""
PAUSE_SECONDS = 1.0
SENTENCE_SECONDS = 2.0
LONGEST_SEGMENT_SECONDS = 12.0
SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
AHEAD_SAMPLES = 120 * SAMPLE_RATE_HZ
"""How much of a file the host holds that no worker has taken yet."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Audio for one window, and the pieces of the file it is made of."""

    pieces: tuple[Span, ...]
    samples: Samples


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
        self._audio: list[Samples] = []
        self._packed = 0
        self._cuts: list[Cut] = []

    @property
    def received(self) -> int:
        return self._buffer.end

    @property
    def held(self) -> int:
        """Samples on their way into a window."""
        return self._buffer.end - self._buffer.start + self._packed

    def feed(self, samples: Samples, *, judged: bool = True) -> list[Cut]:
        """Takes audio; gives the windows that are full now."""
        samples = finite(samples)
        self._buffer.append(samples)
        if not judged:
            return []
        waiting = np.concatenate((self._unjudged, samples))
        whole = len(waiting) // FRAME_SAMPLES * FRAME_SAMPLES
        self._unjudged = waiting[whole:]
        if whole:
            self._judge(waiting[:whole])
        # pieces have their own audio, else sparse speech would fill what may be held and stop the file
        self._buffer.drop_before(max(0, self._endpointer.settled - samples_of(JOINED_SECONDS)))
        return self._handed_over()

    def finish(self) -> list[Cut]:
        """The file has ended: the last window."""
        span = self._endpointer.finish(self._buffer.end)
        if span is not None:
            self._take(span)
        if self._pieces:
            self._emit()
        return self._handed_over()

    def whole(self) -> list[Cut]:
        """Everything in one window."""
        whole = Span(0, self._buffer.end)
        cut = Cut((whole,), self._buffer.between(0, whole.end))
        self._buffer.drop_before(whole.end)
        return [cut]

    def _handed_over(self) -> list[Cut]:
        cuts, self._cuts = self._cuts, []
        return cuts

    def _judge(self, frames: Samples) -> None:
        probabilities = self._detector.feed(frames)
        loudness = loudness_of(frames)
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
        self._audio.append(self._buffer.between(span.end - added, span.end))
        if near:
            self._pieces[-1] = Span(self._pieces[-1].start, span.end)
        else:
            self._pieces.append(span)
        self._packed += added

    def _emit(self) -> None:
        self._cuts.append(Cut(tuple(self._pieces), np.concatenate(self._audio)))
        self._pieces, self._audio, self._packed = [], [], 0


@dataclass(slots=True)
class FileReader:
    """Hands out the windows of one file and collects their readings.

    `cut` takes long and touches nothing the other methods do, so that it may run beside them.
    """

    options: RecognitionOptions
    cutter: FileCutter
    total_samples: int
    whole: bool = False
    """Whether the engine wants the file in one piece, as one that tells speakers apart does."""
    language: str | None = None
    _detected: bool = False
    _waiting: deque[Cut] = field(default_factory=deque)
    _waiting_samples: int = 0
    _received: int = 0
    _given: int = 0
    _asked: int = 0
    _segments: dict[int, tuple[Segment, ...]] = field(default_factory=dict)
    _ended: bool = False

    def wanted(self) -> int:
        """How many more samples to ask the server for now."""
        # the end of a piece is held twice, so that the next one can join it
        most = AHEAD_SAMPLES - samples_of(JOINED_SECONDS)
        ahead = self.total_samples if self.whole else most
        room = ahead - self.held - (self._asked - self._received)
        more = min(room, self.total_samples - self._asked)
        if more <= 0 or (more < AHEAD_SAMPLES // 4 and self._asked + more < self.total_samples):
            return 0
        self._asked += more
        return more

    @property
    def held(self) -> int:
        """Samples in memory that no worker has taken yet."""
        return self.cutter.held + self._waiting_samples

    @property
    def waiting(self) -> int:
        """Windows that no worker has taken yet."""
        return len(self._waiting)

    def cut(self, samples: Samples) -> list[Cut]:
        """Finds the windows in the next audio; in order, one call at a time."""
        cuts = self.cutter.feed(samples, judged=not self.whole)
        if self.cutter.received >= self.total_samples:
            cuts += self.cutter.whole() if self.whole else self.cutter.finish()
        return cuts

    def add(self, cuts: Sequence[Cut], samples: int) -> None:
        """Takes what `cut` made of so many samples."""
        self._waiting.extend(cuts)
        self._waiting_samples += sum(len(cut.samples) for cut in cuts)
        self._received += samples
        self._ended = self._received >= self.total_samples

    @property
    def ready(self) -> bool:
        """Whether a worker may take a window. Until the first has told the language, the others wait for it."""
        if not self._waiting:
            return False
        return self.options.language is not None or self._given == 0 or self._detected

    @property
    def finished(self) -> bool:
        return self._ended and not self._waiting and len(self._segments) == self._given

    def take(self) -> FileWindow:
        cut = self._waiting.popleft()
        self._waiting_samples -= len(cut.samples)
        options = replace(self.options, language=self.options.language or self.language)
        window = FileWindow(self._given, cut.pieces, Window(cut.samples, options, quick=False))
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
    placed = [
        replace(word, start=window.place(word.start), end=window.place(word.end))
        for word in reading.words
    ]
    for word in without_loops(placed):
        if not groups or _breaks(groups[-1], word):
            groups.append([])
        groups[-1].append(word)
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
