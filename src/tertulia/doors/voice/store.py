"""The tables of the voice door and their queries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Text,
    case,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, insert
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Boolean, Double

from tertulia.doors.voice.domain import (
    OK,
    AudioSession,
    Figures,
    SessionFilter,
    StageFigures,
)
from tertulia.kernel.database import Base, Transaction

Moment = TIMESTAMP(timezone=True)


class AudioSessionRow(Base):
    """One turn: the nineteen fields of the storage contract, then ours."""

    __tablename__ = "audio_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    corr_id: Mapped[str] = mapped_column(Text)
    api_key_id: Mapped[str] = mapped_column(Text)
    user_external_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    request_mime_type: Mapped[str] = mapped_column(Text)
    request_duration_seconds: Mapped[float] = mapped_column(Double)
    transcript: Mapped[str] = mapped_column(Text)
    reply_text: Mapped[str] = mapped_column(Text)
    tts_available: Mapped[bool] = mapped_column(Boolean)
    tts_storage_ref: Mapped[str | None] = mapped_column(Text)
    usage_stt_ms: Mapped[int] = mapped_column(Integer)
    usage_llm_ms: Mapped[int] = mapped_column(Integer)
    usage_tts_ms: Mapped[int] = mapped_column(Integer)
    usage_total_ms: Mapped[int] = mapped_column(Integer)
    provider_stt: Mapped[str] = mapped_column(Text)
    provider_llm: Mapped[str] = mapped_column(Text)
    provider_tts: Mapped[str] = mapped_column(Text)
    meta_tags: Mapped[dict[str, str]] = mapped_column(JSONB)

    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    bot_id: Mapped[UUID]
    bot_name: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    user_id: Mapped[UUID | None]
    conversation_id: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    output_seconds: Mapped[float] = mapped_column(Double)
    first_word_ms: Mapped[int | None] = mapped_column(Integer)
    first_sound_ms: Mapped[int | None] = mapped_column(Integer)
    outcome_detail: Mapped[str | None] = mapped_column(Text)
    form: Mapped[str | None] = mapped_column(Text)
    form_values: Mapped[dict[str, str]] = mapped_column(JSONB)
    ends: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)
    transcript_id: Mapped[UUID | None]
    request_blob_id: Mapped[UUID | None]
    link_secret: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index("uq_audio_sessions_corr_id", "corr_id", unique=True),
        Index("ix_audio_sessions_user_external_id", "user_external_id", text("created_at DESC")),
        Index("ix_audio_sessions_api_key_id", "api_key_id", text("created_at DESC")),
        Index("ix_audio_sessions_space_id", "space_id", text("created_at DESC")),
        Index(
            "ix_audio_sessions_conversation_id",
            "conversation_id",
            text("created_at DESC"),
            postgresql_where=text("conversation_id is not null"),
        ),
        Index("ix_audio_sessions_transcript_id", "transcript_id"),
    )


class ClaimRow(Base):
    """A correlation id that is being answered, by whom, and until when that is believed."""

    __tablename__ = "voice_claims"

    corr_id: Mapped[str] = mapped_column(Text, primary_key=True)
    owner: Mapped[str] = mapped_column(Text)
    token: Mapped[UUID]
    until: Mapped[datetime] = mapped_column(Moment)


_COLUMNS = list(AudioSessionRow.__table__.columns)
_NAMES = [column.name for column in _COLUMNS]


def _session(row: Any) -> AudioSession:
    """The columns stand in the order of the fields; a test holds them to it."""
    return AudioSession(*row)


def _values(session: AudioSession) -> dict[str, Any]:
    values = {name: getattr(session, name) for name in _NAMES}
    for name in ("meta_tags", "form_values", "state"):
        values[name] = dict(values[name])
    return values


class AudioSessionStore:
    """The storage contract: `create`, `list_by_user`, `list_by_api_key`; and what else is asked of turns."""

    async def create(self, tx: Transaction, session: AudioSession) -> bool:
        """Keeps a whole turn. One that failed before under the same `corr_id` gives way; one that did not, stays."""
        values = _values(session)
        kept = await tx.session.execute(
            insert(AudioSessionRow)
            .values(values)
            .on_conflict_do_update(
                index_elements=[AudioSessionRow.corr_id],
                set_={name: value for name, value in values.items() if name != "corr_id"},
                where=AudioSessionRow.outcome != OK,
            )
            .returning(AudioSessionRow.id)
        )
        return kept.scalar_one_or_none() is not None

    async def list_by_user(
        self,
        tx: Transaction,
        spaces: Sequence[UUID],
        user_external_id: str,
        limit: int,
        offset: int,
    ) -> Sequence[AudioSession]:
        """A client's own user, the newest first."""
        wanted = SessionFilter(tuple(spaces), user_external_id=user_external_id)
        return await self.list(tx, wanted, limit, offset)

    async def list_by_api_key(
        self, tx: Transaction, spaces: Sequence[UUID], api_key_id: str, limit: int, offset: int
    ) -> Sequence[AudioSession]:
        """One key, the newest first."""
        return await self.list(
            tx, SessionFilter(tuple(spaces), api_key_id=api_key_id), limit, offset
        )

    async def list(
        self, tx: Transaction, wanted: SessionFilter, limit: int, offset: int
    ) -> Sequence[AudioSession]:
        """The newest first."""
        query = _filtered(select(*_COLUMNS), wanted).order_by(
            AudioSessionRow.created_at.desc(), AudioSessionRow.id.desc()
        )
        rows = await tx.session.execute(query.limit(limit).offset(offset))
        return [_session(row) for row in rows]

    async def find(
        self, tx: Transaction, id_: UUID, spaces: Sequence[UUID] | None
    ) -> AudioSession | None:
        query = select(*_COLUMNS).where(AudioSessionRow.id == id_)
        if spaces is not None:
            query = query.where(AudioSessionRow.space_id.in_(spaces))
        row = (await tx.session.execute(query)).one_or_none()
        return _session(row) if row else None

    async def by_corr_id(self, tx: Transaction, corr_id: str) -> AudioSession | None:
        query = select(*_COLUMNS).where(AudioSessionRow.corr_id == corr_id)
        row = (await tx.session.execute(query)).one_or_none()
        return _session(row) if row else None

    async def conversation(
        self, tx: Transaction, space_id: UUID, api_key_id: str, conversation_id: str, limit: int
    ) -> Sequence[AudioSession]:
        """The last turns of a caller's conversation, in the order they were said."""
        query = (
            select(*_COLUMNS)
            .where(
                AudioSessionRow.conversation_id == conversation_id,
                AudioSessionRow.api_key_id == api_key_id,
                AudioSessionRow.space_id == space_id,
                AudioSessionRow.outcome == OK,
            )
            .order_by(AudioSessionRow.created_at.desc(), AudioSessionRow.id.desc())
            .limit(limit)
        )
        rows = [_session(row) for row in await tx.session.execute(query)]
        return rows[::-1]

    async def remove(self, tx: Transaction, ids: Sequence[UUID]) -> Sequence[AudioSession]:
        gone = await tx.session.execute(
            delete(AudioSessionRow).where(AudioSessionRow.id.in_(ids)).returning(*_COLUMNS)
        )
        return [_session(row) for row in gone]

    async def of_transcripts(self, tx: Transaction, ids: Sequence[UUID]) -> Sequence[UUID]:
        query = select(AudioSessionRow.id).where(AudioSessionRow.transcript_id.in_(ids))
        return (await tx.session.execute(query)).scalars().all()

    async def figures(self, tx: Transaction, wanted: SessionFilter) -> Figures:
        """Times by stage and provider, volume by day, and how turns ended."""
        row = AudioSessionRow
        stages: list[StageFigures] = []
        for stage, provider, taken in (
            ("stt", row.provider_stt, row.usage_stt_ms),
            ("llm", row.provider_llm, row.usage_llm_ms),
            ("tts", row.provider_tts, row.usage_tts_ms),
        ):
            p50 = func.percentile_cont(0.5).within_group(taken)
            p95 = func.percentile_cont(0.95).within_group(taken)
            query = _filtered(select(provider, func.count(), p50, p95), wanted)
            found = await tx.session.execute(
                query.where(provider != "").group_by(provider).order_by(func.count().desc())
            )
            stages += [StageFigures(stage, r[0], r[1], float(r[2]), float(r[3])) for r in found]
        day = func.to_char(func.timezone("UTC", row.created_at), "YYYY-MM-DD")
        failed = func.sum(case((row.outcome == OK, 0), else_=1))
        days = await tx.session.execute(
            _filtered(select(day, func.count(), failed), wanted).group_by(day).order_by(day)
        )
        outcomes = await tx.session.execute(
            _filtered(select(row.outcome, func.count()), wanted)
            .group_by(row.outcome)
            .order_by(func.count().desc())
        )
        sound = [func.percentile_cont(s).within_group(row.first_sound_ms) for s in (0.5, 0.95)]
        p50_ms, p95_ms = (await tx.session.execute(_filtered(select(*sound), wanted))).one()
        return Figures(
            tuple(stages),
            tuple((r[0], r[1], int(r[2])) for r in days),
            tuple((r[0], r[1]) for r in outcomes),
            p50_ms,
            p95_ms,
        )


def _filtered(query: Any, wanted: SessionFilter) -> Any:
    row = AudioSessionRow
    query = query.where(row.space_id.in_(wanted.spaces))
    conditions: list[ColumnElement[bool]] = []
    if wanted.user_external_id is not None:
        conditions.append(row.user_external_id == wanted.user_external_id)
    if wanted.api_key_id is not None:
        conditions.append(row.api_key_id == wanted.api_key_id)
    if wanted.bot_id is not None:
        conditions.append(row.bot_id == wanted.bot_id)
    if wanted.conversation_id is not None:
        conditions.append(row.conversation_id == wanted.conversation_id)
    if wanted.tag is not None:
        name, value = wanted.tag
        there = (
            row.meta_tags.has_key(name) if value is None else row.meta_tags.contains({name: value})
        )
        conditions.append(there)
    if wanted.failed is not None:
        conditions.append(row.outcome != OK if wanted.failed else row.outcome == OK)
    if wanted.since is not None:
        conditions.append(row.created_at >= wanted.since)
    return query.where(*conditions)


class ClaimStore:
    """Who is answering which correlation id."""

    async def take(
        self, tx: Transaction, corr_id: str, owner: str, token: UUID, now: datetime, until: datetime
    ) -> bool:
        """Takes it, also from somebody whose time is over."""
        taken = await tx.session.execute(
            insert(ClaimRow)
            .values(corr_id=corr_id, owner=owner, token=token, until=until)
            .on_conflict_do_update(
                index_elements=[ClaimRow.corr_id],
                set_={"owner": owner, "token": token, "until": until},
                where=ClaimRow.until < now,
            )
            .returning(ClaimRow.corr_id)
        )
        return taken.scalar_one_or_none() is not None

    async def owner(self, tx: Transaction, corr_id: str) -> str | None:
        query = select(ClaimRow.owner).where(ClaimRow.corr_id == corr_id)
        found: str | None = await tx.session.scalar(query)
        return found

    async def renew(self, tx: Transaction, corr_id: str, token: UUID, until: datetime) -> bool:
        """Holds it for longer; False when somebody else has taken it."""
        renewed = await tx.session.execute(
            update(ClaimRow)
            .where(ClaimRow.corr_id == corr_id, ClaimRow.token == token)
            .values(until=until)
            .returning(ClaimRow.corr_id)
        )
        return renewed.scalar_one_or_none() is not None

    async def release(self, tx: Transaction, corr_id: str, token: UUID) -> bool:
        """Lets go of it; False when it was no longer held."""
        gone = await tx.session.execute(
            delete(ClaimRow)
            .where(ClaimRow.corr_id == corr_id, ClaimRow.token == token)
            .returning(ClaimRow.corr_id)
        )
        return gone.scalar_one_or_none() is not None
