"""Where somebody speaks: Silero's detector over 32 ms windows, and the spans that follow from it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tertulia.speech.domain import SAMPLE_RATE_HZ, Samples

WINDOW_SAMPLES = 512
_CONTEXT_SAMPLES = 64
_STATE_SIZE = 128
_BATCH_WINDOWS = 4096
_SILENT_PEAK = 1e-4
"""-80 dB: below any microphone's own noise, so the detector need not be asked."""
_ASKED_SILENT_WINDOWS = 32
"""For the first second of such silence it still is: it has to hear that speech has ended."""

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ActivityOptions:
    """How speech becomes spans. Speech starts at `threshold` and goes on down to `release`."""

    threshold: float = 0.5
    release: float = 0.35
    min_speech_ms: int = 120
    min_silence_ms: int = 500
    padding_ms: int = 250
    max_seconds: float = 28.0


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of speech, in samples from the start of the audio."""

    start: int
    end: int

    @property
    def start_seconds(self) -> float:
        return self.start / SAMPLE_RATE_HZ

    @property
    def end_seconds(self) -> float:
        return self.end / SAMPLE_RATE_HZ


@cache
def _session() -> onnxruntime.InferenceSession:
    """The detector; one thread, because one window is far too little work for two."""
    import faster_whisper

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    path = Path(faster_whisper.__file__).parent / "assets" / "silero_vad_v6.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class ActivityStream:
    """How likely it is that somebody speaks, window by window, as audio arrives."""

    def __init__(self) -> None:
        self._session = _session()
        self._rest = np.empty(0, np.float32)
        self._silent_windows = 0
        self.reset()

    def reset(self) -> None:
        """Forgets what was heard, as after a gap."""
        self._hidden = np.zeros((1, 1, _STATE_SIZE), np.float32)
        self._cell = np.zeros((1, 1, _STATE_SIZE), np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, np.float32)

    def feed(self, samples: Samples) -> Probabilities:
        """One probability for each window that is now complete."""
        audio = np.concatenate([self._rest, samples]) if self._rest.size else samples
        whole = audio.size // WINDOW_SAMPLES * WINDOW_SAMPLES
        self._rest = audio[whole:].copy()
        step = _BATCH_WINDOWS * WINDOW_SAMPLES
        parts = [self._windows(audio[i : min(i + step, whole)]) for i in range(0, whole, step)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def _windows(self, audio: Samples) -> Probabilities:
        count = audio.size // WINDOW_SAMPLES
        windows = audio.reshape(count, WINDOW_SAMPLES)
        if max(audio.max(), -audio.min()) < _SILENT_PEAK:
            self._silent_windows += count
            if self._silent_windows - count >= _ASKED_SILENT_WINDOWS:
                return np.zeros(count, np.float32)
        else:
            self._silent_windows = 0
        given = np.empty((count, _CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
        given[:, _CONTEXT_SAMPLES:] = windows
        given[0, :_CONTEXT_SAMPLES] = self._context
        given[1:, :_CONTEXT_SAMPLES] = windows[:-1, -_CONTEXT_SAMPLES:]
        self._context = windows[-1, -_CONTEXT_SAMPLES:].copy()
        found, self._hidden, self._cell = self._session.run(
            None, {"input": given, "h": self._hidden, "c": self._cell}
        )
        return np.asarray(found, np.float32).reshape(-1)


class Segmenter:
    """Spans of speech as audio arrives; each is given once, when it has ended or grown too long.

    A span that grows past `max_seconds` is cut where it was quietest in its second half, and goes on.
    """

    def __init__(self, options: ActivityOptions | None = None) -> None:
        self.options = options or ActivityOptions()
        self._stream = ActivityStream()
        self._rest = np.empty(0, np.float32)
        self._heard = 0
        self._window = 0
        self._first: int | None = None
        self._last_speech = 0
        self._spoken = 0
        self._cut = False
        self._given_until = 0
        self._quietness: list[float] = []
        """One number for each window since `_first`: the smaller, the better a place to cut."""
        self._padding = self.options.padding_ms * SAMPLE_RATE_HZ // 1000
        self._min_silence = _windows(self.options.min_silence_ms)
        self._min_speech = _windows(self.options.min_speech_ms)
        room = self.options.max_seconds * SAMPLE_RATE_HZ - 2 * self._padding
        self._most = max(4, int(room // WINDOW_SAMPLES))

    @property
    def open_since(self) -> int | None:
        """Where the span under way begins, once it is long enough to count; None in silence."""
        if self._first is None or self._spoken < self._min_speech:
            return None
        return self._start()

    @property
    def heard(self) -> int:
        """Samples given so far."""
        return self._heard

    def feed(self, samples: Samples) -> list[Span]:
        audio = np.concatenate([self._rest, samples]) if self._rest.size else samples
        probabilities = self._stream.feed(samples)
        whole = probabilities.size * WINDOW_SAMPLES
        self._rest = audio[whole:].copy()
        self._heard += samples.size
        if not probabilities.size:
            return []
        windows = audio[:whole].reshape(-1, WINDOW_SAMPLES)
        power = np.einsum("ij,ij->i", windows, windows) / WINDOW_SAMPLES
        loudness = 1 + np.log10(np.maximum(power, 1e-8)) / 8  # -80 dB is 0, full scale is 1
        spans: list[Span] = []
        for probability, level in zip(probabilities.tolist(), loudness.tolist(), strict=True):
            spans += self._step(probability, level)
        return spans

    def finish(self) -> list[Span]:
        """The span that was still open; the audio ends here."""
        spans = []
        if self._first is not None:
            span = self._close(self._heard)
            spans = [span] if span else []
        return spans

    def _step(self, probability: float, level: float) -> list[Span]:
        window, self._window = self._window, self._window + 1
        if self._first is None:
            if probability < self.options.threshold:
                return []
            self._first, self._spoken, self._cut, self._quietness = window, 0, False, []
        self._quietness.append(probability + level)
        if probability >= self.options.release:
            self._last_speech = window
            self._spoken += 1
        spans = []
        if window - self._last_speech >= self._min_silence:
            span = self._close((window + 1) * WINDOW_SAMPLES)
            spans = [span] if span else []
        elif window - self._first + 1 >= self._most:
            spans = [self._split()]
        return spans

    def _start(self) -> int:
        assert self._first is not None
        start = self._first * WINDOW_SAMPLES
        return max(self._given_until, start if self._cut else start - self._padding)

    def _close(self, limit: int) -> Span | None:
        """The open span with its padding, or None when it was too short to be speech."""
        start = self._start()
        end = min((self._last_speech + 1) * WINDOW_SAMPLES + self._padding, limit)
        enough = self._cut or self._spoken >= self._min_speech
        self._first = None
        if not enough or end <= start:
            return None
        self._given_until = end
        return Span(start, end)

    def _split(self) -> Span:
        assert self._first is not None
        quietness = np.array(self._quietness)
        # a cut between two quiet windows is better than in one that happens to be quiet
        smooth = np.convolve(quietness, np.full(3, 1 / 3), mode="same")
        half = smooth.size // 2
        place = half + int(np.argmin(smooth[half:-1]))
        start = self._start()
        cut = self._first + place + 1
        self._quietness = self._quietness[place + 1 :]
        self._first, self._cut = cut, True
        self._spoken = max(0, self._last_speech - cut + 1)
        self._given_until = cut * WINDOW_SAMPLES
        return Span(start, self._given_until)


def speech_spans(samples: Samples, options: ActivityOptions | None = None) -> list[Span]:
    """Every span of speech in a recording."""
    segmenter = Segmenter(options)
    return segmenter.feed(samples) + segmenter.finish()


def _windows(milliseconds: int) -> int:
    return max(1, round(milliseconds * SAMPLE_RATE_HZ / 1000 / WINDOW_SAMPLES))
