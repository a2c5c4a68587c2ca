"""The tables of live sessions, and the queries on them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tertulia.doors.live.domain import (
    EndReason,
    LogEntry,
    Progress,
    Restart,
    Status,
    StreamingSession,
)
from tertulia.kernel.database import Base, Transaction
from tertulia.kernel.pages import Position

Moment = DateTime(timezone=True)
OVER = (Status.COMPLETED.value, Status.ERROR.value)


class LiveSessionRow(Base):
    """One session: who, how, and how far. No sound, and no text: that is in the hall."""

    __tablename__ = "live_sessions"
    __table_args__ = (
        CheckConstraint("duration_limit between 60 and 3600", name="duration_limit"),
        CheckConstraint("chunks >= 0", name="chunks"),
        Index("ix_live_sessions_user_id_start_time_id", "user_id", "start_time", "id"),
        Index("ix_live_sessions_space_id", "space_id"),
        Index("ix_live_sessions_transcript_id", "transcript_id"),
        Index(
            "ix_live_sessions_going",
            "touched_at",
            postgresql_where=text("status not in ('completed', 'error')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    transcript_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    credential_kind: Mapped[str] = mapped_column(Text)
    credential_id: Mapped[UUID | None]
    token_key: Mapped[bytes] = mapped_column(LargeBinary)
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    left_status: Mapped[str | None] = mapped_column(Text)
    start_time: Mapped[datetime] = mapped_column(Moment)
    last_activity: Mapped[datetime] = mapped_column(Moment)
    touched_at: Mapped[datetime] = mapped_column(Moment)
    end_time: Mapped[datetime | None] = mapped_column(Moment)
    end_reason: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    duration_limit: Mapped[int] = mapped_column(Integer)
    mime_type: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    engine: Mapped[str | None] = mapped_column(Text)
    provider: Mapped[str | None] = mapped_column(Text)
    hot_words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    diarise: Mapped[bool]
    extra: Mapped[dict[str, Any]] = mapped_column(JSONB)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSONB)
    term: Mapped[int] = mapped_column(Integer)
    node: Mapped[str | None] = mapped_column(Text)
    epoch: Mapped[int] = mapped_column(Integer)
    epoch_seq: Mapped[int] = mapped_column(Integer)
    received_seq: Mapped[int] = mapped_column(Integer)
    committed_seq: Mapped[int] = mapped_column(Integer)
    skip_bytes: Mapped[int] = mapped_column(Integer)
    restart_position: Mapped[int] = mapped_column(BigInteger)
    heard: Mapped[int] = mapped_column(BigInteger)
    spans: Mapped[list[list[int]]] = mapped_column(JSONB)
    chunks: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(BigInteger)
    header: Mapped[bytes] = mapped_column(LargeBinary)


class LiveLogRow(Base):
    """What happened to a session, without what was said in it."""

    __tablename__ = "live_log"
    __table_args__ = (Index("ix_live_log_session_id_at", "session_id", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(Moment)
    event: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    numbers: Mapped[dict[str, float]] = mapped_column(JSONB)


SESSIONS = cast(Table, LiveSessionRow.__table__)
_SESSION_COLUMNS = list(SESSIONS.columns)


@dataclass(frozen=True, slots=True)
class Report:
    """What a server writes of a session it holds, if it still does."""

    session_id: UUID
    term: int
    status: Status
    left: Status | None
    progress: Progress
    last_activity: datetime
    provider: str | None
    language: str | None
    header: bytes


_REPORT = """
update live_sessions s set status = u.status, left_status = u.left_status, last_activity = u.last_activity,
  touched_at = u.touched_at, provider = coalesce(u.provider, s.provider),
  language = coalesce(s.language, u.language), header = u.header, epoch = u.epoch, epoch_seq = u.epoch_seq,
  received_seq = u.received_seq, committed_seq = u.committed_seq, skip_bytes = u.skip_bytes,
  restart_position = u.restart_position, heard = u.heard, spans = u.spans, chunks = u.chunks, position = u.position
from unnest(%s::uuid[], %s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[],
  %s::text[], %s::bytea[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::bigint[],
  %s::jsonb[], %s::int[], %s::bigint[])
  u(id, term, status, left_status, last_activity, touched_at, provider, language, header, epoch, epoch_seq,
  received_seq, committed_seq, skip_bytes, restart_position, heard, spans, chunks, position)
where s.id = u.id and s.term = u.term
returning s.id
"""
# Rows are locked in one order by every server, so that two of them never wait for each other.
_LOCK = "select id from live_sessions where id = any(%s::uuid[]) order by id for update"


class LiveStore:
    """Queries about live sessions."""

    async def add(self, tx: Transaction, new: StreamingSession) -> None:
        progress = new.progress
        await tx.session.execute(
            insert(LiveSessionRow).values(
                id=new.session_id,
                space_id=new.space_id,
                transcript_id=new.transcript_id,
                user_id=new.user_id,
                credential_kind=new.credential_kind,
                credential_id=new.credential_id,
                token_key=new.token_key,
                title=new.title,
                status=new.status.value,
                start_time=new.start_time,
                last_activity=new.last_activity,
                touched_at=new.start_time,
                duration_limit=new.duration_limit,
                mime_type=new.mime_type,
                language=new.language,
                engine=new.engine,
                hot_words=list(new.hot_words),
                diarise=new.diarise,
                extra=dict(new.metadata),
                metrics={},
                term=0,
                epoch=progress.epoch,
                epoch_seq=0,
                received_seq=0,
                committed_seq=0,
                skip_bytes=0,
                restart_position=0,
                heard=0,
                spans=[],
                chunks=0,
                position=0,
                header=b"",
            )
        )

    async def find(
        self, tx: Transaction, id_: UUID, *, lock: bool = False
    ) -> StreamingSession | None:
        query = select(*_SESSION_COLUMNS).where(LiveSessionRow.id == id_)
        row = (await tx.session.execute(query.with_for_update() if lock else query)).one_or_none()
        return _session_of(row) if row else None

    async def list(
        self,
        tx: Transaction,
        user_id: UUID,
        *,
        after: Position | None,
        limit: int,
        statuses: Sequence[Status] = (),
        words: str | None = None,
        space_id: UUID | None = None,
    ) -> Sequence[StreamingSession]:
        """One's own, the latest first."""
        row = LiveSessionRow
        query = select(*_SESSION_COLUMNS).where(row.user_id == user_id)
        if space_id is not None:
            query = query.where(row.space_id == space_id)
        if statuses:
            query = query.where(row.status.in_([status.value for status in statuses]))
        if words:
            query = query.where(row.title.icontains(words, autoescape=True))
        if after is not None:
            query = query.where(tuple_(row.start_time, row.id) < (after.at, after.id))
        ordered = query.order_by(row.start_time.desc(), row.id.desc()).limit(limit)
        return [_session_of(found) for found in await tx.session.execute(ordered)]

    async def take(
        self, tx: Transaction, id_: UUID, node: str, now: datetime
    ) -> StreamingSession | None:
        """Makes `node` the one that holds the session; None when it is over or gone."""
        row = LiveSessionRow
        taken = await tx.session.execute(
            update(row)
            .where(row.id == id_, row.status.not_in(OVER))
            .values(term=row.term + 1, node=node, touched_at=now)
            .returning(*_SESSION_COLUMNS)
        )
        found = taken.one_or_none()
        return _session_of(found) if found else None

    async def report(self, tx: Transaction, reports: Sequence[Report], now: datetime) -> set[UUID]:
        """Writes how far sessions are; gives those that this server still holds."""
        if not reports:
            return set()
        connection = await tx.raw()
        await connection.execute(_LOCK, ([report.session_id for report in reports],))
        columns = zip(*(_report_row(report, now) for report in reports), strict=True)
        cursor = await connection.execute(
            _REPORT, [list(column) for column in columns], binary=True, prepare=True
        )
        return {row[0] for row in await cursor.fetchall()}

    async def touch(self, tx: Transaction, held: Mapping[UUID, int], now: datetime) -> set[UUID]:
        """Says that these sessions are still held; gives those of which that is true."""
        connection = await tx.raw()
        cursor = await connection.execute(
            "update live_sessions s set touched_at = %s from unnest(%s::uuid[], %s::int[]) u(id, term) "
            "where s.id = u.id and s.term = u.term and s.status not in ('completed', 'error') returning s.id",
            (now, list(held), list(held.values())),
        )
        return {row[0] for row in await cursor.fetchall()}

    async def change(
        self, tx: Transaction, id_: UUID, changes: Mapping[str, Any], *, term: int | None = None
    ) -> bool:
        """Changes what is given; False when another server has the session by now, or nobody knows it."""
        query = update(LiveSessionRow).where(LiveSessionRow.id == id_)
        if term is not None:
            query = query.where(LiveSessionRow.term == term)
        changed = await tx.session.execute(query.values(**changes).returning(LiveSessionRow.id))
        return changed.scalar_one_or_none() is not None

    async def remove(self, tx: Transaction, id_: UUID) -> None:
        await tx.session.execute(delete(LiveSessionRow).where(LiveSessionRow.id == id_))

    async def left_behind(
        self, tx: Transaction, untouched_since: datetime, never_since: datetime, limit: int
    ) -> Sequence[UUID]:
        """Sessions that no server speaks for any more, the oldest first."""
        row = LiveSessionRow
        late = row.touched_at < untouched_since
        never = (row.status == Status.CONNECTING.value) & (row.start_time < never_since)
        query = select(row.id).where(row.status.not_in(OVER), or_(late, never))
        found = await tx.session.execute(query.order_by(row.touched_at).limit(limit))
        return list(found.scalars())

    async def is_held(self, tx: Transaction, id_: UUID, since: datetime) -> bool:
        """Whether a server has spoken for it since then."""
        row = LiveSessionRow
        query = select(row.id).where(row.id == id_, row.node.is_not(None), row.touched_at >= since)
        return (await tx.session.execute(query)).scalar_one_or_none() is not None

    async def remove_of(self, tx: Transaction, transcript_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Removes the sessions of these transcripts."""
        row = LiveSessionRow
        gone = delete(row).where(row.transcript_id.in_(transcript_ids)).returning(row.id)
        return list((await tx.session.execute(gone)).scalars())

    async def remove_in(self, tx: Transaction, space_id: UUID) -> Sequence[UUID]:
        """Removes the sessions of a space."""
        row = LiveSessionRow
        gone = delete(row).where(row.space_id == space_id).returning(row.id)
        return list((await tx.session.execute(gone)).scalars())

    async def going(self, tx: Transaction) -> int:
        """How many sessions are going on, on every server."""
        found = await tx.session.execute(
            select(func.count()).where(LiveSessionRow.status.not_in(OVER))
        )
        return int(found.scalar_one())

    async def write_log(self, tx: Transaction, entries: Sequence[LogEntry]) -> None:
        """Entries of sessions that are gone meanwhile are left out."""
        if not entries:
            return
        connection = await tx.raw()
        await connection.execute(
            "insert into live_log (session_id, at, event, code, numbers) "
            "select u.* from unnest(%s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::jsonb[]) "
            "u(session_id, at, event, code, numbers) where exists "
            "(select 1 from live_sessions s where s.id = u.session_id)",
            [
                [entry.session_id for entry in entries],
                [entry.at for entry in entries],
                [entry.event for entry in entries],
                [entry.code for entry in entries],
                [json.dumps(dict(entry.numbers)) for entry in entries],
            ],
        )

    async def log(self, tx: Transaction, id_: UUID, limit: int) -> Sequence[LogEntry]:
        row = LiveLogRow
        query = select(row).where(row.session_id == id_).order_by(row.at, row.id).limit(limit)
        return [
            LogEntry(id_, found.at, found.event, found.code, found.numbers)
            for found in (await tx.session.execute(query)).scalars()
        ]

    async def purge(self, tx: Transaction, before: datetime) -> None:
        """Forgets logs and measurements of sessions that ended before; the sessions and their texts stay."""
        old = select(LiveSessionRow.id).where(LiveSessionRow.end_time < before)
        await tx.session.execute(delete(LiveLogRow).where(LiveLogRow.session_id.in_(old)))
        await tx.session.execute(
            update(LiveSessionRow)
            .where(LiveSessionRow.end_time < before, LiveSessionRow.metrics != {})
            .values(metrics={})
        )


def _report_row(report: Report, now: datetime) -> tuple[Any, ...]:
    progress = report.progress
    restart = progress.restart
    return (
        report.session_id, report.term, report.status.value, report.left and report.left.value,
        report.last_activity, now, report.provider, report.language, report.header, progress.epoch,
        progress.epoch_seq, progress.received_seq, restart.seq, restart.skip_bytes, restart.position,
        progress.heard, json.dumps(progress.spans), progress.chunks, progress.position,
    )  # fmt: skip


def _session_of(row: Any) -> StreamingSession:
    return StreamingSession(
        session_id=row.id,
        space_id=row.space_id,
        transcript_id=row.transcript_id,
        user_id=row.user_id,
        status=Status(row.status),
        left=Status(row.left_status) if row.left_status else None,
        start_time=row.start_time,
        last_activity=row.last_activity,
        duration_limit=row.duration_limit,
        mime_type=row.mime_type,
        title=row.title,
        language=row.language,
        engine=row.engine,
        provider=row.provider,
        hot_words=tuple(row.hot_words),
        diarise=row.diarise,
        metadata=row.extra,
        error_code=row.error_code,
        end_reason=EndReason(row.end_reason) if row.end_reason else None,
        end_time=row.end_time,
        header=row.header,
        term=row.term,
        credential_kind=row.credential_kind,
        credential_id=row.credential_id,
        token_key=row.token_key,
        metrics=row.metrics,
        progress=Progress(
            restart=Restart(row.committed_seq, row.skip_bytes, row.restart_position),
            heard=row.heard,
            spans=tuple((span[0], span[1]) for span in row.spans),
            received_seq=row.received_seq,
            chunks=row.chunks,
            position=row.position,
            epoch=row.epoch,
            epoch_seq=row.epoch_seq,
        ),
    )
