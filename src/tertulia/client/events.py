"""What the server tells, as types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Created:
    """A connection is open; `received_seq` is the last chunk the server has."""

    session_id: str
    transcript_id: str
    resumed: bool
    status: str
    epoch: int
    received_seq: int
    committed_seq: int
    language: str | None
    engine: str | None
    mime_type: str
    duration_limit: int
    duration_seconds: float
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ack:
    """Arrived up to `received_seq`; durable text up to `committed_seq`."""

    received_seq: int
    committed_seq: int


@dataclass(frozen=True, slots=True)
class Word:
    """One word; times in seconds of audio."""

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """Text that may still change; a later result of the same `utterance_id` replaces it."""

    utterance_id: str
    text: str
    start: float
    end: float
    latency_ms: int
    language: str | None = None
    speaker: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Final:
    """Text that stays, and is in the hall already; empty where a partial turned out to be nothing."""

    utterance_id: str
    text: str
    start: float
    end: float
    latency_ms: int
    language: str | None = None
    speaker: str | None = None
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The session is in another state."""

    status: str
    previous: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """How the session runs."""

    latency_ms: int
    slow: bool
    chunks_processed: int
    chunks_pending: int
    cpu_usage_percent: float
    memory_usage_mb: float
    gpu_available: bool
    audio_quality_score: float
    duration_seconds: float
    remaining_seconds: float


@dataclass(frozen=True, slots=True)
class Missing:
    """Chunks the server needs again."""

    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio that is lost for good."""

    from_seq: int
    to_seq: int
    at_seconds: float


@dataclass(frozen=True, slots=True)
class Problem:
    """An error; `action` says what to do about it."""

    code: str
    message: str
    recoverable: bool
    action: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection is gone; the next try comes in `wait_seconds`. Partials shown so far are void."""

    attempt: int
    wait_seconds: float
    close_code: int | None


@dataclass(frozen=True, slots=True)
class Completed:
    """The session is over and its text is in the hall."""

    session_id: str
    transcript_id: str
    status: str
    reason: str
    duration_seconds: float
    utterances: int
    language: str | None


@dataclass(frozen=True, slots=True)
class Token:
    """A fresh token for the next connection."""

    token: str = field(repr=False)


Event = (
    Created | Ack | Partial | Final | StatusChanged | Metrics | Missing | Gap | Problem
    | Reconnecting | Completed | Token
)  # fmt: skip

_KINDS: Mapping[str, Any] = {
    "session_created": Created,
    "ack": Ack,
    "status": StatusChanged,
    "metrics": Metrics,
    "missing": Missing,
    "gap": Gap,
    "error": Problem,
    "session_completed": Completed,
    "token": Token,
}


def parse(event: str, data: Mapping[str, Any]) -> Event | None:
    """The event, or None for one this client does not know: newer servers may have more."""
    if event in ("transcription_partial", "transcription_final"):
        return _result(event, data)
    kind = _KINDS.get(event)
    if kind is None:
        return None
    known: Event = kind(**{name: data[name] for name in kind.__slots__ if name in data})
    return known


def _result(event: str, data: Mapping[str, Any]) -> Event:
    common = {
        "utterance_id": data["utterance_id"],
        "text": data["text_content"],
        "start": data["start_time"],
        "end": data["end_time"],
        "latency_ms": data["latency_ms"],
        "language": data["language"],
        "speaker": data["speaker"],
        "confidence": data["confidence"],
    }
    if event == "transcription_partial":
        return Partial(**common)
    words = (Word(w["text"], w["start"], w["end"], w["confidence"]) for w in data["words"])
    return Final(**common, words=tuple(words), replayed=bool(data.get("replayed")))
