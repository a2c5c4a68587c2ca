"""What a live session is: its entities, its states, its limits and its rules."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tertulia.kernel.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from tertulia.speech.domain import SAMPLE_RATE_HZ, Word

SHORTEST_LIMIT_SECONDS = 60
LONGEST_LIMIT_SECONDS = 3600
MOST_CHUNK_BYTES = 1_048_576
MOST_CHUNKS = 180_000
"""An hour of 20 ms frames."""
SLOW_MS = 3_000
"""Text further behind the sound than this is worth a warning."""
MOST_HOT_WORDS = 100
LONGEST_HOT_WORD = 100
MOST_METADATA_BYTES = 4_096


class SessionMissingError(NotFoundError):
    """There is no such session, or it is somebody else's."""

    code = "live_session_missing"
    title = "There is no such live session"


class LiveFullError(UnavailableError):
    """This machine follows as many sessions as it can; `Retry-After` says when to ask again."""

    code = "live_full"
    title = "As many live sessions as this machine can follow are going on"


class SessionTransitionError(ConflictError):
    """The session is in a state from which there is no way to the one asked for."""

    code = "live_transition"
    title = "The live session cannot do this in its state"


class SessionOverError(ConflictError):
    """The session has ended; its text is in the hall."""

    code = "live_session_over"
    title = "The live session is over"


class Status(StrEnum):
    """Where a session stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECORDING = "recording"
    PAUSED = "paused"
    RECONNECTING = "reconnecting"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    ERROR = "error"

    @property
    def is_over(self) -> bool:
        return self in (Status.COMPLETED, Status.ERROR)


_ENDS = frozenset({Status.FINALIZING, Status.ERROR})
_ALIVE = _ENDS | {Status.RECONNECTING}
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.CONNECTING: _ENDS | {Status.CONNECTED},
    Status.CONNECTED: _ALIVE | {Status.RECORDING, Status.PAUSED},
    Status.RECORDING: _ALIVE | {Status.PAUSED},
    Status.PAUSED: _ALIVE | {Status.RECORDING},
    Status.RECONNECTING: _ENDS | {Status.CONNECTED, Status.RECORDING, Status.PAUSED},
    Status.FINALIZING: frozenset({Status.COMPLETED, Status.ERROR}),
    Status.COMPLETED: frozenset(),
    Status.ERROR: frozenset(),
}


class EndReason(StrEnum):
    """Why a session ended."""

    STOPPED = "stopped"
    DELETED = "deleted"
    DURATION_LIMIT = "duration_limit"
    CHUNK_LIMIT = "chunk_limit"
    IDLE = "idle"
    CONNECTION_LOST = "connection_lost"
    NEVER_CONNECTED = "never_connected"
    ENGINE_FAILED = "engine_failed"
    UNREADABLE_AUDIO = "unreadable_audio"
    TRANSCRIPT_REMOVED = "transcript_removed"

    @property
    def error_code(self) -> str | None:
        """The error a session that ends so carries; None when it ends well."""
        return _FAILURES.get(self)


_FAILURES: Mapping[EndReason, str] = {
    EndReason.CONNECTION_LOST: "CONNECTION_LOST",
    EndReason.NEVER_CONNECTED: "SESSION_EXPIRED",
    EndReason.ENGINE_FAILED: "PROCESSING_ERROR",
    EndReason.UNREADABLE_AUDIO: "UNSUPPORTED_FORMAT",
    EndReason.TRANSCRIPT_REMOVED: "INVALID_SESSION",
}


class StateMachine:
    """The state of one session; a lost connection or a recoverable error comes back to the state it left."""

    def __init__(self, status: Status = Status.CONNECTING, left: Status | None = None) -> None:
        self.status = status
        self._left = left

    @property
    def left(self) -> Status | None:
        """The state that `reconnecting` comes back to."""
        return self._left

    def to(self, status: Status) -> Status:
        """Moves on and gives the state before; an illegal move is refused."""
        before = self.status
        if status not in TRANSITIONS[before]:
            raise SessionTransitionError(
                f"A session that is {before} cannot become {status}. Ask for its state first."
            )
        if before is Status.RECONNECTING and self._left and status not in (_ENDS | {self._left}):
            raise SessionTransitionError(
                f"A session that was {self._left} when it broke off comes back to that, not to {status}."
            )
        self._left = before if status is Status.RECONNECTING else None
        self.status = status
        return before

    def back(self) -> Status:
        """From `reconnecting` to the state it left."""
        self.to(self._left or Status.CONNECTED)
        return self.status


def duration_limit(seconds: int) -> int:
    """A limit that a session may have."""
    if not SHORTEST_LIMIT_SECONDS <= seconds <= LONGEST_LIMIT_SECONDS:
        raise InvalidRequestError(
            f"duration_limit: {SHORTEST_LIMIT_SECONDS} to {LONGEST_LIMIT_SECONDS} seconds are taken."
        )
    return seconds


@dataclass(frozen=True, slots=True)
class Restart:
    """The place from which a recording can be read again: after chunk `seq`, `skip_bytes` into the next one."""

    seq: int = 0
    skip_bytes: int = 0
    position: int = 0
    """In samples from the beginning of the session."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session is, as it is kept: enough for another server to go on."""

    restart: Restart = Restart()
    heard: int = 0
    """Samples from the beginning up to which everything said is in a durable final."""
    spans: tuple[tuple[int, int], ...] = ()
    """Finals that lie past `heard`, in samples: they must not be heard again."""
    received_seq: int = 0
    chunks: int = 0
    position: int = 0
    """Samples received."""
    epoch: int = 1
    epoch_seq: int = 0
    """The last chunk of the epochs before."""

    @property
    def committed_seq(self) -> int:
        return self.restart.seq

    @property
    def duration_seconds(self) -> float:
        return self.position / SAMPLE_RATE_HZ

    @property
    def lost(self) -> tuple[int, int] | None:
        """Chunks that were in the memory of a server and of a client that are both gone."""
        return (self.restart.seq + 1, self.epoch_seq) if self.restart.seq < self.epoch_seq else None


@dataclass(frozen=True, slots=True)
class StreamingSession:
    """One person speaking for up to an hour."""

    session_id: UUID
    space_id: UUID
    transcript_id: UUID
    user_id: UUID | None
    status: Status
    start_time: datetime
    last_activity: datetime
    duration_limit: int
    mime_type: str
    title: str = ""
    language: str | None = None
    engine: str | None = None
    provider: str | None = None
    hot_words: tuple[str, ...] = ()
    diarise: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    left: Status | None = None
    error_code: str | None = None
    end_reason: EndReason | None = None
    end_time: datetime | None = None
    progress: Progress = Progress()
    header: bytes = b""
    """The first bytes of a webm, ogg or wav recording, without any sound: they open it again elsewhere."""
    term: int = 0
    """Grows whenever a server takes the session; one that holds an older term can write no more."""
    credential_kind: str = "user"
    credential_id: UUID | None = None
    token_key: bytes = field(default=b"", repr=False)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    partial_text: str = ""
    confirmed_text: str = ""

    def __post_init__(self) -> None:
        duration_limit(self.duration_limit)
        if self.progress.chunks < 0:
            raise InvalidRequestError("audio_chunks_received: it cannot be below 0.")

    @property
    def beginning(self) -> tuple[Restart, bytes]:
        """Where another server begins to read, and the header it needs for that."""
        progress = self.progress
        begin = progress.restart
        if progress.lost:
            begin = Restart(progress.epoch_seq, 0, progress.heard)
        first = begin.seq == progress.epoch_seq and not begin.skip_bytes
        return begin, b"" if first else self.header  # the first chunk has it

    @property
    def audio_chunks_received(self) -> int:
        return self.progress.chunks


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of sound as a client sends it in JSON; validated where it is read."""

    sequence_number: int
    audio_data: bytes = field(repr=False)
    chunk_id: str | None = None
    timestamp: datetime | None = None
    mime_type: str | None = None

    @property
    def size_bytes(self) -> int:
        return len(self.audio_data)


class ResultType(StrEnum):
    """A partial may still change; a final never does."""

    PARTIAL = "partial"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class TranscriptionResult:
    """What was heard."""

    result_id: str
    session_id: UUID
    utterance_id: str
    sequence_number: int
    result_type: ResultType
    text_content: str = field(repr=False)
    start_time: float
    end_time: float
    created_at: datetime
    confidence: float | None = None
    language: str | None = None
    speaker: str | None = None
    words: tuple[Word, ...] = field(default=(), repr=False)
    processing_time_ms: int = 0
    latency_ms: int = 0
    replayed: bool = False

    def __post_init__(self) -> None:
        if not self.result_id:
            raise InvalidRequestError("result_id: it cannot be empty.")
        _at_least_zero("start_time", self.start_time)
        _at_least_zero("end_time", self.end_time)
        _at_least_zero("processing_time_ms", self.processing_time_ms)
        if self.confidence is not None:
            _share("confidence", self.confidence)


@dataclass(frozen=True, slots=True)
class SessionMetrics:
    """How a session runs, at one moment."""

    metrics_id: str
    session_id: UUID
    timestamp: datetime
    latency_ms: int
    chunks_processed: int
    chunks_pending: int
    cpu_usage_percent: float
    memory_usage_mb: float
    gpu_available: bool
    audio_quality_score: float
    duration_seconds: float = 0.0
    remaining_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not self.metrics_id:
            raise InvalidRequestError("metrics_id: it cannot be empty.")
        for name in (
            "latency_ms",
            "chunks_processed",
            "chunks_pending",
            "memory_usage_mb",
            "duration_seconds",
        ):
            _at_least_zero(name, getattr(self, name))
        _share("cpu_usage_percent", self.cpu_usage_percent / 100)
        _share("audio_quality_score", self.audio_quality_score)

    @property
    def slow(self) -> bool:
        return self.latency_ms > SLOW_MS


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Something that happened to a session; numbers and codes, never content."""

    session_id: UUID
    at: datetime
    event: str
    code: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


def _at_least_zero(name: str, value: float) -> None:
    if not value >= 0 or not math.isfinite(value):
        raise InvalidRequestError(f"{name}: it cannot be below 0.")


def _share(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise InvalidRequestError(f"{name}: it lies outside its range.")
