"""What an erasure leaves behind, and the rules by which time erases."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Reason(StrEnum):
    """Why something was erased: somebody asked, a person is to be forgotten, or its time was over."""

    ASKED = "asked"
    PERSON = "person"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure took, without a word of it. Of a person it knows only a digest, made with the receipt's id."""

    id: UUID
    space_id: UUID
    reason: Reason
    erased_at: datetime
    transcript_ids: tuple[UUID, ...]
    counts: Mapping[str, int]
    asked_by: UUID | None = None
    person_sha256: str | None = None

    def is_of(self, person: str) -> bool:
        """Whether it is this person's."""
        return self.person_sha256 == person_digest(self.id, person)


def person_digest(receipt_id: UUID, person: str) -> str:
    """What a receipt keeps of a person: enough to show them that it is theirs, to nobody else anything."""
    return hashlib.sha256(receipt_id.bytes + person.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a space keeps conversations of a kind, and their recordings; None is for ever."""

    space_id: UUID
    kind: str | None
    """None stands for every kind that has no rule of its own."""
    transcript_days: int | None
    audio_days: int | None
