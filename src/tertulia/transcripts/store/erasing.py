"""Queries that take what somebody said out of the hall, and the receipts that stay."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import delete, func, insert, select, tuple_, update

from tertulia.kernel.database import Transaction
from tertulia.kernel.pages import Position
from tertulia.transcripts.domain import Transcript
from tertulia.transcripts.receipts import Reason, Receipt, Retention
from tertulia.transcripts.store.tables import (
    ErasureRow,
    PersonRow,
    RetentionRow,
    SavedSearchRow,
    TranscriptRow,
    WaveformRow,
)
from tertulia.transcripts.store.transcripts import columns, transcript_of

# the conversations somebody is in: known by what they say, in whichever reading, or by being named as there
_CONVERSATIONS: LiteralString = """
select id from transcripts where space_id = %(space)s and (
  people @> array[%(person)s]
  or id in (select transcript_id from transcript_segments where person = %(person)s and space_id = %(space)s)
  or id in (select g.transcript_id from transcript_readings g join transcript_reading_segments r on r.reading_id = g.id
    join transcripts t on t.id = g.transcript_id where t.space_id = %(space)s and r.person = %(person)s)
) order by id
"""
_OTHERS: LiteralString = """
select distinct transcript_id from transcript_segments
where transcript_id = any(%(ids)s::uuid[]) and person is distinct from %(person)s
union
select id from transcripts t where id = any(%(ids)s::uuid[]) and exists (
  select from unnest(t.people) other where other <> %(person)s)
"""
_REMOVALS: Sequence[tuple[str, LiteralString]] = (
    (
        "corrections",
        """
delete from transcript_edits e using (
  select transcript_id, utterance_id from transcript_segments
    where transcript_id = any(%(ids)s::uuid[]) and person = %(person)s
  union all
  select g.transcript_id, r.utterance_id from transcript_readings g join transcript_reading_segments r
    on r.reading_id = g.id where g.transcript_id = any(%(ids)s::uuid[]) and r.person = %(person)s
) s where e.transcript_id = s.transcript_id and e.utterance_id = s.utterance_id
""",
    ),
    (
        "segments",
        "delete from transcript_segments where transcript_id = any(%(ids)s::uuid[]) and person = %(person)s",
    ),
    (
        "reading_segments",
        "delete from transcript_reading_segments r using transcript_readings g where g.id = r.reading_id"
        " and g.transcript_id = any(%(ids)s::uuid[]) and r.person = %(person)s",
    ),
)


class ErasingStore:
    """Takes out what a person said."""

    async def conversations(
        self, tx: Transaction, space_id: UUID, person: str
    ) -> tuple[Sequence[Transcript], set[UUID]]:
        """Those somebody is in, locked, and which of them others are in as well."""
        connection = await tx.raw()
        names = {"space": space_id, "person": person}
        rows = await (await connection.execute(_CONVERSATIONS, names)).fetchall()
        ids = [row[0] for row in rows]
        locked = await tx.session.execute(
            select(*columns()).where(TranscriptRow.id.in_(ids)).with_for_update()
        )
        found = [transcript_of(row) for row in locked]
        shared = await connection.execute(_OTHERS, {"ids": ids, "person": person})
        return found, {row[0] for row in await shared.fetchall()}

    async def take_out(self, tx: Transaction, ids: Sequence[UUID], person: str) -> Counter[str]:
        """Removes what they said of conversations that others are in, too."""
        connection = await tx.raw()
        counts: Counter[str] = Counter()
        for name, statement in _REMOVALS:
            gone = await connection.execute(statement, {"ids": list(ids), "person": person})
            counts[name] = gone.rowcount
        await tx.session.execute(
            update(TranscriptRow)
            .where(TranscriptRow.id.in_(ids))
            .values(
                people=func.array_remove(TranscriptRow.people, person),
                blob_id=None,
                blob_version=None,
                blob_size_bytes=None,
                ready_at=None,
            )
        )
        return counts

    async def silence(self, tx: Transaction, ids: Sequence[UUID]) -> None:
        """Takes their recordings from conversations."""
        await tx.session.execute(delete(WaveformRow).where(WaveformRow.transcript_id.in_(ids)))
        none = {"audio_blob_id": None, "audio_content_type": None, "audio_size_bytes": None}
        await tx.session.execute(
            update(TranscriptRow).where(TranscriptRow.id.in_(ids)).values(**none)
        )

    async def forget_name(self, tx: Transaction, space_id: UUID, person: str) -> None:
        """Removes what they are called, and searches for them."""
        await tx.session.execute(
            delete(PersonRow).where(PersonRow.space_id == space_id, PersonRow.reference == person)
        )
        for_them = SavedSearchRow.filters["person"].astext == person
        await tx.session.execute(
            delete(SavedSearchRow).where(SavedSearchRow.space_id == space_id, for_them)
        )

    async def add(self, tx: Transaction, receipt: Receipt) -> None:
        values = {name: getattr(receipt, name) for name in _RECEIPT}
        values |= {
            "transcript_ids": list(receipt.transcript_ids),
            "reason": receipt.reason.value,
            "counts": dict(receipt.counts),
        }
        await tx.session.execute(insert(ErasureRow).values(**values))

    async def receipts(
        self, tx: Transaction, spaces: Sequence[UUID], after: Position | None, limit: int
    ) -> Sequence[Receipt]:
        """The latest first."""
        e = ErasureRow
        query = select(e).where(e.space_id.in_(spaces))
        if after is not None:
            query = query.where(tuple_(e.erased_at, e.id) < (after.at, after.id))
        ordered = query.order_by(e.erased_at.desc(), e.id.desc()).limit(limit)
        return [_receipt(row) for row in await tx.session.scalars(ordered)]

    async def find(self, tx: Transaction, spaces: Sequence[UUID], id_: UUID) -> Receipt | None:
        query = select(ErasureRow).where(ErasureRow.id == id_, ErasureRow.space_id.in_(spaces))
        row = await tx.session.scalar(query)
        return _receipt(row) if row else None


_RECEIPT = [c.name for c in ErasureRow.__table__.columns]


def _receipt(row: Any) -> Receipt:
    values = {name: getattr(row, name) for name in _RECEIPT}
    told = {"reason": Reason(row.reason), "transcript_ids": tuple(row.transcript_ids)}
    return Receipt(**{**values, **told})


@dataclass(frozen=True, slots=True)
class Due:
    """What a rule of one space lets go of: what ended before, of these kinds."""

    space_id: UUID
    before: datetime
    kinds: Sequence[str] | None
    """None stands for every kind without a rule of its own."""
    not_kinds: Sequence[str] = ()


class RetentionStore:
    """Rules of spaces, and what is due by them."""

    async def rules(self, tx: Transaction, space_id: UUID) -> Sequence[Retention]:
        """Of one space, the one for every kind first."""
        query = select(RetentionRow).where(RetentionRow.space_id == space_id)
        return [_rule(row) for row in await tx.session.scalars(query.order_by(RetentionRow.kind))]

    async def all_rules(self, tx: Transaction) -> Sequence[Retention]:
        query = select(RetentionRow).order_by(RetentionRow.space_id, RetentionRow.kind)
        return [_rule(row) for row in await tx.session.scalars(query)]

    async def replace(self, tx: Transaction, space_id: UUID, rules: Sequence[Retention]) -> None:
        """Puts rules in the place of those there are."""
        await tx.session.execute(delete(RetentionRow).where(RetentionRow.space_id == space_id))
        for rule in rules:
            values = {
                "space_id": space_id,
                "kind": rule.kind or "*",
                "transcript_days": rule.transcript_days,
                "audio_days": rule.audio_days,
            }
            await tx.session.execute(insert(RetentionRow).values(**values))

    async def due(
        self, tx: Transaction, due: Due, limit: int, *, audio: bool
    ) -> Sequence[Transcript]:
        """Conversations past their time, the oldest first, locked; of recordings those that have one."""
        t = TranscriptRow
        ended = func.coalesce(t.ended_at, t.updated_at)
        query = select(*columns()).where(t.space_id == due.space_id, ended < due.before)
        if due.kinds is not None:
            query = query.where(t.kind.in_(due.kinds))
        if due.not_kinds:
            query = query.where(t.kind.not_in(due.not_kinds))
        if audio:
            query = query.where(t.audio_blob_id.is_not(None))
        ordered = query.order_by(t.started_at, t.id).limit(limit)
        rows = await tx.session.execute(ordered.with_for_update(skip_locked=True))
        return [transcript_of(row) for row in rows]


def _rule(row: RetentionRow) -> Retention:
    kind = None if row.kind == "*" else row.kind
    return Retention(row.space_id, kind, row.transcript_days, row.audio_days)
