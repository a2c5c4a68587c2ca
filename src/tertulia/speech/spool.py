"""A decoded recording on disk, so that hours of it never lie in memory and the decoder is free again at once."""

import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from tertulia.kernel.errors import StorageFullError
from tertulia.speech.decoding import Recording, Source
from tertulia.speech.domain import SAMPLE_RATE_HZ, AudioInfo, Samples

_BYTES = 2
CUT_SECONDS = 20.0
"""A piece ends at the quietest point of its last stretch of this length."""


class Decodes(Protocol):
    """What is needed of the decoder."""

    def open(
        self, source: Source, *, split: bool = False
    ) -> AbstractAsyncContextManager[Recording]: ...


class Spool:
    """Every channel of a recording as 16-bit samples in files without names."""

    def __init__(self, files: list[IO[bytes]], info: AudioInfo) -> None:
        self._files = files
        self.info = info
        self._samples = [file.seek(0, 2) // _BYTES for file in files]
        if len(files) == 2 and self._same():
            # One voice recorded on both sides of a stereo file is one channel.
            self._files, self._samples = self._files[:1], self._samples[:1]

    @property
    def channels(self) -> int:
        return len(self._files)

    def length(self, channel: int) -> int:
        """In samples."""
        return self._samples[channel]

    def read(self, channel: int, start: int, end: int) -> Samples:
        """Blocks; call it in a thread."""
        raw = self._raw(channel, start, end)
        return raw.astype(np.float32) / 32768.0

    def cut(self, channel: int, start: int, longest: int) -> int:
        """Where a piece that begins at `start` ends: the end, or the quietest tenth of a second before `longest`."""
        end = start + longest
        if end >= self._samples[channel]:
            return self._samples[channel]
        window = SAMPLE_RATE_HZ // 10
        count = min(round(CUT_SECONDS * SAMPLE_RATE_HZ), longest // 2) // window
        first = end - count * window
        loud = np.square(self._raw(channel, first, end).astype(np.float32)).reshape(count, window)
        return first + int(loud.sum(axis=1).argmin()) * window + window // 2

    def _raw(self, channel: int, start: int, end: int) -> NDArray[np.int16]:
        file = self._files[channel]
        file.seek(start * _BYTES)
        return np.frombuffer(file.read((end - start) * _BYTES), dtype="<i2")

    def _same(self) -> bool:
        step = 60 * SAMPLE_RATE_HZ
        return self._samples[0] == self._samples[1] and all(
            np.array_equal(self._raw(0, at, at + step), self._raw(1, at, at + step))
            for at in range(0, self._samples[0], step)
        )


@asynccontextmanager
async def spooled(decoder: Decodes, source: Source, *, split: bool = False) -> AsyncIterator[Spool]:
    """Decodes a recording to disk and gives it; the files are gone afterwards."""
    files: list[IO[bytes]] = []
    with ExitStack() as stack:
        async with decoder.open(source, split=split) as recording:
            async for block in recording:
                while len(files) < len(block):
                    files.append(stack.enter_context(tempfile.TemporaryFile()))
                await asyncio.to_thread(_write, files, block)
            info = recording.info
        assert info is not None
        if not files:
            files.append(stack.enter_context(tempfile.TemporaryFile()))
        yield await asyncio.to_thread(Spool, files, info)


def _write(files: list[IO[bytes]], block: NDArray[np.float32]) -> None:
    for file, row in zip(files, block, strict=True):
        loud = np.clip(np.nan_to_num(row), -1.0, 32767 / 32768) * 32768.0
        try:
            file.write(loud.astype("<i2").tobytes())
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise StorageFullError(
                    "There is no room for the decoded recording. Make room on the disk of TMPDIR."
                ) from None
            raise
