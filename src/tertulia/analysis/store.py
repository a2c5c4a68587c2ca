"""The tables of analyses and of their parts, and their queries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, delete, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, insert
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Double, Integer, Text

from tertulia.analysis.domain import Analysis, Made, Requester, Results, Status, What
from tertulia.kernel.database import Base, Transaction

Moment = TIMESTAMP(timezone=True)


class AnalysisRow(Base):
    """The analysis of one transcript."""

    __tablename__ = "analyses"
    __table_args__ = (
        CheckConstraint("status in ('PENDING', 'RUNNING', 'DONE', 'FAILED')", name="status"),
        Index("ix_analyses_space_id", "space_id"),
        # what waits for a worker, for the sweep that finds rows without a job
        Index(
            "ix_analyses_open",
            "created_at",
            postgresql_where=text("status in ('PENDING', 'RUNNING')"),
        ),
    )

    transcript_id: Mapped[UUID] = mapped_column(
        ForeignKey("transcripts.id", ondelete="CASCADE"), primary_key=True
    )
    space_id: Mapped[UUID]
    run: Mapped[UUID]
    status: Mapped[str] = mapped_column(Text)
    wanted: Mapped[list[str]] = mapped_column(ARRAY(Text))
    chain: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[UUID | None]
    api_key_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    progress: Mapped[float] = mapped_column(Double)
    transcript_version: Mapped[int | None] = mapped_column(Integer)
    covered: Mapped[float | None] = mapped_column(Double)
    provider: Mapped[str | None] = mapped_column(Text)
    results: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made: Mapped[dict[str, Any]] = mapped_column(JSONB)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class PartRow(Base):
    """What a model answered to one part of a long conversation: paid once, also when the worker dies."""

    __tablename__ = "analysis_parts"

    transcript_id: Mapped[UUID] = mapped_column(
        ForeignKey("analyses.transcript_id", ondelete="CASCADE"), primary_key=True
    )
    run: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)


_COLUMNS = list(AnalysisRow.__table__.columns)


class AnalysisStore:
    """Queries."""

    async def find(
        self, tx: Transaction, id_: UUID, spaces: Sequence[UUID] | None, *, lock: bool = False
    ) -> Analysis | None:
        query = select(*_COLUMNS).where(AnalysisRow.transcript_id == id_)
        if spaces is not None:
            query = query.where(AnalysisRow.space_id.in_(spaces))
        row = (await tx.session.execute(query.with_for_update() if lock else query)).one_or_none()
        return _analysis(row) if row else None

    async def put(self, tx: Transaction, new: Analysis) -> None:
        """Writes it down, in the place of the one there was."""
        values = {
            "transcript_id": new.transcript_id,
            "space_id": new.space_id,
            "run": new.run,
            "status": new.status.value,
            "wanted": [str(w) for w in new.wanted],
            "chain": new.chain,
            "user_id": new.requester.user_id,
            "api_key_id": new.requester.api_key_id,
            "created_at": new.created_at,
            "started_at": new.started_at,
            "finished_at": new.finished_at,
            "progress": new.progress,
            "transcript_version": new.transcript_version,
            "covered": new.covered,
            "provider": new.provider,
            "results": new.results.model_dump(mode="json", exclude_none=True),
            "made": {k: m.model_dump(mode="json") for k, m in new.made.items()},
            "error": new.error,
        }
        found = insert(AnalysisRow).values(**values)
        await tx.session.execute(
            found.on_conflict_do_update(index_elements=["transcript_id"], set_=values)
        )

    async def change(
        self, tx: Transaction, id_: UUID, run: UUID, changes: Mapping[str, Any]
    ) -> bool:
        """Changes it while it is still made for this request; says whether it is."""
        changed = await tx.session.execute(
            update(AnalysisRow)
            .where(
                AnalysisRow.transcript_id == id_,
                AnalysisRow.run == run,
                AnalysisRow.status.in_([Status.PENDING, Status.RUNNING]),
            )
            .values(**changes)
            .returning(AnalysisRow.transcript_id)
        )
        return changed.scalar_one_or_none() is not None

    async def remove(self, tx: Transaction, ids: Sequence[UUID]) -> int:
        gone = await tx.session.execute(
            delete(AnalysisRow)
            .where(AnalysisRow.transcript_id.in_(ids))
            .returning(AnalysisRow.transcript_id)
        )
        return len(gone.all())

    async def remove_space(self, tx: Transaction, space_id: UUID) -> None:
        await tx.session.execute(delete(AnalysisRow).where(AnalysisRow.space_id == space_id))

    async def open(self, tx: Transaction) -> Sequence[tuple[UUID, UUID]]:
        """Every analysis that waits for a worker or is being made, and its run."""
        query = select(AnalysisRow.transcript_id, AnalysisRow.run).where(
            AnalysisRow.status.in_([Status.PENDING, Status.RUNNING])
        )
        return [(row.transcript_id, row.run) for row in await tx.session.execute(query)]

    async def parts(self, tx: Transaction, id_: UUID, run: UUID) -> dict[str, dict[str, Any]]:
        query = select(PartRow.name, PartRow.answer).where(
            PartRow.transcript_id == id_, PartRow.run == run
        )
        return {row.name: row.answer for row in await tx.session.execute(query)}

    async def put_part(
        self, tx: Transaction, id_: UUID, run: UUID, name: str, answer: Mapping[str, Any]
    ) -> None:
        new = insert(PartRow).values(transcript_id=id_, run=run, name=name, answer=dict(answer))
        await tx.session.execute(new.on_conflict_do_nothing())

    async def remove_parts(self, tx: Transaction, id_: UUID) -> None:
        await tx.session.execute(delete(PartRow).where(PartRow.transcript_id == id_))


def _analysis(row: Any) -> Analysis:
    return Analysis(
        transcript_id=row.transcript_id,
        space_id=row.space_id,
        run=row.run,
        status=Status(row.status),
        wanted=tuple(What(w) for w in row.wanted),
        chain=row.chain,
        requester=Requester(row.user_id, row.api_key_id),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        progress=row.progress,
        transcript_version=row.transcript_version,
        covered=row.covered,
        provider=row.provider,
        results=Results.model_validate(row.results),
        made={k: Made.model_validate(m) for k, m in row.made.items()},
        error=row.error,
    )
