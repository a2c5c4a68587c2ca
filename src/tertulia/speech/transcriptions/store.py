"""The table of transcriptions and its queries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    and_,
    delete,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Boolean, Double, Text

from tertulia.kernel.database import Base, Transaction
from tertulia.kernel.pages import Position
from tertulia.speech.transcriptions.domain import Owner, Status, Transcription, Wishes

Moment = TIMESTAMP(timezone=True)


class TranscriptionRow(Base):
    """One recording handed over, and in the end its text."""

    __tablename__ = "transcriptions"
    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'done', 'failed')", name="status"),
        Index("ix_transcriptions_owner", "space_id", "user_id", "created_at", "id"),
        # what waits for a worker, for the sweep that finds rows without a job
        Index(
            "ix_transcriptions_open",
            "created_at",
            postgresql_where=text("status in ('queued', 'running')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    space_id: Mapped[UUID]
    user_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    blob_id: Mapped[UUID | None]
    engine_asked: Mapped[str | None] = mapped_column(Text)
    language_asked: Mapped[str | None] = mapped_column(Text)
    split: Mapped[bool] = mapped_column(Boolean)
    status: Mapped[str] = mapped_column(Text)
    progress: Mapped[float] = mapped_column(Double)
    created_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    progressed_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    provider: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    duration_seconds: Mapped[float | None] = mapped_column(Double)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    segments: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB(none_as_null=True), deferred=True
    )


_COLUMNS = [c for c in TranscriptionRow.__table__.columns if c.name != "segments"]


def _transcription(row: Any) -> Transcription:
    return Transcription(
        id=row.id,
        owner=Owner(row.space_id, row.user_id),
        name=row.name,
        blob_id=row.blob_id,
        wishes=Wishes(row.engine_asked, row.language_asked, row.split),
        status=Status(row.status),
        progress=row.progress,
        created_at=row.created_at,
        started_at=row.started_at,
        progressed_at=row.progressed_at,
        finished_at=row.finished_at,
        provider=row.provider,
        language=row.language,
        duration_seconds=row.duration_seconds,
        error=row.error,
    )


def _of(owner: Owner) -> ColumnElement[bool]:
    return and_(
        TranscriptionRow.space_id == owner.space_id, TranscriptionRow.user_id == owner.user_id
    )


class TranscriptionStore:
    """Queries; what an owner is given to is found for that owner only."""

    async def add(self, tx: Transaction, new: Transcription) -> None:
        await tx.session.execute(
            insert(TranscriptionRow).values(
                id=new.id,
                space_id=new.owner.space_id,
                user_id=new.owner.user_id,
                name=new.name,
                blob_id=new.blob_id,
                engine_asked=new.wishes.engine,
                language_asked=new.wishes.language,
                split=new.wishes.split,
                status=new.status.value,
                progress=new.progress,
                created_at=new.created_at,
            )
        )

    async def find(
        self, tx: Transaction, id_: UUID, owner: Owner | None = None
    ) -> Transcription | None:
        query = select(*_COLUMNS).where(TranscriptionRow.id == id_)
        if owner is not None:
            query = query.where(_of(owner))
        row = (await tx.session.execute(query)).one_or_none()
        return _transcription(row) if row else None

    async def segments(self, tx: Transaction, id_: UUID) -> Sequence[dict[str, Any]]:
        query = select(TranscriptionRow.segments).where(TranscriptionRow.id == id_)
        return await tx.session.scalar(query) or []

    async def list(
        self, tx: Transaction, owner: Owner, after: Position | None, limit: int
    ) -> Sequence[Transcription]:
        """Newest first."""
        query = select(*_COLUMNS).where(_of(owner))
        place = tuple_(TranscriptionRow.created_at, TranscriptionRow.id)
        if after is not None:
            query = query.where(place < (after.at, after.id))
        ordered = query.order_by(TranscriptionRow.created_at.desc(), TranscriptionRow.id.desc())
        rows = await tx.session.execute(ordered.limit(limit))
        return [_transcription(row) for row in rows]

    async def change(
        self, tx: Transaction, id_: UUID, changes: Mapping[str, Any], *, while_in: Sequence[Status]
    ) -> bool:
        """Changes it if it is there and in one of these states; says whether it was."""
        changed = await tx.session.execute(
            update(TranscriptionRow)
            .where(TranscriptionRow.id == id_, TranscriptionRow.status.in_(while_in))
            .values(**changes)
            .returning(TranscriptionRow.id)
        )
        return changed.scalar_one_or_none() is not None

    async def remove(self, tx: Transaction, id_: UUID, owner: Owner) -> Transcription | None:
        """Removes it and says what it was, or None when there was nothing to remove."""
        gone = await tx.session.execute(
            delete(TranscriptionRow)
            .where(TranscriptionRow.id == id_, _of(owner))
            .returning(*_COLUMNS)
        )
        row = gone.one_or_none()
        return _transcription(row) if row else None

    async def silence(self, tx: Transaction, ids: Sequence[UUID]) -> Sequence[UUID]:
        """Takes their recordings from these, and gives them."""
        query = select(TranscriptionRow.blob_id).where(
            TranscriptionRow.id.in_(ids), TranscriptionRow.blob_id.is_not(None)
        )
        blobs = [blob_id for blob_id in await tx.session.scalars(query) if blob_id]
        await tx.session.execute(
            update(TranscriptionRow).where(TranscriptionRow.id.in_(ids)).values(blob_id=None)
        )
        return blobs

    async def forget(self, tx: Transaction, ids: Sequence[UUID]) -> Sequence[UUID]:
        """Removes these whoever owns them, and gives their recordings."""
        gone = await tx.session.scalars(
            delete(TranscriptionRow)
            .where(TranscriptionRow.id.in_(ids))
            .returning(TranscriptionRow.blob_id)
        )
        return [blob_id for blob_id in gone if blob_id is not None]

    async def remove_space(self, tx: Transaction, space_id: UUID) -> None:
        await tx.session.execute(
            delete(TranscriptionRow).where(TranscriptionRow.space_id == space_id)
        )

    async def open_ids(self, tx: Transaction) -> Sequence[UUID]:
        """Everything that waits for a worker or is being read."""
        query = select(TranscriptionRow.id).where(
            TranscriptionRow.status.in_([Status.QUEUED, Status.RUNNING])
        )
        return (await tx.session.execute(query)).scalars().all()
