"""Decoding for the rest of the server: recordings and live streams to 16 kHz samples."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from tertulia.speech.decoding import wire
from tertulia.speech.decoding.errors import (
    AudioEmptyError,
    AudioTooDemandingError,
    AudioUnreadableError,
    DecoderStoppedError,
    from_code,
)
from tertulia.speech.decoding.frames import Block
from tertulia.speech.decoding.pool import Child, Patience, Pool
from tertulia.speech.decoding.raw import RawAudio, RawStream
from tertulia.speech.decoding.streams import ContainerStream, DecodeStream, OpusStream
from tertulia.speech.decoding.wire import Gone, Kind
from tertulia.speech.domain import SAMPLE_RATE_HZ, AudioInfo, Samples

T = TypeVar("T")
Source = Path | bytes
"""A file, or its bytes."""

_END_OF_JOB_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one recording may cost."""

    seconds: float = 600.0
    """Waiting for the decoder; a slow reader is not counted."""
    memory_bytes: int = 2 << 30
    audio_seconds: float = 43_200.0


@dataclass(frozen=True, slots=True)
class Decoded:
    """A whole recording: one mixed channel, or every channel on its own."""

    channels: tuple[Samples, ...]
    info: AudioInfo

    @property
    def samples(self) -> Samples:
        """The only channel, or the mean of all."""
        if len(self.channels) == 1:
            return self.channels[0]
        mean: Samples = np.mean(self.channels, axis=0, dtype=np.float32)
        return mean


class Decoder:
    """Decodes in child processes; nothing of it runs on the event loop."""

    def __init__(self, limits: DecodeLimits | None = None, *, workers: int = 2) -> None:
        self._limits = limits or DecodeLimits()
        self._pool = Pool(self._limits.memory_bytes)
        self._threads = ThreadPoolExecutor(max_workers=workers + 2, thread_name_prefix="decode")
        self._turns = asyncio.Semaphore(workers)

    async def start(self) -> None:
        """Starts the first process, so that the first recording need not wait for it."""
        await self._off(self._pool.warm)

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.close)
        await asyncio.to_thread(self._threads.shutdown)

    @asynccontextmanager
    async def open(
        self,
        source: Source,
        *,
        split: bool = False,
        raw: RawAudio | None = None,
        block_seconds: float = 30.0,
        samples: bool = True,
    ) -> AsyncIterator["Recording"]:
        """A recording to be read in blocks, so that hours of it are never in memory at once."""
        async with self._turns:
            job = {
                "split": split,
                "raw": raw.for_child() if raw else None,
                "block_seconds": block_seconds,
                "samples": samples,
            }
            recording = await self._off(
                lambda: Recording(self._pool, self._limits, self._off, source, job)
            )
            try:
                yield recording
            finally:
                await asyncio.shield(self._off(recording.leave))

    async def decode(
        self, source: Source, *, split: bool = False, raw: RawAudio | None = None
    ) -> Decoded:
        """A whole recording in memory: 230 MB an hour and channel."""
        async with self.open(source, split=split, raw=raw) as recording:
            channels = await self._off(recording.all)
            assert recording.info is not None
            return Decoded(tuple(channels), recording.info)

    async def measure(self, source: Source, *, raw: RawAudio | None = None) -> AudioInfo:
        """What a recording is, without its samples."""
        async with self.open(source, raw=raw, samples=False) as recording:
            async for _ in recording:
                continue
            assert recording.info is not None
            return recording.info

    async def stream(self, form: RawAudio | str = "container") -> DecodeStream:
        """A live stream: `container` (webm, ogg … in pieces), `opus` (bare packets) or raw samples."""
        if isinstance(form, RawAudio):
            return RawStream(form)
        if form == "opus":
            return OpusStream(self._pool, self._off)
        if form == "container":
            return ContainerStream(self._pool, self._off)
        raise AudioUnreadableError(
            f"`{form[:20]}` is no form of stream. Use container, opus or raw samples."
        )

    def _off(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)


class Recording:
    """One recording being decoded; iterate it for blocks of shape (channels, n), then look at `info`."""

    def __init__(
        self,
        pool: Pool,
        limits: DecodeLimits,
        off: Callable[[Callable[[], Any]], Awaitable[Any]],
        source: Source,
        job: dict[str, Any],
    ) -> None:
        self._pool, self._limits, self._off = pool, limits, off
        self._patience = Patience(limits.seconds)
        self.info: AudioInfo | None = None
        self._job = {**job, "live": False, "max_seconds": limits.audio_seconds}
        self._child: Child
        self._socket: socket.socket
        with _opened(source) as file:
            self._begin(file)
        facts = self._message(Kind.BEGIN)
        self.channels: int = facts["channels"]
        self.expected_seconds: float | None = facts["expected_seconds"]
        """What the container says; may be wrong, and None where it says nothing."""

    def _begin(self, file: IO[bytes]) -> None:
        for attempt in range(2):
            self._child = self._pool.take()
            try:
                self._socket = self._child.submit(self._job, file.fileno())
            except DecoderStoppedError:
                self._pool.discard(self._child)
                if attempt:
                    raise
            else:
                return

    def __aiter__(self) -> AsyncIterator[Block]:
        return self._blocks()

    async def _blocks(self) -> AsyncIterator[Block]:
        while (block := await self._off(self._next_block)) is not None:
            yield block

    def all(self) -> list[Samples]:
        """Every channel whole, in memory that is filled in place."""
        guess = min(self.expected_seconds or 60.0, self._limits.audio_seconds) + 1.0
        rows = [np.empty(int(guess * SAMPLE_RATE_HZ), np.float32) for _ in range(self.channels)]
        filled = 0
        while count := self._next_size():
            if filled + count > rows[0].size:
                size = max(filled + count, rows[0].size * 3 // 2)
                rows = [_grown(row, size, filled) for row in rows]
            for row in rows:
                self._receive_into(row[filled : filled + count])
            filled += count
        return [row[:filled] for row in rows]

    def _next_block(self) -> Block | None:
        count = self._next_size()
        if not count:
            return None
        block = np.empty((self.channels, count), np.float32)
        self._receive_into(block)
        return block

    def _next_size(self) -> int:
        """Samples a channel in the next block; 0 when all has been read and `info` is known."""
        if self.info is not None:
            return 0
        kind, size = self._wait(wire.receive_header)
        if kind is Kind.SAMPLES:
            return size // 4 // self.channels
        values = self._map(kind, size)
        if kind is not Kind.END:
            raise DecoderStoppedError
        self.info = AudioInfo(**values)
        return 0

    def _receive_into(self, target: Block | Samples) -> None:
        self._wait(lambda sock: wire.receive_into(sock, target.data.cast("B")))

    def _message(self, expected: Kind) -> dict[str, Any]:
        kind, size = self._wait(wire.receive_header)
        values = self._map(kind, size)
        if kind is not expected:
            raise DecoderStoppedError
        return values

    def _map(self, kind: Kind, size: int) -> dict[str, Any]:
        payload = bytearray(size)
        self._wait(lambda sock: wire.receive_into(sock, memoryview(payload)))
        values = wire.unpack(payload)
        if kind is Kind.FAIL:
            self.leave()
            raise from_code(values["code"], values["detail"])
        return values

    def _wait(self, receive: Callable[[socket.socket], T]) -> T:
        """Receives within what is left of the limit; a process that hangs or dies is replaced."""
        try:
            with self._patience:
                self._socket.settimeout(max(0.001, self._patience.left_seconds))
                return receive(self._socket)
        except TimeoutError:
            self._discard()
            raise AudioTooDemandingError(
                f"Decoding took longer than {self._limits.seconds:g} seconds. Cut the recording, or raise "
                "TERTULIA_DECODE_TIMEOUT_SECONDS."
            ) from None
        except (Gone, OSError):
            self._discard()
            raise AudioUnreadableError(
                "The decoder gave up on this recording. It is damaged, or needs more memory than "
                "TERTULIA_DECODE_MEMORY_BYTES."
            ) from None

    def _discard(self) -> None:
        self._socket.close()
        self._pool.discard(self._child)

    def leave(self) -> None:
        """Ends the job, at its end or in the middle of it."""
        if self._socket.fileno() < 0:
            return
        self._socket.close()
        if self._child.rested(_END_OF_JOB_SECONDS):
            self._pool.give_back(self._child)
        else:
            self._pool.discard(self._child)


def _grown(row: Samples, size: int, filled: int) -> Samples:
    larger = np.empty(size, np.float32)
    larger[:filled] = row[:filled]
    return larger


def _opened(source: Source) -> AbstractContextManager[IO[bytes]]:
    """The recording as an open file whose descriptor the child can be given."""
    if isinstance(source, Path):
        if not source.is_file():
            raise AudioEmptyError("The recording is not there, or is not a file. Check its path.")
        return source.open("rb")
    if hasattr(os, "memfd_create"):
        file: IO[bytes] = os.fdopen(os.memfd_create("recording"), "w+b")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115 (its caller closes it)
    file.write(source)
    file.flush()
    file.seek(0)
    return file
