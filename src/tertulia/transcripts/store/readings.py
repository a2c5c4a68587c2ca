"""Queries about readings: the texts that other engines made of a conversation."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Interval,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    tuple_,
    update,
)

from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import Draft, Reading, ReadingStatus, Segment, Transcript
from tertulia.transcripts.store.segments import Place, segment_of
from tertulia.transcripts.store.tables import ReadingRow, ReadingSegmentRow, SegmentRow

_NAMES = [f.name for f in fields(Reading)]
_SHARED = [
    c.name for c in ReadingSegmentRow.__table__.columns if c.name not in ("reading_id",)
]  # fmt: skip
"""What a segment is in either place."""


def _reading(row: Any) -> Reading:
    values = {name: getattr(row, name) for name in _NAMES}
    return Reading(**{**values, "status": ReadingStatus(row.status)})


class ReadingStore:
    """Readings and the segments of those that are not current."""

    async def list(self, tx: Transaction, transcript_id: UUID) -> Sequence[Reading]:
        """In the order they were asked for."""
        query = select(ReadingRow).where(ReadingRow.transcript_id == transcript_id)
        rows = await tx.session.scalars(query.order_by(ReadingRow.number))
        return [_reading(row) for row in rows]

    async def find(self, tx: Transaction, transcript_id: UUID, number: int) -> Reading | None:
        query = select(ReadingRow).where(
            ReadingRow.transcript_id == transcript_id, ReadingRow.number == number
        )
        row = await tx.session.scalar(query)
        return _reading(row) if row else None

    async def get(self, tx: Transaction, id_: UUID) -> Reading | None:
        """One by its own id, held until the transaction ends."""
        row = await tx.session.scalar(
            select(ReadingRow).where(ReadingRow.id == id_).with_for_update()
        )
        return _reading(row) if row else None

    async def add(self, tx: Transaction, new: Reading) -> None:
        values = {name: getattr(new, name) for name in _NAMES}
        await tx.session.execute(insert(ReadingRow).values(**values))

    async def change(self, tx: Transaction, id_: UUID, changes: Mapping[str, Any]) -> None:
        await tx.session.execute(update(ReadingRow).where(ReadingRow.id == id_).values(**changes))

    async def remove(self, tx: Transaction, id_: UUID) -> None:
        await tx.session.execute(delete(ReadingRow).where(ReadingRow.id == id_))

    async def open_ids(self, tx: Transaction) -> Sequence[UUID]:
        """Those a job should stand for."""
        waiting = ReadingRow.status.in_([ReadingStatus.PENDING, ReadingStatus.RUNNING])
        return (await tx.session.scalars(select(ReadingRow.id).where(waiting))).all()

    async def put_segments(
        self, tx: Transaction, id_: UUID, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Writes the text of a reading, in place of what a try before may have left."""
        await tx.session.execute(
            delete(ReadingSegmentRow).where(ReadingSegmentRow.reading_id == id_)
        )
        if rows:
            await tx.session.execute(
                insert(ReadingSegmentRow), [{"reading_id": id_, **row} for row in rows]
            )

    async def segments(
        self, tx: Transaction, found: Transcript, id_: UUID, after: Place | None, limit: int
    ) -> Sequence[Segment]:
        """In the order they were said."""
        r = ReadingSegmentRow
        told = (
            literal(found.id).label("transcript_id"),
            literal(True).label("is_final"),
            (literal(found.started_at) + _seconds(r.start_seconds)).label("said_at"),
        )
        query = select(*(getattr(r, name) for name in _SHARED), *told).where(r.reading_id == id_)
        if after is not None:
            query = query.where(tuple_(r.start_seconds, r.utterance_id) > after)
        ordered = query.order_by(r.start_seconds, r.utterance_id).limit(limit)
        return [segment_of(row) for row in await tx.session.execute(ordered)]

    async def swap(self, tx: Transaction, found: Transcript, current: UUID, chosen: UUID) -> None:
        """Puts one reading's segments in the place of the other's, which are kept beside."""
        s, r = SegmentRow, ReadingSegmentRow
        mine = s.transcript_id == found.id, s.is_final
        kept = select(literal(current), *(getattr(s, name) for name in _SHARED)).where(*mine)
        await tx.session.execute(insert(r).from_select(["reading_id", *_SHARED], kept))
        await tx.session.execute(delete(s).where(s.transcript_id == found.id))
        placed = select(
            literal(found.id),
            literal(found.space_id),
            literal(found.started_at) + _seconds(r.start_seconds),
            true(),
            *(getattr(r, name) for name in _SHARED),
        ).where(r.reading_id == chosen)
        names = ["transcript_id", "space_id", "said_at", "is_final", *_SHARED]
        await tx.session.execute(insert(s).from_select(names, placed))
        await tx.session.execute(delete(r).where(r.reading_id == chosen))
        await tx.session.execute(
            update(ReadingRow)
            .where(ReadingRow.id.in_([current, chosen]))
            .values(is_current=ReadingRow.id == chosen)
        )

    async def names_of_channels(
        self, tx: Transaction, transcript_id: UUID
    ) -> dict[int, tuple[str | None, str | None]]:
        """Speaker and person of each channel on which one alone is known to speak."""
        s = SegmentRow
        rows = await tx.session.execute(
            select(s.channel, func.min(s.speaker), func.min(s.person))
            .where(s.transcript_id == transcript_id, s.is_final, s.channel.is_not(None))
            .group_by(s.channel)
            .having(
                func.count(func.distinct(func.coalesce(s.speaker, ""))) == 1,
                func.count(func.distinct(func.coalesce(s.person, ""))) == 1,
            )
        )
        return {c: (speaker, person) for c, speaker, person in rows if c is not None}


def _seconds(column: Any) -> Any:
    """A column of seconds as an interval."""
    return column * cast(timedelta(seconds=1), Interval)


def rows_of(drafts: Sequence[Draft], words: Any) -> list[dict[str, Any]]:
    """Segments as a reading keeps them."""
    return [
        {
            "utterance_id": d.utterance_id,
            "start_seconds": d.start,
            "end_seconds": d.end,
            "speaker": d.speaker,
            "person": d.person,
            "channel": d.channel,
            "text": d.text,
            "language": d.language,
            "confidence": d.confidence,
            "words": words(d.words),
            "edited_at": None,
        }
        for d in drafts
    ]
