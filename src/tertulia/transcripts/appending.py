"""Segments on their way into the table: what many sessions say, in one statement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import Draft, Outcome, State, settled, words_to_rows
from tertulia.transcripts.store import Known, SegmentStore, TranscriptStore

SEGMENTS = "transcript.segments"
"""The event that tells of segments that were written."""
CHANGED = "transcript.changed"
"""The event that tells that a transcript or something in it is another."""

MOST_TOLD_CHARACTERS = 4_000
"""Past it an event names its segments without their text: they are there to be read."""

Drafts = Mapping[UUID, Sequence[Draft]]
Outcomes = dict[tuple[UUID, str], Outcome]


class Announcer(Protocol):
    """Tells every node that listens; events/ does it."""

    async def publish(
        self, tx: Transaction, topic: str, type_: str, data: Mapping[str, Any] | None = None
    ) -> object: ...

    def publish_now(
        self, topic: str, type_: str, data: Mapping[str, Any] | None = None
    ) -> object: ...


@dataclass(frozen=True, slots=True)
class Silent:
    """Tells nobody: for commands and benchmarks."""

    async def publish(
        self, tx: Transaction, topic: str, type_: str, data: Mapping[str, Any] | None = None
    ) -> None:
        return None

    def publish_now(self, topic: str, type_: str, data: Mapping[str, Any] | None = None) -> None:
        return None


def topic_of(transcript_id: UUID) -> str:
    """Where those listen who follow one transcript."""
    return f"transcript:{transcript_id}"


class Appending:
    """Writes drafts of any number of transcripts in one statement, and tells of them once they are durable."""

    def __init__(self, clock: Clock, announcer: Announcer) -> None:
        self._transcripts = TranscriptStore()
        self._segments = SegmentStore()
        self._clock = clock
        self._announcer = announcer

    async def append(self, tx: Transaction, drafts: Drafts) -> Outcomes:
        """What became of each utterance, once `tx` is committed."""
        known = await self._transcripts.known(tx, list(drafts))
        outcomes: Outcomes = {}
        rows: list[tuple[Any, ...]] = []
        offered: dict[UUID, dict[str, Draft]] = {}
        for id_, of_one in drafts.items():
            left = settled(of_one)
            there = known.get(id_)
            for utterance_id, draft in left.items():
                outcomes[id_, utterance_id] = _refusal(there, draft) or Outcome.KEPT
                if there is not None and _refusal(there, draft) is None:
                    rows.append(_row(id_, there, draft))
            offered[id_] = left
        # every process locks rows in the same order, so that two of them never wait for each other
        rows.sort(key=lambda row: (row[0], row[1]))
        written = await self._segments.append(tx, rows)
        outcomes.update(dict.fromkeys(written, Outcome.WRITTEN))
        grown = [i for i in {id_ for id_, _ in written} if known[i].state == State.FINAL]
        if grown:
            await self._transcripts.grew(tx, grown, self._clock.now())
        tx.after_commit(lambda: self._tell(offered, written))
        return outcomes

    def _tell(
        self, offered: Mapping[UUID, Mapping[str, Draft]], written: set[tuple[UUID, str]]
    ) -> None:
        by_transcript: dict[UUID, list[Draft]] = {}
        for id_, utterance_id in written:
            by_transcript.setdefault(id_, []).append(offered[id_][utterance_id])
        for id_, drafts in by_transcript.items():
            self._announcer.publish_now(topic_of(id_), SEGMENTS, _told(id_, drafts))


def _refusal(known: Known | None, draft: Draft) -> Outcome | None:
    if known is None:
        return Outcome.MISSING
    return Outcome.LATE if known.state == State.FINAL and not draft.is_final else None


def _row(id_: UUID, known: Known, draft: Draft) -> tuple[Any, ...]:
    words = words_to_rows(draft.words)
    return (
        id_,
        draft.utterance_id,
        known.space_id,
        known.started_at + timedelta(seconds=draft.start),
        draft.start,
        draft.end,
        draft.speaker,
        draft.person,
        draft.channel,
        draft.text,
        draft.language or known.language,
        draft.confidence,
        None if words is None else json.dumps(words, ensure_ascii=False),
        draft.is_final,
    )


def _told(id_: UUID, drafts: Sequence[Draft]) -> dict[str, Any]:
    drafts = sorted(drafts, key=lambda d: (d.start, d.utterance_id))
    small = sum(len(d.text) for d in drafts) <= MOST_TOLD_CHARACTERS
    return {
        "transcript_id": str(id_),
        "segments": [
            {
                "utterance_id": d.utterance_id,
                "is_final": d.is_final,
                "start": d.start,
                "end": d.end,
                "speaker": d.speaker,
                "person": d.person,
                "text": d.text if small else None,
            }
            for d in drafts
        ],
    }
