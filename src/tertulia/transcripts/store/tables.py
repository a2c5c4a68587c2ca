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
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
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
        Index("ix_transcript_segments_search", "search", postgresql_using="gin"),
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
    """A change to a segment, with what was there before."""

    __tablename__ = "transcript_edits"
    __table_args__ = (
        ForeignKeyConstraint(
            ["transcript_id", "utterance_id"],
            ["transcript_segments.transcript_id", "transcript_segments.utterance_id"],
            ondelete="CASCADE",
        ),
    )

    transcript_id: Mapped[UUID] = mapped_column(primary_key=True)
    utterance_id: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    edited_by: Mapped[UUID | None]
    edited_at: Mapped[datetime] = mapped_column(Moment)
    text_before: Mapped[str] = mapped_column(Text)
    text_after: Mapped[str] = mapped_column(Text)
    speaker_before: Mapped[str | None] = mapped_column(Text)
    speaker_after: Mapped[str | None] = mapped_column(Text)
    words_before: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))


SEGMENTS = cast(Table, SegmentRow.__table__)
