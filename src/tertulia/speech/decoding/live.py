"""A live stream in the decoder's process: bytes arrive in pieces, samples leave as soon as they can."""

import socket
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.packet import Packet

from tertulia.speech.decoding import wire
from tertulia.speech.decoding.containers import open_container, points_elsewhere
from tertulia.speech.decoding.errors import (
    AudioForbiddenError,
    AudioTooLongError,
    AudioUnreadableError,
)
from tertulia.speech.decoding.frames import Block, Converter
from tertulia.speech.decoding.wire import Kind
from tertulia.speech.domain import SAMPLE_RATE_HZ

MAX_CHUNK_AUDIO_SECONDS = 600
"""What one chunk may decode to: a guard against bombs, far above any browser's chunk."""
OPUS_RATE_HZ = 48_000


class _Conversation:
    """Chunks in and samples out in turn: every chunk is answered once all of it has been looked at."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._asked = False
        self._pieces: list[Block] = []
        self._count = 0
        self.ended = False

    def give(self, block: Block) -> None:
        self._pieces.append(block)
        self._count += block.shape[1]
        if self._count > MAX_CHUNK_AUDIO_SECONDS * SAMPLE_RATE_HZ:
            raise AudioTooLongError(
                f"One chunk holds more than {MAX_CHUNK_AUDIO_SECONDS} seconds of sound. Send smaller chunks."
            )

    def next_chunk(self) -> bytes | None:
        """Answers the chunk before, then waits for the next; None when the stream has ended."""
        if self._asked:
            self.answer()
        kind, payload = wire.receive(self._sock)
        self._asked = True
        self.ended = kind is not Kind.CHUNK
        return None if self.ended else bytes(payload)

    def answer(self) -> None:
        block = np.concatenate(self._pieces, axis=1)[0] if self._pieces else np.empty(0, np.float32)
        self._pieces, self._count, self._asked = [], 0, False
        if not np.isfinite(block.sum()):
            block = np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0)
        wire.send(self._sock, Kind.SAMPLES, np.clip(block, -1.0, 1.0))


class _ChunkFile:
    """What FFmpeg reads from: it looks like a file that cannot seek."""

    def __init__(self, conversation: _Conversation) -> None:
        self._conversation = conversation
        self._chunk = memoryview(b"")
        self._first = True

    def read(self, size: int) -> bytes:
        while not self._chunk and not self._conversation.ended:
            chunk = self._conversation.next_chunk()
            self._chunk = memoryview(chunk or b"")
            if self._first and chunk and points_elsewhere(chunk):
                raise AudioForbiddenError(
                    "This is a playlist, which points at other files. Send the sound itself."
                )
            self._first = self._first and not chunk
        piece, self._chunk = self._chunk[:size], self._chunk[size:]
        return bytes(piece)


def serve_live(sock: socket.socket, job: dict[str, Any]) -> None:
    """Decodes one stream until it ends."""
    conversation = _Conversation(sock)
    codec = "opus"
    if job["packets"]:
        frames = _opus_frames(conversation)
    else:
        container = _opened(conversation)
        codec = container.streams.audio[0].codec_context.name
        frames = _container_frames(container)
    converter = Converter(split=False, codec=codec)
    for frame in frames:
        for block in converter.push(frame):
            conversation.give(block)
    for block in converter.flush():
        conversation.give(block)
    conversation.answer()
    if not conversation.ended:
        raise AudioUnreadableError(
            "The stream is damaged past the point where reading can go on. Start a new recording."
        )


def _opened(conversation: _Conversation) -> av.container.InputContainer:
    try:
        container = open_container(_ChunkFile(conversation))
    except (av.FFmpegError, ValueError):
        raise AudioUnreadableError(
            "The stream does not begin with the header of a known format. Send the first chunk of the "
            "recording (webm, ogg …) before the others."
        ) from None
    if not container.streams.audio:
        raise AudioUnreadableError(
            "The stream holds no sound track. Record with the microphone on."
        )
    return container


def _container_frames(container: av.container.InputContainer) -> Iterator[AudioFrame]:
    packets = container.demux(container.streams.audio[0])
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        yield from _decoded(packet)


def _opus_frames(conversation: _Conversation) -> Iterator[AudioFrame]:
    context = av.CodecContext.create("opus", "r")
    context.sample_rate = OPUS_RATE_HZ
    context.layout = "mono"
    while (chunk := conversation.next_chunk()) is not None:
        if chunk:
            try:
                yield from context.decode(Packet(chunk))
            except av.FFmpegError:
                continue  # one lost packet is twenty milliseconds


def _decoded(packet: Any) -> Iterator[AudioFrame]:
    try:
        yield from packet.decode()
    except av.FFmpegError:
        return  # a damaged packet; the next one stands on its own
