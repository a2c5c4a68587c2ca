"""The table of bots and its queries."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ForeignKey,
    Index,
    Integer,
    Text,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Boolean, Double

from tertulia.bots.domain import Bot, Limits, tool_rows, tools_from_rows
from tertulia.kernel.database import Base, Transaction

Moment = TIMESTAMP(timezone=True)


class BotRow(Base):
    """One bot of a space."""

    __tablename__ = "bots"
    __table_args__ = (Index("uq_bots_space_id_name", "space_id", "name", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    persona: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    voice: Mapped[str | None] = mapped_column(Text)
    speed: Mapped[float] = mapped_column(Double)
    stt: Mapped[list[str]] = mapped_column(JSONB)
    llm: Mapped[list[str]] = mapped_column(JSONB)
    tts: Mapped[list[str]] = mapped_column(JSONB)
    greeting: Mapped[str] = mapped_column(Text)
    script: Mapped[str] = mapped_column(Text)
    tools: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    allowed_hosts: Mapped[list[str]] = mapped_column(JSONB)
    may_search: Mapped[bool] = mapped_column(Boolean)
    limits: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


_COLUMNS = list(BotRow.__table__.columns)


def _values(bot: Bot) -> dict[str, Any]:
    return {
        "name": bot.name,
        "persona": bot.persona,
        "language": bot.language,
        "voice": bot.voice,
        "speed": bot.speed,
        "stt": list(bot.stt),
        "llm": list(bot.llm),
        "tts": list(bot.tts),
        "greeting": bot.greeting,
        "script": bot.script,
        "tools": tool_rows(bot.tools),
        "allowed_hosts": list(bot.allowed_hosts),
        "may_search": bot.may_search,
        "limits": asdict(bot.limits),
        "version": bot.version,
        "updated_at": bot.updated_at,
    }


def _bot(row: Any) -> Bot:
    return Bot(
        id=row.id,
        space_id=row.space_id,
        name=row.name,
        persona=row.persona,
        language=row.language,
        voice=row.voice,
        speed=row.speed,
        stt=tuple(row.stt),
        llm=tuple(row.llm),
        tts=tuple(row.tts),
        greeting=row.greeting,
        script=row.script,
        tools=tools_from_rows(row.tools),
        allowed_hosts=tuple(row.allowed_hosts),
        may_search=row.may_search,
        limits=Limits(**row.limits),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


class BotStore:
    """Queries; what is in a space is found for those who may look there."""

    async def add(self, tx: Transaction, bot: Bot) -> None:
        await tx.session.execute(
            insert(BotRow).values(
                id=bot.id, space_id=bot.space_id, created_at=bot.created_at, **_values(bot)
            )
        )

    async def find(
        self, tx: Transaction, id_: UUID, spaces: Sequence[UUID] | None, *, lock: bool = False
    ) -> Bot | None:
        query = select(*_COLUMNS).where(BotRow.id == id_)
        if spaces is not None:
            query = query.where(BotRow.space_id.in_(spaces))
        if lock:
            query = query.with_for_update()
        row = (await tx.session.execute(query)).one_or_none()
        return _bot(row) if row else None

    async def named(self, tx: Transaction, spaces: Sequence[UUID], name: str) -> Bot | None:
        query = (
            select(*_COLUMNS)
            .where(BotRow.space_id.in_(spaces), func.lower(BotRow.name) == name.lower())
            .order_by(BotRow.created_at)
            .limit(1)
        )
        row = (await tx.session.execute(query)).one_or_none()
        return _bot(row) if row else None

    async def list(self, tx: Transaction, spaces: Sequence[UUID]) -> Sequence[Bot]:
        """By name."""
        query = select(*_COLUMNS).where(BotRow.space_id.in_(spaces))
        ordered = query.order_by(func.lower(BotRow.name), BotRow.id)
        return [_bot(row) for row in await tx.session.execute(ordered)]

    async def with_secrets(self, tx: Transaction) -> Sequence[Bot]:
        """Those of all spaces whose tools have headers, locked."""
        some = BotRow.tools.path_exists(literal("$[*].headers.keyvalue()", JSONPATH))
        query = select(*_COLUMNS).where(some).order_by(BotRow.id).with_for_update()
        return [_bot(row) for row in await tx.session.execute(query)]

    async def count(self, tx: Transaction, space_id: UUID) -> int:
        query = select(func.count()).select_from(BotRow).where(BotRow.space_id == space_id)
        return await tx.session.scalar(query) or 0

    async def change(self, tx: Transaction, bot: Bot) -> None:
        await tx.session.execute(update(BotRow).where(BotRow.id == bot.id).values(**_values(bot)))

    async def remove(self, tx: Transaction, id_: UUID) -> None:
        await tx.session.execute(delete(BotRow).where(BotRow.id == id_))
