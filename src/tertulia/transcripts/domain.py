"""What a transcript is, how its segments replace one another, and what may stand in them."""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any
from uuid import UUID

from tertulia.kernel.errors import (
    InvalidRequestError,
)
from tertulia.speech.domain import Word
from tertulia.speech.formats import clean
from tertulia.speech.redaction import Redaction
from tertulia.transcripts.errors import SegmentTooLongError

READ = "transcripts:read"
WRITE = "transcripts:write"

MOST_TEXT_BYTES = 1_048_576
"""Of one segment. The first 100,000 characters of it are found by searching."""
LONGEST_NAME = 200
LONGEST_TITLE = 300
MOST_TAGS = 50
LONGEST_UTTERANCE_ID = 128

_UTTERANCE_ID = re.compile(r"[A-Za-z0-9._:~@+-]{1,128}")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Kind(StrEnum):
    """The door a conversation came through."""

    VOICE = "voice"
    LIVE = "live"
    CHAT = "chat"
    CALLS = "calls"
    MEETINGS = "meetings"
    FILES = "files"
    IMPORTS = "imports"


class State(StrEnum):
    """An open transcript is still being said; a final one is whole, though it may be edited."""

    OPEN = "open"
    FINAL = "final"


class Outcome(StrEnum):
    """What became of a segment that was handed over."""

    WRITTEN = "written"
    KEPT = "kept"
    """A final of the same utterance was there already, and stays."""
    LATE = "late"
    """A draft for a transcript that is final; it is dropped."""
    MISSING = "missing"
    """The transcript is not there (any more)."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A segment as a door hands it over; times in seconds from the start of the conversation.

    `person` is a reference that follows somebody through all doors; `speaker` what they are called here. Who is
    not known has neither: a speaker is never guessed.
    """

    utterance_id: str
    text: str
    start: float
    end: float
    is_final: bool = True
    speaker: str | None = None
    person: str | None = None
    channel: int | None = None
    language: str | None = None
    confidence: float | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it is kept."""

    transcript_id: UUID
    utterance_id: str
    text: str
    start: float
    end: float
    is_final: bool
    said_at: datetime
    speaker: str | None = None
    person: str | None = None
    channel: int | None = None
    language: str | None = None
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The whole transcript as one JSON file, and which version of it that file holds."""

    blob_id: UUID
    size_bytes: int
    version: int
    ready_at: datetime


@dataclass(frozen=True, slots=True)
class Audio:
    """The recording of a conversation, where there is one."""

    blob_id: UUID
    content_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """One conversation. `version` grows with every change to what a final transcript says."""

    id: UUID
    space_id: UUID
    kind: Kind
    title: str
    state: State
    started_at: datetime
    created_at: datetime
    updated_at: datetime
    source_id: str | None = None
    language: str | None = None
    provider: str | None = None
    ended_at: datetime | None = None
    duration_seconds: float = 0.0
    tags: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    version: int = 1
    document: Document | None = None
    audio: Audio | None = None
    created_by: UUID | None = None

    @property
    def document_is_current(self) -> bool:
        return self.document is not None and self.document.version == self.version


class ReadingStatus(StrEnum):
    """Where a reading stands; a failed one can be asked for again as another."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Reading:
    """One engine's text of a conversation. The first is what its door heard; the current one is what is searched."""

    transcript_id: UUID
    number: int
    """From 1, in the order they were asked for."""
    status: ReadingStatus
    is_current: bool
    created_at: datetime
    id: UUID
    engine_asked: str | None = None
    language_asked: str | None = None
    split: bool = False
    provider: str | None = None
    language: str | None = None
    error: Mapping[str, Any] | None = None
    """Why it failed, as a problem document."""
    created_by: UUID | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody whom a reference follows through the conversations of a space."""

    space_id: UUID
    reference: str
    name: str
    """Empty where nobody has said it."""
    conversations: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Lane:
    """All that one speaker says: how much, and the stretches in which they are heard."""

    speaker: str | None
    person: str | None
    channel: int | None
    segments: int
    seconds: float
    stretches: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change somebody made to a segment."""

    utterance_id: str
    version: int
    """Of the transcript, as this change made it."""
    edited_by: UUID | None
    edited_at: datetime
    text_before: str
    text_after: str
    speaker_before: str | None
    speaker_after: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which transcripts are meant. `spaces` is who may see them, and never empty by accident: none means nothing."""

    spaces: Sequence[UUID]
    kinds: Sequence[Kind] = ()
    languages: Sequence[str] = ()
    tags: Sequence[str] = ()
    speaker: str | None = None
    person: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    shortest_seconds: float | None = None
    longest_seconds: float | None = None
    provider: str | None = None
    transcript_id: UUID | None = None


def replaces(new: Draft, old: Draft) -> bool:
    """Whether `new`, which came later, takes the place of `old` of the same utterance."""
    return not old.is_final


def settled(drafts: Iterable[Draft]) -> dict[str, Draft]:
    """What is left of drafts in the order they came, by utterance."""
    left: dict[str, Draft] = {}
    for draft in drafts:
        known = left.get(draft.utterance_id)
        if known is None or replaces(draft, known):
            left[draft.utterance_id] = draft
    return left


NOTHING_HIDDEN = Redaction()


def tidy(draft: Draft, redaction: Redaction = NOTHING_HIDDEN) -> Draft:
    """The draft as it can be kept: what no database or file takes is left out, what is wrong is refused.

    What must not be stored is masked here, before anything else is done with it.
    """
    if not _UTTERANCE_ID.fullmatch(draft.utterance_id):
        raise InvalidRequestError(
            f"utterance_id: 1 to {LONGEST_UTTERANCE_ID} letters, digits and . _ : ~ @ + - are taken."
        )
    start, end = _seconds(draft.start, "start"), _seconds(draft.end, "end")
    text = tidy_text(draft.text)
    if len(text.encode()) > MOST_TEXT_BYTES:
        raise SegmentTooLongError(
            f"A segment holds at most {MOST_TEXT_BYTES} bytes of text. Hand it over in several."
        )
    if draft.channel is not None and not 0 <= draft.channel < 32_768:
        raise InvalidRequestError("channel: a number from 0 is taken.")
    text, words = redaction.said(text, [_word(word) for word in draft.words])
    return replace(
        draft,
        text=text,
        start=start,
        end=max(start, end),
        speaker=tidy_name(draft.speaker),
        person=tidy_name(draft.person),
        language=tidy_language(draft.language),
        confidence=_share(draft.confidence),
        words=words,
    )


def tidy_text(text: str) -> str:
    """One spelling of every letter, and nothing PostgreSQL or UTF-8 cannot hold."""
    return unicodedata.normalize("NFC", _SURROGATE.sub("", text.replace("\x00", "")))


def tidy_name(name: str | None) -> str | None:
    """A name on one line; None for one that is empty."""
    return clean(tidy_text(name))[:LONGEST_NAME].strip() or None if name else None


def tidy_language(language: str | None) -> str | None:
    """A code in small letters, as in `es` and `es-mx`."""
    code = (tidy_name(language) or "").lower().replace("_", "-")
    return code[:40] or None


def tidy_title(title: str) -> str:
    return clean(tidy_text(title))[:LONGEST_TITLE].strip()


def tidy_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """In order, once each."""
    found = tuple(sorted({tag for raw in tags if (tag := tidy_name(raw))}))
    if len(found) > MOST_TAGS:
        raise InvalidRequestError(f"tags: at most {MOST_TAGS} are taken.")
    return found


def _seconds(value: float, field: str) -> float:
    if not math.isfinite(value) or not 0 <= value <= 10_000_000:
        raise InvalidRequestError(f"{field}: seconds from the start are taken, from 0.")
    return float(value)


def _share(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else min(1.0, max(0.0, value))


def _word(word: Word) -> Word:
    start = word.start if math.isfinite(word.start) else 0.0
    end = word.end if math.isfinite(word.end) else start
    return Word(tidy_text(word.text), start, end, _share(word.confidence))


def words_to_rows(words: Sequence[Word]) -> list[dict[str, Any]] | None:
    """Words as they are kept; None where there are none."""
    return [
        {"text": w.text, "start": w.start, "end": w.end, "confidence": w.confidence} for w in words
    ] or None


def words_from_rows(rows: Sequence[Mapping[str, Any]] | None) -> tuple[Word, ...]:
    return tuple(Word(r["text"], r["start"], r["end"], r.get("confidence")) for r in rows or ())


def realigned(words: Sequence[Word], text: str) -> tuple[Word, ...]:
    """The words of an edited text: those that stayed keep their times, new ones share what lies between."""
    if not words:
        return ()
    said = text.split()
    matcher = SequenceMatcher(None, [w.text.strip() for w in words], said, autojunk=False)
    found: list[Word] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            found += words[a:b]
            continue
        start = words[a].start if a < b else (words[a - 1].end if a else words[0].start)
        end = words[b - 1].end if a < b else (words[a].start if a < len(words) else words[-1].end)
        step = max(0.0, end - start) / max(1, d - c)
        found += [Word(said[c + i], start + i * step, start + (i + 1) * step) for i in range(d - c)]
    return tuple(found)
