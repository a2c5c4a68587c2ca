"""The tables of the voice door and their queries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb
from psycopg.types.numeric import Int4
from sqlalchemy import ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Boolean, Double

from tertulia.doors.voice.domain import (
    AudioSession,
    Figures,
    SessionFilter,
    StageFigures,
)
from tertulia.kernel.database import Base, Transaction
from tertulia.kernel.rows import Rows

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


_NAMES = [column.name for column in AudioSessionRow.__table__.columns]
_REPLACED = [sql.Identifier(name) for name in _NAMES if name != "corr_id"]
_KEPT = Rows(
    AudioSessionRow,
    sql.SQL(
        "on conflict (corr_id) do update set ({}) = row({}) where audio_sessions.outcome <> 'ok' returning id"
    ).format(
        sql.SQL(", ").join(_REPLACED),
        sql.SQL(", ").join(sql.SQL("excluded.{}").format(name) for name in _REPLACED),
    ),
)
_COLUMNS = ", ".join(_NAMES)

Where = tuple[str, list[Any]]
"""A condition and its parameters."""


def _values(session: AudioSession) -> dict[str, Any]:
    values = {name: getattr(session, name) for name in _NAMES}
    for name in ("meta_tags", "form_values", "state"):
        values[name] = dict(values[name])
    return values


def _where(wanted: SessionFilter) -> Where:
    conditions = ["space_id = any(%s)"]
    parameters: list[Any] = [list(wanted.spaces)]

    def also(condition: str, *values: Any) -> None:
        conditions.append(condition)
        parameters.extend(values)

    if wanted.user_external_id is not None:
        also("user_external_id = %s", wanted.user_external_id)
    if wanted.api_key_id is not None:
        also("api_key_id = %s", wanted.api_key_id)
    if wanted.bot_id is not None:
        also("bot_id = %s", wanted.bot_id)
    if wanted.conversation_id is not None:
        also("conversation_id = %s", wanted.conversation_id)
    if wanted.tag is not None:
        name, value = wanted.tag
        if value is None:
            also("meta_tags ? %s", name)
        else:
            also("meta_tags @> %s", Jsonb({name: value}))
    if wanted.failed is not None:
        also("outcome <> 'ok'" if wanted.failed else "outcome = 'ok'")
    if wanted.since is not None:
        also("created_at >= %s", wanted.since)
    return " and ".join(conditions), parameters


async def _rows(tx: Transaction, query: str, parameters: Sequence[Any]) -> list[Any]:
    connection = await tx.raw()
    cursor = await connection.execute(query, parameters, binary=True, prepare=True)
    rows: list[Any] = await cursor.fetchall()
    return rows


async def _sessions(
    tx: Transaction, where: str, parameters: Sequence[Any], tail: str = ""
) -> list[AudioSession]:
    """The columns stand in the order of the fields; a test holds them to it."""
    query = f"select {_COLUMNS} from audio_sessions where {where} {tail}"  # noqa: S608 - fixed words
    return [AudioSession(*row) for row in await _rows(tx, query, parameters)]


class AudioSessionStore:
    """The storage contract: `create`, `list_by_user`, `list_by_api_key`; and what else is asked of turns."""

    async def create(self, tx: Transaction, session: AudioSession) -> bool:
        """Keeps a whole turn. One that failed before under the same `corr_id` gives way; one that did not, stays."""
        return bool(await _KEPT.insert(tx, [_values(session)]))

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
        where, parameters = _where(wanted)
        page = Int4(limit), Int4(offset)
        return await _sessions(
            tx, where, [*parameters, *page], "order by created_at desc, id desc limit %s offset %s"
        )

    async def find(
        self, tx: Transaction, id_: UUID, spaces: Sequence[UUID] | None
    ) -> AudioSession | None:
        if spaces is None:
            found = await _sessions(tx, "id = %s", [id_])
        else:
            found = await _sessions(tx, "id = %s and space_id = any(%s)", [id_, list(spaces)])
        return found[0] if found else None

    async def by_corr_id(self, tx: Transaction, corr_id: str) -> AudioSession | None:
        found = await _sessions(tx, "corr_id = %s", [corr_id])
        return found[0] if found else None

    async def conversation(
        self, tx: Transaction, space_id: UUID, api_key_id: str, conversation_id: str, limit: int
    ) -> Sequence[AudioSession]:
        """The last turns of a caller's conversation, in the order they were said."""
        wanted = SessionFilter(
            (space_id,), api_key_id=api_key_id, conversation_id=conversation_id, failed=False
        )
        return (await self.list(tx, wanted, limit, 0))[::-1]

    async def remove(self, tx: Transaction, ids: Sequence[UUID]) -> Sequence[AudioSession]:
        query = f"delete from audio_sessions where id = any(%s) returning {_COLUMNS}"  # noqa: S608 - fixed words
        rows = await _rows(tx, query, [list(ids)])
        return [AudioSession(*row) for row in rows]

    async def of_transcripts(self, tx: Transaction, ids: Sequence[UUID]) -> Sequence[UUID]:
        query = "select id from audio_sessions where transcript_id = any(%s)"
        return [row[0] for row in await _rows(tx, query, [list(ids)])]

    async def figures(self, tx: Transaction, wanted: SessionFilter) -> Figures:
        """Times by stage and provider, volume by day, and how turns ended."""
        where, parameters = _where(wanted)

        async def asked(query: str, **names: str) -> Sequence[Any]:
            return await _rows(tx, query.format(where=where, **names), parameters)

        stages: list[StageFigures] = []
        for stage in ("stt", "llm", "tts"):
            provider, taken = f"provider_{stage}", f"usage_{stage}_ms"
            found = await asked(_STAGE, provider=provider, taken=taken)
            stages += [StageFigures(stage, *row) for row in found]
        [(p50_ms, p95_ms)] = await asked(_FIRST_SOUND)
        return Figures(
            tuple(stages),
            tuple(await asked(_DAYS)),
            tuple(await asked(_OUTCOMES)),
            p50_ms,
            p95_ms,
        )


_STAGE = """
select {provider}, count(*), percentile_cont(0.5) within group (order by {taken}),
  percentile_cont(0.95) within group (order by {taken})
from audio_sessions where {where} and {provider} <> '' group by 1 order by 2 desc
"""
_DAYS = """
select to_char(timezone('UTC', created_at), 'YYYY-MM-DD') as day, count(*), count(*) filter (where outcome <> 'ok')
from audio_sessions where {where} group by day order by day
"""
_OUTCOMES = (
    "select outcome, count(*) from audio_sessions where {where} group by outcome order by 2 desc"
)
_FIRST_SOUND = """
select percentile_cont(0.5) within group (order by first_sound_ms),
  percentile_cont(0.95) within group (order by first_sound_ms)
from audio_sessions where {where}
"""

_TAKE = """
insert into voice_claims (corr_id, owner, token, until) values (%s, %s, %s, %s)
on conflict (corr_id) do update set owner = excluded.owner, token = excluded.token, until = excluded.until
where voice_claims.until < %s returning true
"""
_RENEW = "update voice_claims set until = %s where corr_id = %s and token = %s returning true"
_RELEASE = "delete from voice_claims where corr_id = %s and token = %s returning true"


class ClaimStore:
    """Who is answering which correlation id."""

    async def take(
        self, tx: Transaction, corr_id: str, owner: str, token: UUID, now: datetime, until: datetime
    ) -> bool:
        """Takes it, also from somebody whose time is over."""
        return bool(await _rows(tx, _TAKE, [corr_id, owner, token, until, now]))

    async def owner(self, tx: Transaction, corr_id: str) -> str | None:
        rows = await _rows(tx, "select owner from voice_claims where corr_id = %s", [corr_id])
        return str(rows[0][0]) if rows else None

    async def renew(self, tx: Transaction, corr_id: str, token: UUID, until: datetime) -> bool:
        """Holds it for longer; False when somebody else has taken it."""
        return bool(await _rows(tx, _RENEW, [until, corr_id, token]))

    async def release(self, tx: Transaction, corr_id: str, token: UUID) -> bool:
        """Lets go of it; False when it was no longer held."""
        return bool(await _rows(tx, _RELEASE, [corr_id, token]))
