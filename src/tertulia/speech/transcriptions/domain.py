"""What a transcription is, the states it goes through, and how its text is written down."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import ConflictError, NotFoundError
from tertulia.speech.domain import Recognition, Segment, Word

Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1."""

ETA_FROM = 0.03
"""Before this share is done, how long the rest takes is anybody's guess."""


class TranscriptionMissingError(NotFoundError):
    """There is no such transcription, or it belongs to somebody else."""

    code = "transcription_missing"
    title = "There is no such transcription"


class TranscriptionUnfinishedError(ConflictError):
    """Its text is asked for before it is there."""

    code = "transcription_unfinished"
    title = "The transcription is not finished"


class Status(StrEnum):
    """Where a transcription stands. A failed or finished one stays what it is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (Status.DONE, Status.FAILED)


DONE = "transcription.done"
FAILED = "transcription.failed"

OUTSIDE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    DONE: (
        "A recording has been read. Fetch its text at /api/transcribe/{id}.",
        {
            "id": "0199d3a0-0000-7000-8000-000000000000",
            "language": "es",
            "duration_seconds": 61.5,
            "provider": "whisper",
        },
    ),
    FAILED: (
        "A recording could not be read.",
        {"id": "0199d3a0-0000-7000-8000-000000000000", "code": "audio_unreadable"},
    ),
}
"""What those outside may ask to be told; the text itself and the file's name stay here."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a recording is to be read. Without an engine the server's own choice reads it."""

    engine: str | None = None
    language: str | None = None
    split: bool = False
    """Whether every channel is one speaker and is read on its own."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a transcription is: somebody in a space."""

    space_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Transcription:
    """One recording on its way to text; `provider` is the chain tried, as in `gladia|whisper`."""

    id: UUID
    owner: Owner
    name: str
    blob_id: UUID | None
    wishes: Wishes
    status: Status
    progress: float
    created_at: datetime
    started_at: datetime | None = None
    progressed_at: datetime | None = None
    finished_at: datetime | None = None
    provider: str | None = None
    language: str | None = None
    duration_seconds: float | None = None
    error: Mapping[str, Any] | None = None
    """Why it failed, as a problem document."""

    def eta_seconds(self, now: datetime) -> float | None:
        """How long it will still take, by what the share that is done took."""
        if self.status is not Status.RUNNING or self.progress < ETA_FROM:
            return None
        if self.started_at is None or self.progressed_at is None:
            return None
        took = (self.progressed_at - self.started_at).total_seconds()
        left = took * (1 - self.progress) / self.progress
        return max(0.0, left - (now - self.progressed_at).total_seconds())


class RecordingReader(Protocol):
    """Audio in a file to text."""

    def chain(self, wishes: Wishes) -> str:
        """The engines that would read it, in order and separated by commas."""
        ...

    async def read(self, source: Path, wishes: Wishes, progress: Progress) -> Recognition: ...


class Hall(Protocol):
    """Where what was read joins all other conversations, under the id of its recording; transcripts/ does it."""

    async def keep(self, tx: Transaction, done: Transcription, text: Recognition) -> None:
        """Takes in what was read; the recording goes with it while it is kept."""
        ...

    async def let_go(self, tx: Transaction, id_: UUID) -> None:
        """Removes it again, if it is still there."""
        ...


def segments_to_rows(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    """Segments as they are stored and sent."""
    return [
        {
            "text": s.text,
            "start": s.start,
            "end": s.end,
            "speaker": s.speaker,
            "channel": s.channel,
            "language": s.language,
            "confidence": s.confidence,
            "words": [
                {"text": w.text, "start": w.start, "end": w.end, "confidence": w.confidence}
                for w in s.words
            ],
        }
        for s in segments
    ]


def segments_from_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[Segment, ...]:
    return tuple(
        Segment(**{**row, "words": tuple(Word(**w) for w in row["words"])}) for row in rows
    )
