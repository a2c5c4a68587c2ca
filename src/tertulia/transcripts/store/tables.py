"""The tables of the hall."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from tertulia.kernel.database import Base

Moment = DateTime(timezone=True)


class TranscriptRow(Base):
    """One conversation."""

    __tablename__ = "transcripts"
    __table_args__ = (
        CheckConstraint("state in ('open', 'final')", name="state"),
        Index("ix_transcripts_space_id_started_at_id", "space_id", "started_at", "id"),
        # a door that hands over the same conversation twice finds the first one
        Index(
            "uq_transcripts_source",
            "space_id",
            "kind",
            "source_id",
            unique=True,
            postgresql_where=text("source_id is not null"),
        ),
        Index("ix_transcripts_tags", "tags", postgresql_using="gin"),
        Index("ix_transcripts_people", "people", postgresql_using="gin"),
        # final ones whose document is not of their version: the sweep finds those without a job
        Index(
            "ix_transcripts_stale",
            "updated_at",
            postgresql_where=text("state = 'final' and blob_version is distinct from version"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    source_id: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    provider: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    duration_seconds: Mapped[float] = mapped_column(Double)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    people: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int] = mapped_column(Integer)
    blob_id: Mapped[UUID | None]
    blob_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    blob_version: Mapped[int | None] = mapped_column(Integer)
    ready_at: Mapped[datetime | None] = mapped_column(Moment)
    audio_blob_id: Mapped[UUID | None]
    audio_content_type: Mapped[str | None] = mapped_column(Text)
    audio_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


class SegmentRow(Base):
    """A stretch of speech. `space_id` and `said_at` are the transcript's, for searching without it."""

    __tablename__ = "transcript_segments"
    __table_args__ = (
        Index("ix_transcript_segments_order", "transcript_id", "start_seconds", "utterance_id"),
        Index(
            "ix_transcript_segments_said_at",
            "space_id",
            "said_at",
            "transcript_id",
            "utterance_id",
            postgresql_where=text("is_final"),
        ),
        # without the list that PostgreSQL keeps of what is new: whoever comes when it is full waits for all of it
        Index(
            "ix_transcript_segments_search",
            "search",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
        # together with it: the latest of what is found, without fetching all of it
        Index(
            "ix_transcript_segments_time",
            "said_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on", "pages_per_range": 32},
        ),
        Index(
            "ix_transcript_segments_person",
            "person",
            "space_id",
            postgresql_where=text("person is not null"),
        ),
    )

    transcript_id: Mapped[UUID] = mapped_column(
        ForeignKey("transcripts.id", ondelete="CASCADE"), primary_key=True
    )
    utterance_id: Mapped[str] = mapped_column(Text, primary_key=True)
    space_id: Mapped[UUID]
    said_at: Mapped[datetime] = mapped_column(Moment)
    start_seconds: Mapped[float] = mapped_column(Double)
    end_seconds: Mapped[float] = mapped_column(Double)
    speaker: Mapped[str | None] = mapped_column(Text)
    person: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[int | None] = mapped_column(SmallInteger)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    confidence: Mapped[float | None] = mapped_column(Double)
    words: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    is_final: Mapped[bool]
    edited_at: Mapped[datetime | None] = mapped_column(Moment)
    search: Mapped[Any] = mapped_column(
        TSVECTOR, Computed("hall_vector(language, text, is_final)", persisted=True), deferred=True
    )


class EditRow(Base):
    """A change to a segment, with what was there before. It outlives a reading that another one replaces."""

    __tablename__ = "transcript_edits"

    transcript_id: Mapped[UUID] = mapped_column(
        ForeignKey("transcripts.id", ondelete="CASCADE"), primary_key=True
    )
    utterance_id: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    edited_by: Mapped[UUID | None]
    edited_at: Mapped[datetime] = mapped_column(Moment)
    text_before: Mapped[str] = mapped_column(Text)
    text_after: Mapped[str] = mapped_column(Text)
    speaker_before: Mapped[str | None] = mapped_column(Text)
    speaker_after: Mapped[str | None] = mapped_column(Text)
    words_before: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))


class WaveformRow(Base):
    """How loud a recording is, over its length: one byte a point and channel."""

    __tablename__ = "transcript_waveforms"

    transcript_id: Mapped[UUID] = mapped_column(
        ForeignKey("transcripts.id", ondelete="CASCADE"), primary_key=True
    )
    duration_seconds: Mapped[float] = mapped_column(Double)
    channels: Mapped[int] = mapped_column(SmallInteger)
    peaks: Mapped[bytes]


class ReadingRow(Base):
    """One engine's text of a conversation; that of the current one is in the segments themselves."""

    __tablename__ = "transcript_readings"
    __table_args__ = (
        UniqueConstraint("transcript_id", "number"),
        CheckConstraint("status in ('pending', 'running', 'done', 'failed')", name="status"),
        Index(
            "ix_transcript_readings_open",
            "created_at",
            postgresql_where=text("status in ('pending', 'running')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    transcript_id: Mapped[UUID] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(Text)
    is_current: Mapped[bool]
    engine_asked: Mapped[str | None] = mapped_column(Text)
    language_asked: Mapped[str | None] = mapped_column(Text)
    split: Mapped[bool]
    provider: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)


class ReadingSegmentRow(Base):
    """A segment of a reading that is not the current one."""

    __tablename__ = "transcript_reading_segments"

    reading_id: Mapped[UUID] = mapped_column(
        ForeignKey("transcript_readings.id", ondelete="CASCADE"), primary_key=True
    )
    utterance_id: Mapped[str] = mapped_column(Text, primary_key=True)
    start_seconds: Mapped[float] = mapped_column(Double)
    end_seconds: Mapped[float] = mapped_column(Double)
    speaker: Mapped[str | None] = mapped_column(Text)
    person: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[int | None] = mapped_column(SmallInteger)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    confidence: Mapped[float | None] = mapped_column(Double)
    words: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    edited_at: Mapped[datetime | None] = mapped_column(Moment)


class RetentionRow(Base):
    """How long a space keeps its conversations of one kind, and their recordings; `*` stands for every kind."""

    __tablename__ = "retention_rules"

    space_id: Mapped[UUID] = mapped_column(
        ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    transcript_days: Mapped[int | None] = mapped_column(Integer)
    audio_days: Mapped[int | None] = mapped_column(Integer)


class ErasureRow(Base):
    """The receipt of an erasure. It says what went and how much, and outlives the space."""

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint("reason in ('asked', 'person', 'retention')", name="reason"),
        Index("ix_erasures_space_id_erased_at_id", "space_id", "erased_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    space_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[UUID | None]
    erased_at: Mapped[datetime] = mapped_column(Moment)
    transcript_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    person_sha256: Mapped[str | None] = mapped_column(Text)
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)


class SavedSearchRow(Base):
    """A search somebody comes back to."""

    __tablename__ = "saved_searches"
    __table_args__ = (Index("ix_saved_searches_space_id", "space_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_shared: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)


class PersonRow(Base):
    """What a person is called whom a reference follows."""

    __tablename__ = "hall_people"

    space_id: Mapped[UUID] = mapped_column(
        ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True
    )
    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


SEGMENTS = cast(Table, SegmentRow.__table__)
