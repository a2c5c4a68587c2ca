"""Samples without a header: their stated form, and turning them into 16 kHz floats as they arrive."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.domain import SAMPLE_RATE_HZ, Samples

Encoding = Literal["pcm16", "float32", "mulaw", "alaw"]

_FORMATS: dict[str, str] = {"pcm16": "s16le", "float32": "f32le", "mulaw": "mulaw", "alaw": "alaw"}
_SAMPLE_BYTES: dict[str, int] = {"pcm16": 2, "float32": 4, "mulaw": 1, "alaw": 1}


class RawFormError(InvalidRequestError):
    """The stated form of raw samples is not one that is understood."""

    code = "raw_form_unknown"
    title = "The stated form of the raw samples is not understood"


@dataclass(frozen=True, slots=True)
class RawAudio:
    """The form of samples that come without a header; little-endian, channels interleaved."""

    rate_hz: int = SAMPLE_RATE_HZ
    channels: int = 1
    encoding: Encoding = "pcm16"

    def __post_init__(self) -> None:
        if self.encoding not in _FORMATS:
            raise RawFormError(f"Raw samples may be {', '.join(_FORMATS)}.")
        if not 4_000 <= self.rate_hz <= 192_000:
            raise RawFormError("The rate of raw samples may be 4000 to 192000 Hz.")
        if not 1 <= self.channels <= 16:
            raise RawFormError("Raw samples may have 1 to 16 channels.")

    def for_child(self) -> dict[str, Any]:
        return {
            "format": _FORMATS[self.encoding],
            "rate_hz": self.rate_hz,
            "channels": self.channels,
        }


class RawStream:
    """Raw samples as they arrive. They need no parser, so they need no child process either."""

    def __init__(self, form: RawAudio) -> None:
        self._form = form
        self._rest = b""
        self._resampler: AudioResampler | None = None
        if form.rate_hz != SAMPLE_RATE_HZ:
            self._resampler = AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE_HZ)

    async def feed(self, chunk: bytes) -> Samples:
        """Samples of this chunk; half a sample is kept for the next one."""
        data = self._rest + chunk if self._rest else chunk
        step = _SAMPLE_BYTES[self._form.encoding] * self._form.channels
        whole = len(data) // step * step
        self._rest = data[whole:]
        samples = _floats(data[:whole], self._form.encoding)
        if self._form.channels > 1:
            samples = samples.reshape(-1, self._form.channels).mean(axis=1, dtype=np.float32)
        return self._resampled(samples)

    async def finish(self) -> Samples:
        if self._resampler is None or not self._fed:
            return np.empty(0, np.float32)
        return _joined(self._resampler.resample(None))

    async def close(self) -> None:
        self._rest = b""

    _fed = False

    def _resampled(self, samples: Samples) -> Samples:
        if self._resampler is None or not samples.size:
            return samples
        self._fed = True
        frame = AudioFrame.from_ndarray(samples[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = self._form.rate_hz
        return _joined(self._resampler.resample(frame))


def _joined(frames: list[AudioFrame]) -> Samples:
    if not frames:
        return np.empty(0, np.float32)
    joined: Samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return np.clip(joined, -1.0, 1.0)


def _floats(data: bytes, encoding: Encoding) -> Samples:
    if encoding == "pcm16":
        return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
    if encoding == "float32":
        given = np.frombuffer(data, "<f4").astype(np.float32)
        return np.clip(np.nan_to_num(given, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
    table = _MULAW if encoding == "mulaw" else _ALAW
    return table[np.frombuffer(data, np.uint8)]


def _mulaw_table() -> NDArray[np.float32]:
    """G.711 mu-law: sign, three bits of exponent, four of mantissa, all inverted."""
    code = ~np.arange(256, dtype=np.int64) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 15
    size = (((mantissa << 3) + 132) << exponent) - 132
    return (np.where(code & 0x80, -size, size) / 32768).astype(np.float32)


def _alaw_table() -> NDArray[np.float32]:
    """G.711 A-law: every second bit inverted; the lowest exponent is linear."""
    code = np.arange(256, dtype=np.int64) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    linear = (mantissa << 4) + 8
    size = np.where(exponent > 0, (linear + 256) << np.maximum(exponent - 1, 0), linear)
    return (np.where(code & 0x80, size, -size) / 32768).astype(np.float32)


_MULAW = _mulaw_table()
_ALAW = _alaw_table()
