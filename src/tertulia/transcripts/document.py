"""A whole transcript as one JSON document, made piece by piece so that a million segments need no memory."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import Segment, Transcript, words_to_rows
from tertulia.transcripts.store import SegmentStore
from tertulia.transcripts.store.segments import Place

PIECE = 1_000
"""Segments read at once."""

FORMAT = "tertulia.transcript/1"


async def all_segments(
    store: SegmentStore, tx: Transaction, transcript: Transcript
) -> AsyncIterator[Sequence[Segment]]:
    """Every final segment in order, a piece at a time."""
    after: Place | None = None
    while True:
        piece = await store.list(tx, transcript.id, after, PIECE, only_final=True)
        if piece:
            yield piece
        if len(piece) < PIECE:
            return
        after = (piece[-1].start, piece[-1].utterance_id)


async def document(
    transcript: Transcript, pieces: AsyncIterator[Sequence[Segment]]
) -> AsyncIterator[bytes]:
    """The JSON in pieces."""
    head = json.dumps(_head(transcript), ensure_ascii=False, separators=(",", ":"))
    yield f'{head[:-1]},"segments":['.encode()
    first = True
    async for piece in pieces:
        text = ",".join(
            json.dumps(_segment(s), ensure_ascii=False, separators=(",", ":")) for s in piece
        )
        yield (text if first else f",{text}").encode()
        first = False
    yield b"]}\n"


def _head(t: Transcript) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "id": str(t.id),
        "kind": t.kind.value,
        "source_id": t.source_id,
        "title": t.title,
        "language": t.language,
        "provider": t.provider,
        "started_at": t.started_at.isoformat(),
        "ended_at": t.ended_at.isoformat() if t.ended_at else None,
        "duration_seconds": t.duration_seconds,
        "tags": list(t.tags),
        "people": list(t.people),
        "version": t.version,
    }


def _segment(s: Segment) -> dict[str, Any]:
    known = {
        "utterance_id": s.utterance_id,
        "start": s.start,
        "end": s.end,
        "text": s.text,
        "speaker": s.speaker,
        "person": s.person,
        "channel": s.channel,
        "language": s.language,
        "confidence": s.confidence,
        "edited_at": s.edited_at.isoformat() if s.edited_at else None,
        "words": words_to_rows(s.words),
    }
    return {key: value for key, value in known.items() if value is not None}
