"""Recordings made for tests: what a browser, a broken tool or an attacker might send."""

import io
import math
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000


def tone(seconds: float, hertz: float = 220.0, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """A quiet tone."""
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    return (0.3 * np.sin(2 * math.pi * hertz * times)).astype(np.float32)


def wav(samples: NDArray[np.generic], rate_hz: int = RATE_HZ) -> bytes:
    """16-bit or float samples of shape (n,) or (n, channels) as a wav file."""
    shaped = samples if samples.ndim == 2 else samples[:, np.newaxis]
    floats = shaped.dtype.kind == "f"
    data = shaped.astype("<f4" if floats else "<i2").tobytes()
    width, channels = (4 if floats else 2), shaped.shape[1]
    form = struct.pack(
        "<HHIIHH",
        *(
            3 if floats else 1,
            channels,
            rate_hz,
            rate_hz * channels * width,
            channels * width,
            width * 8,
        ),
    )
    body = (
        b"WAVEfmt "
        + struct.pack("<I", len(form))
        + form
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def silent_wav(path: Path, hours: float) -> Path:
    """Hours of digital silence that take no room on the disk."""
    size = int(hours * 3600) * RATE_HZ * 2
    head = wav(np.zeros(0, np.int16))
    with path.open("wb") as file:
        file.write(head[:4] + struct.pack("<I", size + 36) + head[8:40] + struct.pack("<I", size))
        file.truncate(size + len(head))
    return path


def silent_opus(seconds: int) -> bytes:
    """Silence in webm, packed as small as Opus can: some kilobytes a minute."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = 6000
        stream.options = {"application": "voip", "frame_duration": "60", "dtx": "1", "vbr": "on"}
        block = np.zeros((1, 2880), np.int16)
        for place in range(seconds * 48_000 // 2880):
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = (
                48_000,
                place * 2880,
                Fraction(1, 48_000),
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def opus_packets(recording: bytes) -> list[bytes]:
    """The bare packets of a recording in Opus."""
    with av.open(io.BytesIO(recording)) as container:
        stream = container.streams.audio[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def chunks(data: bytes, sizes: tuple[int, ...]) -> Iterator[bytes]:
    """The data in pieces of these sizes, over and over."""
    place, turn = 0, 0
    while place < len(data):
        size = sizes[turn % len(sizes)]
        yield data[place : place + size]
        place, turn = place + size, turn + 1
