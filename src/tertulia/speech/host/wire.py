"""What the server and its speech host say to each other: `[operation, id, body]` in msgpack, four bytes of length before."""

import struct
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import Any, NamedTuple

import msgpack
import numpy as np

from tertulia.speech.domain import (
    Capabilities,
    Hypothesis,
    HypothesisKind,
    Recognition,
    RecognitionOptions,
    Samples,
    Segment,
    Word,
)

LENGTH = struct.Struct("<I")
LARGEST_FRAME_BYTES = 64 * 1024 * 1024
AUDIO_BLOCK_SAMPLES = 10 * 16_000
"""Files travel in blocks of this size, as the host asks for them."""


class Op(StrEnum):
    """What a message is about. The first group goes to the host, the second comes from it."""

    CONFIGURE = "configure"
    LOAD = "load"
    OPEN = "open"
    AUDIO = "audio"
    FINISH = "finish"
    CANCEL = "cancel"
    FILE = "file"
    SNAPSHOT = "snapshot"

    ANSWER = "answer"
    FAILED = "failed"
    HEARD = "heard"
    FINISHED = "finished"
    MORE = "more"


class Message(NamedTuple):
    """One message; `id` names the request, stream or file it belongs to."""

    op: Op
    id: int
    body: Any = None


def pack(message: Message) -> bytes:
    payload: bytes = msgpack.packb(tuple(message))
    return LENGTH.pack(len(payload)) + payload


class FrameReader:
    """Cuts what a socket delivers into messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        self._data += data
        at = 0
        while len(self._data) - at >= LENGTH.size:
            (size,) = LENGTH.unpack_from(self._data, at)
            if size > LARGEST_FRAME_BYTES:
                raise ConnectionError("a frame of the speech host is too large to be one")
            if len(self._data) - at - LENGTH.size < size:
                break
            at += LENGTH.size
            op, number, body = msgpack.unpackb(memoryview(self._data)[at : at + size])
            yield Message(Op(op), number, body)
            at += size
        if at:
            del self._data[:at]


def samples_to_wire(samples: Samples) -> bytes:
    return np.ascontiguousarray(samples, np.float32).tobytes()


def samples_from_wire(data: bytes) -> Samples:
    return np.frombuffer(data, np.float32)


def options_to_wire(options: RecognitionOptions) -> dict[str, Any]:
    return asdict(options)


def options_from_wire(body: dict[str, Any]) -> RecognitionOptions:
    return RecognitionOptions(**{**body, "hot_words": tuple(body["hot_words"])})


def capabilities_to_wire(capabilities: Capabilities) -> dict[str, Any]:
    return {**asdict(capabilities), "languages": sorted(capabilities.languages)}


def capabilities_from_wire(body: dict[str, Any]) -> Capabilities:
    return Capabilities(**{**body, "languages": frozenset(body["languages"])})


def _words_to_wire(words: tuple[Word, ...]) -> list[tuple[Any, ...]]:
    return [(w.text, w.start, w.end, w.confidence) for w in words]


def _words_from_wire(body: list[Any]) -> tuple[Word, ...]:
    return tuple(Word(*fields) for fields in body)


def hypothesis_to_wire(heard: Hypothesis) -> tuple[Any, ...]:
    return (
        heard.utterance_id,
        heard.kind.value,
        heard.text,
        heard.start,
        heard.end,
        heard.heard_until,
        _words_to_wire(heard.words),
        heard.language,
        heard.confidence,
        heard.speaker,
        heard.processing_ms,
    )


def hypothesis_from_wire(body: list[Any]) -> Hypothesis:
    name, kind, text, start, end, until, words, *rest = body
    found = _words_from_wire(words)
    return Hypothesis(name, HypothesisKind(kind), text, start, end, until, found, *rest)


def recognition_to_wire(recognition: Recognition) -> dict[str, Any]:
    segments = [
        (s.text, s.start, s.end, _words_to_wire(s.words), s.language, s.confidence, s.speaker)
        for s in recognition.segments
    ]
    return {
        "segments": segments,
        "language": recognition.language,
        "duration_seconds": recognition.duration_seconds,
        "provider": recognition.provider,
        "elapsed_ms": recognition.elapsed_ms,
    }


def recognition_from_wire(body: dict[str, Any]) -> Recognition:
    segments = tuple(
        Segment(text, start, end, _words_from_wire(words), language, confidence, speaker)
        for text, start, end, words, language, confidence, speaker in body["segments"]
    )
    return Recognition(**{**body, "segments": segments})
