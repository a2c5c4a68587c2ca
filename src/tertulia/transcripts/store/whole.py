"""A conversation that is over when it comes: its row and all its segments, in one statement."""

from collections.abc import Sequence
from datetime import timedelta

from psycopg import sql

from tertulia.kernel.database import Transaction
from tertulia.kernel.rows import insert_of, written
from tertulia.transcripts.domain import Draft, Transcript, words_to_rows
from tertulia.transcripts.store.tables import SegmentRow, TranscriptRow

_ADD = (
    sql.SQL(
        "with t as ({transcript} on conflict (space_id, kind, source_id) where source_id is not null do nothing"
        " returning id), s as ({segments} where exists (select from t)) select id from t"
    )
    .format(transcript=insert_of(TranscriptRow), segments=insert_of(SegmentRow))
    .as_bytes()
)
_NAMES = [c.name for c in TranscriptRow.__table__.columns]


async def add_whole(tx: Transaction, new: Transcript, said: Sequence[Draft]) -> bool:
    """False when its space has one of that kind and source already."""
    values = {name: getattr(new, name) for name in _NAMES if hasattr(new, name)}
    segments = [
        {
            "transcript_id": new.id,
            "utterance_id": draft.utterance_id,
            "space_id": new.space_id,
            "said_at": new.started_at + timedelta(seconds=draft.start),
            "start_seconds": draft.start,
            "end_seconds": draft.end,
            "speaker": draft.speaker,
            "person": draft.person,
            "channel": draft.channel,
            "text": draft.text,
            "language": draft.language or new.language,
            "confidence": draft.confidence,
            "words": words_to_rows(draft.words),
            "is_final": True,
        }
        for draft in said
    ]
    connection = await tx.raw()
    parameters = (written([values]), written(segments))
    cursor = await connection.execute(_ADD, parameters, prepare=True)
    return await cursor.fetchone() is not None
