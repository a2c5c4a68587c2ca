"""The table of blobs."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    NullPool,
    Text,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Mapped, mapped_column

from tertulia.blobs.domain import Blob, BlobRef, BlobState, Place
from tertulia.kernel.database import Base, Database, translated_errors


class BlobRow(Base):
    """One blob, from before its first byte arrives until its last one is removed."""

    __tablename__ = "blob"
    __table_args__ = (
        CheckConstraint("state in ('arriving', 'kept', 'deleted')", name="state"),
        Index("uq_blob_key", "key", unique=True),
        Index("ix_blob_space_id", "space_id"),
        # The sweep reads this one; kept blobs, nearly all of them, are not in it.
        Index(
            "ix_blob_to_sweep",
            "state",
            "created_at",
            postgresql_where=text("state <> 'kept'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    space_id: Mapped[UUID | None]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    content_type: Mapped[str] = mapped_column(Text)
    original_name: Mapped[str | None] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))

    def blob(self) -> Blob:
        ref = BlobRef(self.key, self.size_bytes, self.content_type, self.sha256, self.original_name)
        return Blob(self.id, ref, self.space_id, self.created_at)


ARRIVE = """
insert into blob (id, key, kind, state, size_bytes, content_type, sha256, created_at)
select p.id, p.key, split_part(p.key, '/', 1), 'arriving', 0, '', '', %s::timestamptz
from unnest(%s::uuid[], %s::text[]) p(id, key)
"""

KEEP = """
update blob set state = 'kept', space_id = %s::uuid, size_bytes = b.size_bytes, content_type = b.content_type,
  original_name = b.name, sha256 = b.sha256
from jsonb_to_recordset(%s::jsonb) b(id uuid, size_bytes bigint, content_type text, name text, sha256 text)
where blob.id = b.id and blob.state = 'arriving'
"""


class Apart:
    """Transactions on connections outside the pool.

    Who stores a blob holds a connection already; if all who hold one waited for a second, all would wait
    forever. Opening one takes a few milliseconds, which is little beside a big file.
    """

    def __init__(self, database: Database, *, at_once: int = 4) -> None:
        self._conninfo = database.conninfo
        self._room = asyncio.Semaphore(at_once)
        self._engine = create_async_engine(
            "postgresql+psycopg://", async_creator=self._connect, poolclass=NullPool
        )

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            self._conninfo, connect_timeout=5, application_name="tertulia"
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        with translated_errors():
            async with self._room, AsyncSession(self._engine) as session, session.begin():
                yield session


class BlobRows:
    """The queries on that table."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def arrive(self, places: Sequence[Place], at: datetime) -> None:
        """Rows of blobs whose bytes are still to come."""
        values = at, [place.id for place in places], [place.key for place in places]
        await (await self._raw()).execute(ARRIVE, values)

    async def keep(self, space_id: UUID | None, blobs: Sequence[Blob]) -> bool:
        """False when a row is gone: the sweep took the upload for abandoned."""
        rows = [
            {
                "id": str(blob.id),
                "size_bytes": blob.ref.size_bytes,
                "content_type": blob.ref.content_type,
                "name": blob.ref.name,
                "sha256": blob.ref.sha256,
            }
            for blob in blobs
        ]
        kept = await (await self._raw()).execute(KEEP, (space_id, json.dumps(rows)))
        return kept.rowcount == len(rows)

    async def find(self, id_: UUID) -> BlobRow | None:
        found = await self._session.execute(
            select(BlobRow).where(BlobRow.id == id_, BlobRow.state == BlobState.KEPT)
        )
        return found.scalar_one_or_none()

    async def of_space(self, space_id: UUID) -> Sequence[BlobRow]:
        found = await self._session.execute(
            select(BlobRow)
            .where(BlobRow.space_id == space_id, BlobRow.state == BlobState.KEPT)
            .order_by(BlobRow.id)
        )
        return found.scalars().all()

    async def give_up(self, ids: Sequence[UUID], at: datetime) -> list[tuple[UUID, str]]:
        """Marks what was to come and is not wanted any more."""
        done = await self._session.execute(
            update(BlobRow)
            .where(BlobRow.id.in_(ids), BlobRow.state == BlobState.ARRIVING)
            .values(state=BlobState.DELETED, deleted_at=at)
            .returning(BlobRow.id, BlobRow.key)
        )
        return [(row.id, row.key) for row in done]

    async def mark_deleted(self, at: datetime, *conditions: Any) -> list[tuple[UUID, str]]:
        """What is marked here is nobody's any more; its name goes at once, its bytes after the commit."""
        done = await self._session.execute(
            update(BlobRow)
            .where(BlobRow.state == BlobState.KEPT, *conditions)
            .values(state=BlobState.DELETED, deleted_at=at, original_name=None)
            .returning(BlobRow.id, BlobRow.key)
        )
        return [(row.id, row.key) for row in done]

    async def to_sweep(self, abandoned_before: datetime, limit: int) -> list[tuple[UUID, str, str]]:
        """Rows whose bytes are to go; another sweep running at the same time gets others."""
        found = await self._session.execute(
            select(BlobRow.id, BlobRow.key, BlobRow.state)
            .where(
                (BlobRow.state == BlobState.DELETED)
                | ((BlobRow.state == BlobState.ARRIVING) & (BlobRow.created_at < abandoned_before))
            )
            .order_by(BlobRow.created_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [(row.id, row.key, row.state) for row in found]

    async def _raw(self) -> psycopg.AsyncConnection[Any]:
        connection = await self._session.connection()
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, psycopg.AsyncConnection)
        return driver

    async def forget(self, ids: Sequence[UUID]) -> None:
        """Removes rows whose bytes are gone; a kept one never."""
        await self._session.execute(
            delete(BlobRow).where(BlobRow.id.in_(ids), BlobRow.state != BlobState.KEPT)
        )
