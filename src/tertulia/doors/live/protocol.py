"""Messages of the live socket: what clients send, read strictly; what they are sent, written fast."""

import binascii
import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tertulia.doors.live.domain import (
    MOST_CHUNK_BYTES,
    AudioChunk,
    SessionMetrics,
    TranscriptionResult,
)
from tertulia.doors.live.errors import MEANINGS, Code, LiveError
from tertulia.doors.live.formats import UnsupportedFormatError, parse_mime
from tertulia.doors.live.window import WINDOW_CHUNKS

PROTOCOL = 1
SUBPROTOCOL = "tertulia.live.v1"
BEARER = "bearer."
LONGEST_NAME = 128
LONGEST_PING_ID = 64
LARGEST_MS = 1e15
_SEQ_BYTES = 4


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing will be sent for a while."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Goes on after a pause."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The last chunk has been sent."""

    last_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks whether the server is there."""

    id: str | None = None
    sent_at_ms: float | None = None


Said = AudioChunk | Pause | Resume | Stop | Ping


def read_binary(frame: bytes) -> tuple[int, bytes]:
    """Number and sound of a binary frame."""
    if len(frame) <= _SEQ_BYTES:
        raise _invalid("A binary frame is 4 bytes of sequence number and at least one of sound.")
    return int.from_bytes(frame[:_SEQ_BYTES], "big"), frame[_SEQ_BYTES:]


def read_text(frame: str, session_id: UUID, mime_type: str) -> Said:
    """What a text frame says."""
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError):
        raise _invalid("A text frame is a JSON object. Send sound as binary.") from None
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(data, dict | None):
        raise _invalid('A text frame is {"event": NAME, "data": {…}}.')
    data = data or {}
    match message.get("event"):
        case "audio_chunk":
            return _audio_chunk(data, session_id, mime_type)
        case "pause":
            return Pause()
        case "resume":
            return Resume()
        case "stop_recording":
            return Stop(_integer(data, "last_seq", lowest=0))
        case "ping":
            return _ping(data)
    raise _invalid("The events are audio_chunk, pause, resume, stop_recording and ping.")


def _ping(data: Mapping[str, Any]) -> Ping:
    id_, sent_at = data.get("id"), data.get("sent_at_ms")
    if id_ is not None and (
        not isinstance(id_, str) or len(id_) > LONGEST_PING_ID or not id_.isprintable()
    ):
        raise _invalid(f"id: a string of at most {LONGEST_PING_ID} characters is taken.")
    number = isinstance(sent_at, int | float) and not isinstance(sent_at, bool)
    if sent_at is not None and not (number and abs(sent_at) < LARGEST_MS):
        raise _invalid("sent_at_ms: a number is taken.")
    return Ping(id_, sent_at)


def _audio_chunk(data: Mapping[str, Any], session_id: UUID, mime_type: str) -> AudioChunk:
    seq = _integer(data, "sequence_number")
    if seq is None:
        raise _invalid("sequence_number: it is missing.")
    named = data.get("session_id")
    if named is not None and named != str(session_id):
        raise LiveError(Code.INVALID_SESSION, "The chunk names another session.")
    chunk_id = data.get("chunk_id")
    if chunk_id is not None and (
        not isinstance(chunk_id, str) or not 1 <= len(chunk_id) <= LONGEST_NAME
    ):
        raise _invalid(f"chunk_id: a string of 1 to {LONGEST_NAME} characters is taken.")
    _same_mime(data.get("mime_type"), mime_type, seq)
    sound = _sound(data.get("audio_data"), seq)
    size = _integer(data, "size_bytes")
    if size is not None and size != len(sound):
        raise _bad_chunk(seq, f"size_bytes: the sound has {len(sound)} bytes.")
    return AudioChunk(seq, sound, chunk_id, _moment(data.get("timestamp")), mime_type)


def _same_mime(given: Any, mime_type: str, seq: int) -> None:
    if given is None or given == mime_type:
        return
    try:
        same = isinstance(given, str) and parse_mime(given).mime_type == mime_type
    except UnsupportedFormatError:
        same = False
    if not same:
        raise _bad_chunk(seq, "mime_type: it is not that of the session.")


def _sound(data: Any, seq: int) -> bytes:
    if not isinstance(data, str):
        raise _invalid("audio_data: a string of base64 is taken.")
    if len(data) > (MOST_CHUNK_BYTES + 3) * 4 // 3 + 4:
        raise too_large(seq)
    try:
        return b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise _bad_chunk(seq, "audio_data: it is no base64.") from None


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _invalid("timestamp: an RFC 3339 time is taken.") from None


def _integer(data: Mapping[str, Any], name: str, *, lowest: int | None = None) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _invalid(f"{name}: an integer is taken.")
    if lowest is not None and value < lowest:
        raise _invalid(f"{name}: {lowest} or more is taken.")
    return value


def too_large(seq: int) -> LiveError:
    return LiveError(
        Code.CHUNK_TOO_LARGE,
        f"A chunk has at most {MOST_CHUNK_BYTES} bytes. Send the sound in smaller ones.",
        sequence_number=seq,
        max_bytes=MOST_CHUNK_BYTES,
    )


def _bad_chunk(seq: int, message: str) -> LiveError:
    return LiveError(Code.INVALID_FORMAT, message, sequence_number=seq)


def _invalid(message: str) -> LiveError:
    return LiveError(Code.INVALID_MESSAGE, message)


# What is sent


def frame(event: str, data: Mapping[str, Any]) -> str:
    """A text frame."""
    return json.dumps({"event": event, "data": data}, ensure_ascii=False, separators=(",", ":"))


def ack(received_seq: int, committed_seq: int) -> str:
    """The frame sent most often, so it is written by hand."""
    return f'{{"event":"ack","data":{{"received_seq":{received_seq},"committed_seq":{committed_seq}}}}}'


def error_data(error: LiveError) -> dict[str, Any]:
    meaning = MEANINGS[error.code]
    return {
        "code": error.code.value,
        "message": error.message,
        "recoverable": meaning.recoverable,
        "action": meaning.action,
        "detail": error.detail,
    }


def limits(idle_seconds: float, reconnect_seconds: float) -> dict[str, Any]:
    return {
        "max_chunk_bytes": MOST_CHUNK_BYTES,
        "max_chunks": 180_000,
        "window_chunks": WINDOW_CHUNKS,
        "idle_seconds": idle_seconds,
        "reconnect_seconds": reconnect_seconds,
    }


def result_data(result: TranscriptionResult) -> dict[str, Any]:
    return {
        "result_id": result.result_id,
        "session_id": str(result.session_id),
        "utterance_id": result.utterance_id,
        "sequence_number": result.sequence_number,
        "result_type": result.result_type.value,
        "text_content": result.text_content,
        "confidence": result.confidence,
        "start_time": result.start_time,
        "end_time": result.end_time,
        "language": result.language,
        "speaker": result.speaker,
        "words": [
            {"text": w.text, "start": w.start, "end": w.end, "confidence": w.confidence}
            for w in result.words
        ],
        "processing_time_ms": result.processing_time_ms,
        "latency_ms": result.latency_ms,
        "created_at": result.created_at.isoformat(),
        "replayed": result.replayed,
    }


def metrics_data(metrics: SessionMetrics) -> dict[str, Any]:
    return {
        "metrics_id": metrics.metrics_id,
        "session_id": str(metrics.session_id),
        "timestamp": metrics.timestamp.isoformat(),
        "latency_ms": metrics.latency_ms,
        "slow": metrics.slow,
        "chunks_processed": metrics.chunks_processed,
        "chunks_pending": metrics.chunks_pending,
        "cpu_usage_percent": metrics.cpu_usage_percent,
        "memory_usage_mb": metrics.memory_usage_mb,
        "gpu_available": metrics.gpu_available,
        "audio_quality_score": metrics.audio_quality_score,
        "duration_seconds": metrics.duration_seconds,
        "remaining_seconds": metrics.remaining_seconds,
    }
