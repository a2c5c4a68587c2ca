"""Chunks to samples, and from which chunk on they would have to be sent again."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tertulia.doors.live.containers import OggScanner, Scanner, WebmScanner, wav_form
from tertulia.doors.live.domain import Restart
from tertulia.doors.live.formats import Form, Shape
from tertulia.speech.decoding import DecodeStream
from tertulia.speech.decoding.raw import RawAudio, RawStream
from tertulia.speech.domain import Samples

OpenDecoder = Callable[[RawAudio | str], Awaitable[DecodeStream]]
NO_SAMPLES: Samples = np.empty(0, np.float32)
_PLAIN = RawAudio()
KNOWN_STARTS = 32
"""Chunks whose first byte is remembered: what a container begins with may lie over several tiny ones."""


class Intake(Protocol):
    """One recorder's chunks, in order."""

    @property
    def header(self) -> bytes:
        """The first bytes of the recording, without sound, once they are known."""
        ...

    position: int
    """Samples of the session up to the last chunk, what was fed before a restart included."""

    async def feed(self, seq: int, chunk: bytes) -> Samples: ...

    async def finish(self) -> Samples: ...

    def shift(self, samples: int) -> None:
        """Has everything that follows lie so much later: silence was put in by the server."""
        ...

    def restart(self, heard: int) -> Restart:
        """The last place from which everything after sample `heard` can be read again."""
        ...

    async def close(self) -> None: ...


class RawIntake:
    """Bare samples and bare Opus packets: every chunk can be entered."""

    def __init__(self, decoder: DecodeStream, begin: Restart, step_bytes: int = 1) -> None:
        self._decoder = decoder
        self._step = step_bytes
        self._odd = 0
        self._begin = begin
        self._marks: deque[tuple[int, int]] = deque()
        self.position = begin.position

    @property
    def header(self) -> bytes:
        return b""

    async def feed(self, seq: int, chunk: bytes) -> Samples:
        samples = await self._decoder.feed(chunk)
        self.position += len(samples)
        if self._step > 1:
            self._odd = (self._odd + len(chunk)) % self._step
        if not self._odd:
            self._marks.append((seq, self.position))
        return samples

    async def finish(self) -> Samples:
        samples = await self._decoder.finish()
        self.position += len(samples)
        return samples

    def shift(self, samples: int) -> None:
        self.position += samples

    def restart(self, heard: int) -> Restart:
        marks = self._marks
        while marks and marks[0][1] <= heard:
            seq, position = marks.popleft()
            self._begin = Restart(seq, 0, position)
        return self._begin

    async def close(self) -> None:
        await self._decoder.close()


class PlainIntake(RawIntake):
    """16-bit samples of 16 kHz, one channel: what most clients send, read without a detour."""

    def read(self, seq: int, chunk: bytes | memoryview) -> NDArray[np.int16] | None:
        """The samples at once; None where half a sample is left over."""
        if self._odd or len(chunk) % 2:
            return None
        samples = np.frombuffer(chunk, "<i2")
        self.position += len(samples)
        self._marks.append((seq, self.position))
        return samples


class WavIntake:
    """A WAV file: its header is read once, the rest are bare samples."""

    def __init__(self, begin: Restart, header: bytes = b"") -> None:
        self._header = b""
        self.position = begin.position
        self._begin = begin
        self._waiting = b""
        self._left: int | None = None
        self._raw: RawIntake | None = None
        if header:
            self._open(header)

    @property
    def header(self) -> bytes:
        return self._header

    def _open(self, data: bytes) -> bytes:
        """The sound that came with the header."""
        found = wav_form(data)
        if found is None:
            self._waiting = data
            return b""
        form, first, size = found
        self._header, self._waiting = data[:first], b""
        step = {"pcm16": 2, "float32": 4}.get(form.encoding, 1) * form.channels
        self._raw = RawIntake(RawStream(form), self._begin, step)
        begun = self._begin.skip_bytes == 0 and self._begin.position == 0
        self._left = size if size and begun else None
        return data[first:]

    async def feed(self, seq: int, chunk: bytes) -> Samples:
        if self._raw is None:
            chunk = self._open(self._waiting + chunk)
        if self._raw is None:
            return NO_SAMPLES
        if self._left is not None:
            # what follows the samples in a file is no sound
            chunk = chunk[: self._left]
            self._left -= len(chunk)
        samples = await self._raw.feed(seq, chunk)
        self.position = self._raw.position
        return samples

    async def finish(self) -> Samples:
        samples = await self._raw.finish() if self._raw else NO_SAMPLES
        self.position += len(samples)
        return samples

    def shift(self, samples: int) -> None:
        self.position += samples
        if self._raw is not None:
            self._raw.shift(samples)

    def restart(self, heard: int) -> Restart:
        return self._raw.restart(heard) if self._raw else self._begin

    async def close(self) -> None:
        if self._raw is not None:
            await self._raw.close()


class ContainerIntake:
    """webm and Ogg: they can be entered where a cluster or a page begins, with the header before it."""

    def __init__(
        self, decoder: DecodeStream, scanner: Scanner, begin: Restart, header: bytes = b""
    ) -> None:
        self._decoder = decoder
        self._scanner = scanner
        self._begin = begin
        self._base = begin.position
        self._entries: deque[Restart] = deque()
        self._starts: deque[tuple[int, int]] = deque(maxlen=KNOWN_STARTS)
        self._at = 0
        # a fresh decoder first gets the header, and the first chunk from its entry on
        self._before = header
        self._skip = begin.skip_bytes
        self.position = begin.position

    @property
    def header(self) -> bytes:
        return self._scanner.header

    async def feed(self, seq: int, chunk: bytes) -> Samples:
        skipped, self._skip = min(self._skip, len(chunk)), 0
        chunk = chunk[skipped:]
        self._starts.append((seq, self._at - skipped))
        before = self.position
        for entry in self._scanner.feed(chunk):
            self._note(entry.offset, max(before, self._base + entry.samples))
        self._at += len(chunk)
        whole, self._before = self._before + chunk, b""
        samples = await self._decoder.feed(whole)
        self.position += len(samples)
        return samples

    def _note(self, offset: int, position: int) -> None:
        for seq, start in reversed(self._starts):
            if start <= offset:
                self._entries.append(Restart(seq - 1, offset - start, position))
                return

    async def finish(self) -> Samples:
        samples = await self._decoder.finish()
        self.position += len(samples)
        return samples

    def shift(self, samples: int) -> None:
        self.position += samples
        self._base += samples

    def restart(self, heard: int) -> Restart:
        entries = self._entries
        while entries and entries[0].position <= heard:
            self._begin = entries.popleft()
        return self._begin

    async def close(self) -> None:
        await self._decoder.close()


async def open_intake(
    form: Form, open_decoder: OpenDecoder, begin: Restart, header: bytes = b""
) -> Intake:
    """The intake of a form; with a header it goes on with a recording that was begun elsewhere."""
    if form.shape is Shape.WAV:
        return WavIntake(begin, header)
    if form.raw is not None:
        step = {"pcm16": 2, "float32": 4}.get(form.raw.encoding, 1) * form.raw.channels
        kind = PlainIntake if form.raw == _PLAIN else RawIntake
        return kind(await open_decoder(form.raw), begin, step)
    if form.shape is Shape.OPUS:
        return RawIntake(await open_decoder("opus"), begin)
    scanner = WebmScanner(header) if form.shape is Shape.WEBM else OggScanner(header)
    return ContainerIntake(await open_decoder("container"), scanner, begin, header)
