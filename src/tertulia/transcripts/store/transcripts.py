"""Queries about transcripts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    delete,
    func,
    select,
    text,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from tertulia.kernel.database import Transaction
from tertulia.kernel.pages import Position
from tertulia.transcripts.domain import Audio, Document, Filter, Kind, State, Transcript
from tertulia.transcripts.store.tables import EditRow, ReadingRow, SegmentRow, TranscriptRow

_TRANSCRIPT_COLUMNS = list(TranscriptRow.__table__.columns)
_NAMES = [c.name for c in _TRANSCRIPT_COLUMNS]
_KNOWN = (
    "select id, space_id, started_at, language, state from transcripts where id = any(%s::uuid[])"
)


@dataclass(frozen=True, slots=True)
class Known:
    """What its segments need to know of a transcript."""

    space_id: UUID
    started_at: datetime
    language: str | None
    state: str


def columns() -> list[Any]:
    """All that `transcript_of` reads."""
    return _TRANSCRIPT_COLUMNS


def transcript_of(row: Any) -> Transcript:
    """The transcript in a row that has all of the table's columns."""
    document = None
    if row.blob_id is not None:
        document = Document(row.blob_id, row.blob_size_bytes, row.blob_version, row.ready_at)
    audio = None
    if row.audio_blob_id is not None:
        audio = Audio(row.audio_blob_id, row.audio_content_type, row.audio_size_bytes)
    return Transcript(
        id=row.id,
        space_id=row.space_id,
        kind=Kind(row.kind),
        title=row.title,
        state=State(row.state),
        started_at=row.started_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        source_id=row.source_id,
        language=row.language,
        provider=row.provider,
        ended_at=row.ended_at,
        duration_seconds=row.duration_seconds,
        tags=tuple(row.tags),
        people=tuple(row.people),
        version=row.version,
        document=document,
        audio=audio,
        created_by=row.created_by,
    )


def conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    """What a filter says about a transcript; who may see it comes first."""
    t = TranscriptRow
    found: list[ColumnElement[bool]] = [t.space_id.in_(wanted.spaces)]
    if wanted.kinds:
        found.append(t.kind.in_([kind.value for kind in wanted.kinds]))
    if wanted.languages:
        found.append(func.split_part(t.language, "-", 1).in_(wanted.languages))
    if wanted.tags:
        found.append(t.tags.contains(list(wanted.tags)))
    if wanted.person:
        found.append(t.people.contains([wanted.person]))
    if wanted.speaker:
        said = select(SegmentRow.utterance_id).where(
            SegmentRow.transcript_id == t.id, SegmentRow.speaker == wanted.speaker
        )
        found.append(said.exists())
    if wanted.transcript_id:
        found.append(t.id == wanted.transcript_id)
    return [*found, *_measures(wanted)]


def _measures(wanted: Filter) -> list[ColumnElement[bool]]:
    """When, how long, and by which engine."""
    t = TranscriptRow
    found: list[ColumnElement[bool]] = []
    if wanted.since:
        found.append(t.started_at >= wanted.since)
    if wanted.until:
        found.append(t.started_at < wanted.until)
    if wanted.shortest_seconds is not None:
        found.append(t.duration_seconds >= wanted.shortest_seconds)
    if wanted.longest_seconds is not None:
        found.append(t.duration_seconds <= wanted.longest_seconds)
    if wanted.provider:
        found.append(t.provider.contains(wanted.provider, autoescape=True))
    return found


def _page(wanted: Filter, after: Position | None, limit: int) -> Select[Any]:
    """The latest conversations after a place."""
    query = select(*_TRANSCRIPT_COLUMNS).where(*conditions(wanted))
    if after is not None:
        place = tuple_(TranscriptRow.started_at, TranscriptRow.id)
        query = query.where(place < (after.at, after.id))
    ordered = query.order_by(TranscriptRow.started_at.desc(), TranscriptRow.id.desc())
    return ordered.limit(limit)


async def latest_ids(tx: Transaction, wanted: Filter, limit: int) -> Sequence[UUID]:
    """The latest conversations that the filters leave."""
    query = select(TranscriptRow.id).where(*conditions(wanted))
    ordered = query.order_by(TranscriptRow.started_at.desc(), TranscriptRow.id.desc())
    return (await tx.session.scalars(ordered.limit(limit))).all()


class TranscriptStore:
    """Queries about transcripts; whoever asks for one says in which spaces it may be."""

    async def add(self, tx: Transaction, new: Transcript) -> bool:
        """False when its space has one of that kind and source already."""
        values = {name: getattr(new, name) for name in _NAMES if hasattr(new, name)}
        values |= {"tags": list(new.tags), "people": list(new.people)}
        added = await tx.session.execute(
            insert(TranscriptRow)
            .values(**values)
            .on_conflict_do_nothing(
                index_elements=["space_id", "kind", "source_id"],
                index_where=text("source_id is not null"),
            )
            .returning(TranscriptRow.id)
        )
        return added.scalar_one_or_none() is not None

    async def find(
        self, tx: Transaction, id_: UUID, spaces: Sequence[UUID] | None, *, lock: bool = False
    ) -> Transcript | None:
        """The transcript, if it is in one of these spaces; None stands for any."""
        query = select(*_TRANSCRIPT_COLUMNS).where(TranscriptRow.id == id_)
        if spaces is not None:
            query = query.where(TranscriptRow.space_id.in_(spaces))
        row = (await tx.session.execute(query.with_for_update() if lock else query)).one_or_none()
        return transcript_of(row) if row else None

    async def find_by_source(
        self, tx: Transaction, space_id: UUID, kind: Kind, source_id: str
    ) -> Transcript | None:
        row = await tx.session.execute(
            select(*_TRANSCRIPT_COLUMNS).where(
                TranscriptRow.space_id == space_id,
                TranscriptRow.kind == kind.value,
                TranscriptRow.source_id == source_id,
            )
        )
        found = row.one_or_none()
        return transcript_of(found) if found else None

    async def list(
        self, tx: Transaction, wanted: Filter, after: Position | None, limit: int
    ) -> Sequence[Transcript]:
        """The latest first."""
        if not wanted.spaces:
            return []
        pages = [_page(replace(wanted, spaces=[space]), after, limit) for space in wanted.spaces]
        if len(pages) == 1:
            return [transcript_of(row) for row in await tx.session.execute(pages[0])]
        # each space gives its page by its index; all of them are no more than a few pages to put in order
        of_all = union_all(*(select(page.subquery()) for page in pages)).subquery()
        ordered = select(of_all).order_by(of_all.c.started_at.desc(), of_all.c.id.desc())
        return [transcript_of(row) for row in await tx.session.execute(ordered.limit(limit))]

    async def several(self, tx: Transaction, ids: Sequence[UUID]) -> Sequence[Transcript]:
        """These, in the order they are asked for; those that are gone are left out."""
        query = select(*_TRANSCRIPT_COLUMNS).where(TranscriptRow.id.in_(ids))
        found = {row.id: transcript_of(row) for row in await tx.session.execute(query)}
        return [found[id_] for id_ in ids if id_ in found]

    async def change(self, tx: Transaction, id_: UUID, changes: Mapping[str, Any]) -> None:
        await tx.session.execute(
            update(TranscriptRow).where(TranscriptRow.id == id_).values(**changes)
        )

    async def remove(self, tx: Transaction, ids: Sequence[UUID]) -> None:
        await tx.session.execute(delete(TranscriptRow).where(TranscriptRow.id.in_(ids)))

    async def counts(self, tx: Transaction, ids: Sequence[UUID]) -> Counter[str]:
        """How much of these there is, for a receipt."""
        counts = Counter(conversations=len(ids))
        for name, table in (
            ("segments", SegmentRow),
            ("corrections", EditRow),
            ("readings", ReadingRow),
        ):
            query = select(func.count()).select_from(table).where(table.transcript_id.in_(ids))
            counts[name] = await tx.session.scalar(query) or 0
        return counts

    async def stale(self, tx: Transaction, limit: int) -> Sequence[UUID]:
        """Final ones whose document is not of their version, those that have waited longest first."""
        t = TranscriptRow
        waiting = t.state == State.FINAL.value, t.blob_version.is_distinct_from(t.version)
        query = select(t.id).where(*waiting).order_by(t.updated_at).limit(limit)
        return (await tx.session.scalars(query)).all()

    async def known(self, tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Known]:
        """What a segment needs to know of its transcript; those that are gone are left out."""
        connection = await tx.raw()
        rows = await connection.execute(_KNOWN, (list(ids),), binary=True, prepare=True)
        return {row[0]: Known(*row[1:]) for row in await rows.fetchall()}

    async def grew(self, tx: Transaction, ids: Sequence[UUID], now: datetime) -> None:
        """Counts a change of final transcripts that were added to."""
        await tx.session.execute(
            update(TranscriptRow)
            .where(TranscriptRow.id.in_(ids), TranscriptRow.state == State.FINAL.value)
            .values(version=TranscriptRow.version + 1, updated_at=now)
        )
