"""Queries about saved searches and people."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import KnownPerson
from tertulia.transcripts.searching import SavedSearch
from tertulia.transcripts.store.tables import (
    PersonRow,
    ReadingRow,
    ReadingSegmentRow,
    SavedSearchRow,
    SegmentRow,
    TranscriptRow,
)

_SAVED = [c.name for c in SavedSearchRow.__table__.columns]

_PEOPLE: LiteralString = """
select t.space_id, who.reference, coalesce(p.name, ''), count(*)::int, max(t.started_at) as last_at
from transcripts t cross join unnest(t.people) as who(reference)
left join hall_people p on p.space_id = t.space_id and p.reference = who.reference
where t.space_id = any(%(spaces)s::uuid[])
  and (%(like)s::text is null or who.reference ilike %(like)s or p.name ilike %(like)s)
group by t.space_id, who.reference, p.name order by last_at desc, who.reference limit %(limit)s
"""


class SavedStore:
    """Saved searches: one's own, and those that others share in one's spaces."""

    async def list(
        self, tx: Transaction, spaces: Sequence[UUID], user_id: UUID
    ) -> Sequence[SavedSearch]:
        """By name."""
        r = SavedSearchRow
        query = select(r).where(_seen(spaces, user_id)).order_by(func.lower(r.name), r.id)
        return [_saved(row) for row in await tx.session.scalars(query)]

    async def count(self, tx: Transaction, space_id: UUID, user_id: UUID) -> int:
        r = SavedSearchRow
        mine = r.space_id == space_id, r.user_id == user_id
        return await tx.session.scalar(select(func.count()).select_from(r).where(*mine)) or 0

    async def find(
        self, tx: Transaction, spaces: Sequence[UUID], user_id: UUID, id_: UUID
    ) -> SavedSearch | None:
        query = select(SavedSearchRow).where(SavedSearchRow.id == id_, _seen(spaces, user_id))
        row = await tx.session.scalar(query.with_for_update())
        return _saved(row) if row else None

    async def add(self, tx: Transaction, new: SavedSearch) -> None:
        values = {name: getattr(new, name) for name in _SAVED}
        await tx.session.execute(insert(SavedSearchRow).values(**values))

    async def save(self, tx: Transaction, saved: SavedSearch) -> None:
        values = {
            "name": saved.name,
            "words": saved.words,
            "filters": dict(saved.filters),
            "is_shared": saved.is_shared,
        }
        changed = update(SavedSearchRow).where(SavedSearchRow.id == saved.id)
        await tx.session.execute(
            changed.values(**values).execution_options(synchronize_session=False)
        )

    async def remove(self, tx: Transaction, id_: UUID) -> None:
        await tx.session.execute(delete(SavedSearchRow).where(SavedSearchRow.id == id_))


def _seen(spaces: Sequence[UUID], user_id: UUID) -> Any:
    r = SavedSearchRow
    return and_(r.space_id.in_(spaces), or_(r.user_id == user_id, r.is_shared))


def _saved(row: Any) -> SavedSearch:
    return SavedSearch(**{name: getattr(row, name) for name in _SAVED})


class PeopleStore:
    """The people whom references follow."""

    async def list(
        self, tx: Transaction, spaces: Sequence[UUID], typed: str | None, limit: int
    ) -> Sequence[KnownPerson]:
        """Those heard last first; by a part of their reference or name, where something is typed."""
        like = f"%{_escaped(typed)}%" if typed else None
        connection = await tx.raw()
        rows = await connection.execute(
            _PEOPLE, {"spaces": list(spaces), "like": like, "limit": limit}
        )
        return [KnownPerson(*row) for row in await rows.fetchall()]

    async def name(self, tx: Transaction, space_id: UUID, reference: str, name: str) -> None:
        """Says what a person is called; an empty name is forgotten."""
        r = PersonRow
        if not name:
            gone = delete(r).where(r.space_id == space_id, r.reference == reference)
            await tx.session.execute(gone)
            return
        await tx.session.execute(
            upsert(r)
            .values(space_id=space_id, reference=reference, name=name)
            .on_conflict_do_update(index_elements=["space_id", "reference"], set_={"name": name})
        )

    async def merge(
        self, tx: Transaction, space_id: UUID, reference: str, into: str
    ) -> Sequence[UUID]:
        """Everything of one reference becomes the other's; gives the conversations in which that was so."""
        t, s, g, r = TranscriptRow, SegmentRow, ReadingRow, ReadingSegmentRow
        named = await tx.session.scalars(
            select(t.id)
            .where(
                t.space_id == space_id,
                or_(
                    t.people.contains([reference]),
                    t.id.in_(
                        select(s.transcript_id).where(s.person == reference, s.space_id == space_id)
                    ),
                ),
            )
            .order_by(t.id)
            .with_for_update()
        )
        ids = list(named)
        await tx.session.execute(
            update(s).where(s.transcript_id.in_(ids), s.person == reference).values(person=into)
        )
        readings = select(g.id).where(g.transcript_id.in_(ids))
        await tx.session.execute(
            update(r).where(r.reading_id.in_(readings), r.person == reference).values(person=into)
        )
        people = func.array_append(
            func.array_remove(func.array_remove(t.people, reference), into), into
        )
        await tx.session.execute(update(t).where(t.id.in_(ids)).values(people=people))
        await self.name(tx, space_id, reference, "")
        return ids


def _escaped(typed: str) -> str:
    return typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
