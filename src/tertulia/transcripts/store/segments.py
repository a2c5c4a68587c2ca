"""Queries about segments and their edits."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, func, insert, literal, select, tuple_, update

from tertulia.kernel.bulk import Upsert
from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import Edit, Segment, words_from_rows, words_to_rows
from tertulia.transcripts.store.tables import SEGMENTS, EditRow, SegmentRow

Place = tuple[float, str]
"""Where a segment stands in its transcript: seconds from the start, and its utterance."""

WRITTEN = (
    "transcript_id", "utterance_id", "space_id", "said_at", "start_seconds", "end_seconds", "speaker", "person",
    "channel", "text", "language", "confidence", "words", "is_final",
)  # fmt: skip
"""The columns of a row that is appended, in its order."""

_APPEND = Upsert(
    SEGMENTS,
    WRITTEN,
    key=["transcript_id", "utterance_id"],
    only_if="not transcript_segments.is_final",
    returning=["transcript_id", "utterance_id"],
)
_SEGMENT_COLUMNS = [c for c in SEGMENTS.columns if c.name != "search"]


def segment_of(row: Any) -> Segment:
    """The segment in a row."""
    return Segment(
        transcript_id=row.transcript_id,
        utterance_id=row.utterance_id,
        text=row.text,
        start=row.start_seconds,
        end=row.end_seconds,
        is_final=row.is_final,
        said_at=row.said_at,
        speaker=row.speaker,
        person=row.person,
        channel=row.channel,
        language=row.language,
        confidence=row.confidence,
        words=words_from_rows(row.words),
        edited_at=row.edited_at,
    )


class SegmentStore:
    """Queries about segments and their edits."""

    async def append(self, tx: Transaction, rows: Sequence[Sequence[Any]]) -> set[tuple[UUID, str]]:
        """Writes rows of `WRITTEN`, each utterance once; says which took their place."""
        return {(row[0], row[1]) for row in await _APPEND.run(tx, rows)}

    async def find(
        self, tx: Transaction, id_: UUID, utterance_id: str, *, lock: bool = False
    ) -> Segment | None:
        query = select(*_SEGMENT_COLUMNS).where(
            SegmentRow.transcript_id == id_, SegmentRow.utterance_id == utterance_id
        )
        row = (await tx.session.execute(query.with_for_update() if lock else query)).one_or_none()
        return segment_of(row) if row else None

    async def list(
        self,
        tx: Transaction,
        id_: UUID,
        after: Place | None,
        limit: int,
        *,
        only_final: bool = False,
    ) -> Sequence[Segment]:
        """In the order they were said."""
        query = select(*_SEGMENT_COLUMNS).where(SegmentRow.transcript_id == id_)
        if only_final:
            query = query.where(SegmentRow.is_final)
        if after is not None:
            query = query.where(tuple_(SegmentRow.start_seconds, SegmentRow.utterance_id) > after)
        ordered = query.order_by(SegmentRow.start_seconds, SegmentRow.utterance_id)
        return [segment_of(row) for row in await tx.session.execute(ordered.limit(limit))]

    async def extent(self, tx: Transaction, id_: UUID) -> tuple[float, Sequence[str]]:
        """Until when something is said, and which people say it."""
        mine = SegmentRow.transcript_id == id_, SegmentRow.is_final
        end = await tx.session.scalar(select(func.max(SegmentRow.end_seconds)).where(*mine))
        people = await tx.session.scalars(
            select(SegmentRow.person)
            .where(*mine, SegmentRow.person.is_not(None))
            .distinct()
            .order_by(SegmentRow.person)
        )
        return end or 0.0, [person for person in people if person]

    async def set_language(
        self, tx: Transaction, id_: UUID, before: str | None, after: str | None
    ) -> None:
        """Changes the language of what had the transcript's own."""
        await tx.session.execute(
            update(SegmentRow)
            .where(
                SegmentRow.transcript_id == id_, SegmentRow.language.is_not_distinct_from(before)
            )
            .values(language=after)
        )

    async def edit(
        self, tx: Transaction, before: Segment, after: Segment, version: int, by: UUID | None
    ) -> None:
        """Puts `after` in the place of `before`, and writes down what was there."""
        await tx.session.execute(
            insert(EditRow).values(
                transcript_id=before.transcript_id,
                utterance_id=before.utterance_id,
                version=version,
                edited_by=by,
                edited_at=after.edited_at,
                text_before=before.text,
                text_after=after.text,
                speaker_before=before.speaker,
                speaker_after=after.speaker,
                words_before=words_to_rows(before.words),
            )
        )
        await tx.session.execute(
            update(SegmentRow)
            .where(
                SegmentRow.transcript_id == before.transcript_id,
                SegmentRow.utterance_id == before.utterance_id,
            )
            .values(
                text=after.text,
                speaker=after.speaker,
                person=after.person,
                words=words_to_rows(after.words),
                edited_at=after.edited_at,
            )
        )

    async def rename(
        self,
        tx: Transaction,
        id_: UUID,
        before: str | None,
        after: Mapping[str, Any],
        version: int,
        by: UUID | None,
        channel: int | None = None,
    ) -> int:
        """Gives everything one speaker said another name; says how many segments that were.

        `after` holds `speaker`, `person` and `edited_at`.
        """
        s = SegmentRow
        theirs = [s.transcript_id == id_, s.is_final, s.speaker.is_not_distinct_from(before)]
        if channel is not None:
            theirs.append(s.channel == channel)
        names = [c.name for c in EditRow.__table__.columns]
        values = {
            "transcript_id": s.transcript_id,
            "utterance_id": s.utterance_id,
            "version": literal(version),
            "edited_by": literal(by, Uuid()),
            "edited_at": literal(after["edited_at"], DateTime(timezone=True)),
            "text_before": s.text,
            "text_after": s.text,
            "speaker_before": s.speaker,
            "speaker_after": literal(after["speaker"], Text()),
            "words_before": s.words,
        }
        await tx.session.execute(
            insert(EditRow).from_select(names, select(*(values[n] for n in names)).where(*theirs))
        )
        renamed = await tx.session.execute(
            update(s).where(*theirs).values(**after).returning(s.utterance_id)
        )
        return len(renamed.all())

    async def edits(
        self, tx: Transaction, id_: UUID, utterance_id: str, limit: int
    ) -> Sequence[Edit]:
        """The latest first."""
        rows = await tx.session.execute(
            select(EditRow)
            .where(EditRow.transcript_id == id_, EditRow.utterance_id == utterance_id)
            .order_by(EditRow.version.desc())
            .limit(limit)
        )
        names = [f.name for f in fields(Edit)]
        return [Edit(**{name: getattr(row, name) for name in names}) for row in rows.scalars()]
