"""Speech into files: 16-bit samples to wav, mp3, opus, flac, aac or pcm, piece by piece."""

import asyncio
import io
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import av
import numpy as np

from tertulia.speech.domain import SpeechChunk

PCM_RATE_HZ = 24_000
"""What `pcm` means in OpenAI's audio API: headerless 16-bit little-endian samples at this rate."""


class AudioFormat(StrEnum):
    """What speech can be written as."""

    MP3 = "mp3"
    OPUS = "opus"
    AAC = "aac"
    FLAC = "flac"
    WAV = "wav"
    PCM = "pcm"

    @property
    def media_type(self) -> str:
        return _SHAPES[self].media_type

    @property
    def suffix(self) -> str:
        return _SHAPES[self].suffix


@dataclass(frozen=True, slots=True)
class _Shape:
    media_type: str
    suffix: str
    container: str = ""
    codec: str = ""
    rate_hz: int = 0
    """The codec's one rate; 0 takes the voice's own."""
    bits_per_second: int = 0


_SHAPES = {
    AudioFormat.MP3: _Shape("audio/mpeg", ".mp3", "mp3", "libmp3lame", 24_000, 64_000),
    AudioFormat.OPUS: _Shape("audio/ogg", ".ogg", "ogg", "libopus", 48_000, 32_000),
    AudioFormat.AAC: _Shape("audio/aac", ".aac", "adts", "aac", 24_000, 64_000),
    AudioFormat.FLAC: _Shape("audio/flac", ".flac", "flac", "flac"),
    AudioFormat.WAV: _Shape("audio/wav", ".wav"),
    AudioFormat.PCM: _Shape("audio/pcm", ".pcm", rate_hz=PCM_RATE_HZ),
}


class Resampler:
    """Mono 16-bit samples from one rate to another, across pieces."""

    def __init__(self) -> None:
        self._resampler: Any = None
        self._from_hz = 0
        self._to_hz = 0

    def resample(self, pcm16: bytes, from_hz: int, to_hz: int) -> bytes:
        if from_hz == to_hz and self._resampler is None:
            return pcm16
        held = b""
        if (from_hz, to_hz) != (self._from_hz, self._to_hz):
            held = self.flush()
            self._from_hz, self._to_hz = from_hz, to_hz
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=to_hz)
        if not pcm16:
            return held
        return held + _bytes(self._resampler.resample(_frame(pcm16, from_hz)))

    def flush(self) -> bytes:
        """What the filter still holds."""
        if self._resampler is None:
            return b""
        rest = _bytes(self._resampler.resample(None))
        self._resampler = None
        return rest


def _frame(pcm16: bytes, rate_hz: int) -> Any:
    samples = np.frombuffer(pcm16, dtype="<i2").reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = rate_hz
    return frame


def _bytes(frames: list[Any]) -> bytes:
    return b"".join(frame.to_ndarray().astype("<i2", copy=False).tobytes() for frame in frames)


def wav_header(rate_hz: int, data_bytes: int | None = None) -> bytes:
    """A header for mono 16-bit samples; without a length, the one that players of streams understand."""
    size = 0xFFFFFFFF if data_bytes is None else data_bytes
    riff = 0xFFFFFFFF if data_bytes is None else data_bytes + 36
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16, b"data", size),
    )


class Encoder:
    """One file being written; blocks, so its calls go to a thread."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._shape = _SHAPES[audio_format]
        self._rate_hz = self._shape.rate_hz
        self._resampler = Resampler()
        self._buffer = io.BytesIO()
        self._container: Any = None
        self._stream: Any = None
        self._fifo: Any = None
        self._converter: Any = None
        self._time = 0
        self._begun = False

    def write(self, pcm16: bytes, rate_hz: int) -> bytes:
        """Takes the next samples and gives the bytes of the file that are ready."""
        self._begin(rate_hz)
        samples = self._resampler.resample(pcm16, rate_hz, self._rate_hz)
        return self._put(samples)

    def finish(self) -> bytes:
        """Writes what is left; a file of no sound is still a whole file."""
        ready = b""
        if self._shape.codec and not self._begun:
            ready = self.write(bytes(PCM_RATE_HZ // 5), PCM_RATE_HZ)
        self._begin(self._rate_hz or PCM_RATE_HZ)
        ready += self._put(self._resampler.flush())
        if self._container is not None:
            rest = self._fifo.read(0, partial=True)
            if rest is not None:
                self._mux(rest)
            self._mux(None)
            self._container.close()
        return ready + self._taken()

    def _begin(self, rate_hz: int) -> None:
        if self._begun:
            return
        self._begun = True
        self._rate_hz = self._rate_hz or rate_hz
        if self._format is AudioFormat.WAV:
            self._buffer.write(wav_header(self._rate_hz))
        if not self._shape.codec:
            return
        self._container = av.open(
            _OneWay(self._buffer), "w", format=self._shape.container, options=_options(self._format)
        )
        self._stream = self._container.add_stream(
            self._shape.codec, rate=self._rate_hz, options=_effort(self._format)
        )
        self._stream.layout = "mono"
        if self._shape.bits_per_second:
            self._stream.bit_rate = self._shape.bits_per_second
        self._stream.codec_context.open()
        self._fifo = av.AudioFifo()
        self._converter = av.AudioResampler(
            format=self._stream.format.name,
            layout="mono",
            rate=self._rate_hz,
        )

    def _put(self, samples: bytes) -> bytes:
        if not samples:
            return self._taken()
        if self._container is None:
            self._buffer.write(samples)
            return self._taken()
        for frame in self._converter.resample(_frame(samples, self._rate_hz)):
            frame.pts = None
            self._fifo.write(frame)
        size = self._stream.codec_context.frame_size or 4096
        while (frame := self._fifo.read(size)) is not None:
            self._mux(frame)
        return self._taken()

    def _mux(self, frame: Any) -> None:
        if frame is not None:
            frame.pts = self._time
            self._time += frame.samples
        self._container.mux(self._stream.encode(frame))

    def _taken(self) -> bytes:
        data = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return data


def _options(audio_format: AudioFormat) -> dict[str, str]:
    """Muxers that wait for a full page, or go back to the header, would keep the listener waiting."""
    if audio_format is AudioFormat.OPUS:
        return {"page_duration": "100000"}
    if audio_format is AudioFormat.MP3:
        return {"write_xing": "0", "id3v2_version": "0"}
    return {"flush_packets": "1"}


def _effort(audio_format: AudioFormat) -> dict[str, str]:
    """LAME's own choice spends a third more of the CPU on what nobody hears in speech."""
    return {"compression_level": "5"} if audio_format is AudioFormat.MP3 else {}


class _OneWay:
    """A file that cannot be rewound, as a stream to a listener is."""

    def __init__(self, buffer: io.BytesIO) -> None:
        self._buffer = buffer

    def write(self, data: bytes) -> int:
        return self._buffer.write(data)


async def encoded(
    chunks: AsyncIterator[SpeechChunk], audio_format: AudioFormat
) -> AsyncIterator[bytes]:
    """Speech as the bytes of a file, given out as they are ready."""
    encoder = Encoder(audio_format)
    async for chunk in chunks:
        data = await asyncio.to_thread(encoder.write, chunk.pcm16, chunk.sample_rate_hz)
        if data:
            yield data
    rest = await asyncio.to_thread(encoder.finish)
    if rest:
        yield rest
