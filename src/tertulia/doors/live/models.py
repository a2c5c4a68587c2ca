"""Requests and answers of the REST side of live sessions."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tertulia.doors.live.domain import (
    LONGEST_HOT_WORD,
    LONGEST_LIMIT_SECONDS,
    MOST_HOT_WORDS,
    SHORTEST_LIMIT_SECONDS,
    EndReason,
    LogEntry,
    SessionMetrics,
    Status,
    StreamingSession,
)
from tertulia.doors.live.formats import DEFAULT_MIME
from tertulia.doors.live.tokens import TokenRole
from tertulia.doors.live.wanted import Wanted

HotWord = Annotated[str, Field(min_length=1, max_length=LONGEST_HOT_WORD)]


class LiveSessionCreate(BaseModel):
    """What a live session is to be; everything may be left out."""

    model_config = ConfigDict(extra="forbid")

    space_id: UUID | None = Field(None, description="Where the text is kept; else the active one.")
    title: str = Field("", max_length=300, description="Of the transcript in the hall.")
    language: str | None = Field(
        None, max_length=35, description="A code such as es or en-US; left out, it is detected."
    )
    engine: str | None = Field(None, max_length=200, description="A live engine or a chain.")
    hot_words: list[HotWord] = Field(
        default_factory=list, max_length=MOST_HOT_WORDS, description="Words to expect."
    )
    diarise: bool = Field(False, description="Tell speakers apart, where the engine can.")
    mime_type: str = Field(DEFAULT_MIME, max_length=100, description="The form of the audio.")
    duration_limit: int = Field(
        LONGEST_LIMIT_SECONDS,
        ge=SHORTEST_LIMIT_SECONDS,
        le=LONGEST_LIMIT_SECONDS,
        description="Seconds of audio after which it is saved and ended.",
    )
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="Kept and given back; at most 4 kB."
    )

    def wanted(self) -> Wanted:
        return Wanted(**self.model_dump())


class LiveSessionUpdate(BaseModel):
    """What of a live session can be changed."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=300)


class LiveSessionOut(BaseModel):
    """A live session."""

    session_id: UUID
    user_id: UUID | None
    space_id: UUID
    transcript_id: UUID = Field(description="Its text in the hall.")
    title: str
    status: Status
    start_time: datetime
    last_activity: datetime
    end_time: datetime | None
    end_reason: EndReason | None
    error_code: str | None
    duration_limit: int = Field(description="Seconds.")
    duration_seconds: float = Field(description="Audio so far.")
    audio_chunks_received: int
    epoch: int
    received_seq: int
    committed_seq: int
    language: str | None
    engine: str | None
    provider: str | None = Field(description="The engines really used, as in gladia|whisper.")
    mime_type: str
    metadata: dict[str, Any]

    @classmethod
    def of(cls, session: StreamingSession) -> "LiveSessionOut":
        return cls(**_fields(session))


class LiveSessionText(LiveSessionOut):
    """A live session with its text."""

    confirmed_text: str
    partial_text: str = Field(description="Known only to the server that holds the session.")

    @classmethod
    def of(cls, session: StreamingSession) -> "LiveSessionText":
        return cls(
            **_fields(session),
            confirmed_text=session.confirmed_text,
            partial_text=session.partial_text,
        )


def _fields(session: StreamingSession) -> dict[str, Any]:
    progress = session.progress
    same: tuple[str, ...] = (
        "session_id",
        "user_id",
        "space_id",
        "transcript_id",
        "title",
        "status",
        "start_time",
    )
    same += ("last_activity", "end_time", "end_reason", "error_code", "duration_limit", "language")
    same += ("engine", "provider", "mime_type", "audio_chunks_received")
    return {
        **{name: getattr(session, name) for name in same},
        "duration_seconds": round(progress.duration_seconds, 3),
        "epoch": progress.epoch,
        "received_seq": progress.received_seq,
        "committed_seq": progress.committed_seq,
        "metadata": dict(session.metadata),
    }


class LiveTokenAsked(BaseModel):
    """What a token is to open."""

    model_config = ConfigDict(extra="forbid")

    role: TokenRole = TokenRole.SPEAKER


class LiveToken(BaseModel):
    """A token for one session, good for ten minutes."""

    token: str = Field(description="For the subprotocol `bearer.<token>` or the header.")
    token_expires_at: datetime
    socket_path: str = Field(description="The address of the socket, without its host.")


class LiveSessionCreated(LiveSessionOut, LiveToken):
    """A new live session and the token for its socket."""


class LiveMetricsOut(BaseModel):
    """How a session runs; of one that is over, only the aggregated figures."""

    metrics_id: str | None = None
    session_id: UUID
    timestamp: datetime | None = None
    latency_ms: int | None = Field(None, description="How far the text is behind the sound.")
    slow: bool = Field(False, description="Whether that is past 3 seconds.")
    chunks_processed: int
    chunks_pending: int
    cpu_usage_percent: float | None = None
    memory_usage_mb: float | None = None
    gpu_available: bool | None = None
    audio_quality_score: float | None = None
    duration_seconds: float
    remaining_seconds: float
    aggregated: dict[str, float] = Field(description="Of a session that is over.")

    @classmethod
    def of(cls, session: StreamingSession, now: SessionMetrics | None) -> "LiveMetricsOut":
        duration = session.progress.duration_seconds
        if now is None:
            return cls(
                session_id=session.session_id,
                chunks_processed=session.progress.chunks,
                chunks_pending=0,
                duration_seconds=round(duration, 3),
                remaining_seconds=round(max(0.0, session.duration_limit - duration), 3),
                aggregated=dict(session.metrics),
            )
        names = [name for name in cls.model_fields if hasattr(now, name)]
        return cls(**{name: getattr(now, name) for name in names}, aggregated={})


class LiveLogOut(BaseModel):
    """Something that happened to a session; no content."""

    at: datetime
    event: str
    code: str | None
    numbers: dict[str, float]

    @classmethod
    def of(cls, entry: LogEntry) -> "LiveLogOut":
        return cls(at=entry.at, event=entry.event, code=entry.code, numbers=dict(entry.numbers))


class LiveLog(BaseModel):
    """The log of a session, oldest first."""

    items: list[LiveLogOut]


class LiveEngine(BaseModel):
    """An engine that can hear live."""

    name: str
    languages: list[str] = Field(description="Empty for any.")
    streaming: bool
    diarisation: bool
    hot_words: bool
    detects_language: bool
    needs_network: bool


class LiveLimits(BaseModel):
    """What a session may have."""

    max_chunk_bytes: int
    max_chunks: int
    window_chunks: int
    idle_seconds: float
    reconnect_seconds: float
    connect_seconds: float
    shortest_limit_seconds: int
    longest_limit_seconds: int


class LiveStatus(BaseModel):
    """How many live sessions there are, and how many this machine can follow."""

    sessions: int = Field(description="Going on, on every server.")
    here: int = Field(description="Held by the server that answers.")
    capacity: int | None = Field(description="Of this machine, where it is known.")
    available: bool = Field(description="Whether another session would be taken here.")
    protocol: int
    mime_types: list[str]
    engines: list[LiveEngine]
    limits: LiveLimits
