"""Decoded frames of any format, rate and layout to 16 kHz float samples."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from tertulia.speech.domain import SAMPLE_RATE_HZ

Block = NDArray[np.float32]
"""Samples by channel: shape (channels, n)."""

MAX_SPLIT_CHANNELS = 16
_SCALE = {"u8": 128.0, "s16": 32768.0, "s32": 2147483648.0, "s64": 9223372036854775808.0}
# the resampler mixes two channels at equal power, without scaling back to the range of one
_MEAN_OF_TWO = np.float32(0.5**0.5)


class Converter:
    """One stream's frames in, blocks out: one channel (all mixed), or every channel when `split`."""

    def __init__(self, *, split: bool, codec: str) -> None:
        self._split = split
        # what is not a number can only stand where floats are stored as they are; one filter would spread it
        self._careful = codec.startswith("pcm_f")
        self._shape: tuple[str, int, int] | None = None
        self._resamplers: list[AudioResampler] = []
        self._by_hand = False
        self.channels = 0
        """Channels given out; fixed by the first frame."""

    def push(self, frame: AudioFrame) -> Iterator[Block]:
        shape = (frame.format.name, len(frame.layout.channels), frame.sample_rate)
        if shape != self._shape:
            yield from self.flush()
            self._begin(shape)
        if not self._by_hand:
            yield from self._mixed(frame)
            return
        planes = _planes(frame)
        rows = planes if self._split else planes.mean(axis=0, keepdims=True)
        yield from self._resampled(_fit(rows, self.channels), frame.sample_rate)

    def flush(self) -> Iterator[Block]:
        """What the resamplers still hold."""
        if self._shape is None:
            return
        if self._by_hand:
            yield from _joined([_drain(r) for r in self._resamplers])
        else:
            yield from self._mixed(None)
        self._shape = None

    def _begin(self, shape: tuple[str, int, int]) -> None:
        channels = shape[1]
        self._by_hand = self._split or self._careful or channels > 2
        if not self.channels:
            self.channels = channels if self._split else 1
        self._shape = shape
        self._resamplers = [
            AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE_HZ)
            for _ in range(self.channels if self._by_hand else 1)
        ]

    def _mixed(self, frame: AudioFrame | None) -> Iterator[Block]:
        two = self._shape is not None and self._shape[1] == 2
        for made in self._resamplers[0].resample(frame):
            block = _floats(made)
            yield block * _MEAN_OF_TWO if two else block

    def _resampled(self, rows: Block, rate_hz: int) -> Iterator[Block]:
        if rate_hz == SAMPLE_RATE_HZ:
            yield rows
            return
        parts: list[list[Block]] = []
        for row, resampler in zip(rows, self._resamplers, strict=True):
            frame = AudioFrame.from_ndarray(row[np.newaxis], format="fltp", layout="mono")
            frame.sample_rate = rate_hz
            parts.append([_floats(made) for made in resampler.resample(frame)])
        yield from _joined(parts)


def _planes(frame: AudioFrame) -> Block:
    """A frame as floats by channel, with nothing in it that is not a number."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, len(frame.layout.channels)).T
    kind = frame.format.name.removesuffix("p")
    if kind in _SCALE:
        planes = samples.astype(np.float32)
        if kind == "u8":
            planes -= 128
        planes /= np.float32(_SCALE[kind])
        return planes
    with np.errstate(over="ignore", invalid="ignore"):
        planes = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    return np.ascontiguousarray(np.clip(planes, -1.0, 1.0))


def _fit(rows: Block, channels: int) -> Block:
    """A stream may change its channels on the way; what is given out does not."""
    if len(rows) > channels:
        rows = rows[:channels]
    elif len(rows) < channels:
        rows = np.pad(rows, ((0, channels - len(rows)), (0, 0)))
    return np.ascontiguousarray(rows)


def _floats(frame: AudioFrame) -> Block:
    """The samples of a mono frame that is float already, where they lie; the array keeps the frame alive."""
    plane: Any = frame.planes[0]
    return np.frombuffer(plane, np.float32, frame.samples)[np.newaxis]


def _drain(resampler: AudioResampler) -> list[Block]:
    try:
        return [_floats(made) for made in resampler.resample(None)]
    except av.FFmpegError:
        return []  # it was never given a frame


def _joined(parts: list[list[Block]]) -> Iterator[Block]:
    rows = [
        np.concatenate(part, axis=1) if part else np.empty((1, 0), np.float32) for part in parts
    ]
    shortest = min((row.shape[1] for row in rows), default=0)
    if shortest:
        yield np.concatenate([row[:, :shortest] for row in rows])
