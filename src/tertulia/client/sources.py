"""Where sound comes from: a microphone, or a file as if it were spoken just now."""

import asyncio
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

RATE_HZ = 16_000
CHUNK_SECONDS = 0.1
_SAMPLE_BYTES = 2


class SourceError(Exception):
    """The sound cannot be had; the text says what to do."""


async def paced(
    pcm: AsyncIterator[bytes] | Iterator[bytes],
    *,
    seconds: float = CHUNK_SECONDS,
    speed: float = 1.0,
) -> AsyncIterator[bytes]:
    """Gives pieces at the pace they were spoken, `speed` times as fast; 0 gives them at once."""
    loop = asyncio.get_running_loop()
    began, count = loop.time(), 0
    async for piece in _each(pcm):
        yield piece
        count += 1
        if speed > 0:
            await asyncio.sleep(max(0.0, began + count * seconds / speed - loop.time()))


async def _each(pcm: AsyncIterator[bytes] | Iterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(pcm, AsyncIterator):
        async for piece in pcm:
            yield piece
    else:
        for piece in pcm:
            yield piece


async def file(
    path: str | Path, *, seconds: float = CHUNK_SECONDS, speed: float = 1.0
) -> AsyncIterator[bytes]:
    """A recording as 16-bit samples of 16 kHz, at the pace it was spoken."""
    pieces = await asyncio.to_thread(lambda: list(_pieces(Path(path), seconds)))
    async for piece in paced(iter(pieces), seconds=seconds, speed=speed):
        yield piece


def _pieces(path: Path, seconds: float) -> Iterator[bytes]:
    pcm = _wav(path)
    if pcm is None:
        pcm = _decoded(path)
    step = round(RATE_HZ * seconds) * _SAMPLE_BYTES
    for at in range(0, len(pcm), step):
        yield pcm[at : at + step]


def _wav(path: Path) -> bytes | None:
    """The samples of a file that is in the right form already."""
    try:
        with wave.open(str(path)) as recording:
            form = recording.getframerate(), recording.getnchannels(), recording.getsampwidth()
            if form != (RATE_HZ, 1, _SAMPLE_BYTES):
                return None
            samples: bytes = recording.readframes(recording.getnframes())
            return samples
    except (wave.Error, EOFError):
        return None


def _decoded(path: Path) -> bytes:
    try:
        import av
    except ImportError:
        raise SourceError(
            "Only WAV files of 16 kHz, 16 bits and one channel can be read without the package `av`."
        ) from None
    try:
        with av.open(str(path)) as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
            found: list[Any] = []
            for frame in container.decode(audio=0):
                found += resampler.resample(frame)
            found += resampler.resample(None)
    except (av.FFmpegError, IndexError):
        raise SourceError(f"{path.name} is no recording that can be read.") from None
    return b"".join(frame.to_ndarray().tobytes() for frame in found)


async def microphone(
    device: int | str | None = None, *, seconds: float = CHUNK_SECONDS
) -> AsyncIterator[bytes]:
    """The microphone as 16-bit samples of 16 kHz, until it is no longer read."""
    try:
        import sounddevice
    except (ImportError, OSError):
        raise SourceError(
            "The microphone needs the extra `microphone` (pip install 'tertulia[microphone]') and PortAudio."
        ) from None
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue()

    def heard(data: Any, _frames: int, _time: Any, _status: Any) -> None:
        loop.call_soon_threadsafe(pieces.put_nowait, bytes(data))

    try:
        stream = sounddevice.RawInputStream(
            samplerate=RATE_HZ,
            channels=1,
            dtype="int16",
            blocksize=round(RATE_HZ * seconds),
            device=device,
            callback=heard,
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise SourceError(f"The microphone cannot be opened: {error}") from None
    with stream:
        while True:
            yield await pieces.get()


def microphones() -> list[tuple[int, str]]:
    """The microphones there are, by number and name."""
    try:
        import sounddevice
    except (ImportError, OSError):
        return []
    return [
        (number, str(device["name"]))
        for number, device in enumerate(sounddevice.query_devices())
        if device["max_input_channels"] > 0
    ]
