"""What a person types into the search field, and what is found."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tertulia.kernel.errors import InvalidRequestError
from tertulia.transcripts.domain import Segment, Transcript, tidy_text

LONGEST_QUERY = 500
START, STOP = "\x02", "\x03"
"""Where a found word begins and ends in a text marked by the database."""
SNIPPET_CHARACTERS = 240

_MARK = re.compile("[\u0300-\u036f]")
_BEGINNING = re.compile(r"(?<![\w*])(-?)([^\W_]{2,})\*")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_WORD = re.compile(r"[^\W\d_]")
_NEGATION = re.compile(r'(?:^|\s)-[\w"]')


class Order(StrEnum):
    """How what is found is put in order."""

    RANK = "rank"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Query:
    """A search that cannot be wrong: whatever is not understood is looked for as words.

    Words must all be there; `"a phrase"` as it stands; `or` between words; `-word` must not be; `begin*`
    stands for every word that begins so.
    """

    words: str
    beginnings: tuple[str, ...]
    """Beginnings of words; those that must not be there begin with a dash."""

    @classmethod
    def parse(cls, typed: str) -> "Query":
        typed = tidy_text(typed)[:LONGEST_QUERY]
        typed = _MARK.sub("", typed)
        beginnings: list[str] = []

        def take(found: re.Match[str]) -> str:
            beginnings.append(found[1] + found[2])
            return " "

        outside = [
            part if odd else _BEGINNING.sub(take, part)
            for part, odd in zip(typed.split('"'), _alternating(), strict=False)
        ]
        return cls('"'.join(outside), tuple(beginnings))

    @property
    def is_empty(self) -> bool:
        return not self.beginnings and not any(c.isalnum() for c in self.words)

    @property
    def negates(self) -> bool:
        """Whether something must not be there: then each language has to answer for its own texts."""
        return bool(_NEGATION.search(f" {self.words}")) or any(
            b.startswith("-") for b in self.beginnings
        )

    def tongues(self, languages: Iterable[str] = ()) -> tuple[str, ...]:
        """The stemmers to ask: those of the languages wanted, or those the letters may belong to."""
        wanted = {code.split("-")[0].lower() for code in languages}
        if wanted:
            return tuple(sorted({c if c in ("es", "ru", "en") else "simple" for c in wanted}))
        typed = self.words + "".join(self.beginnings)
        letters = [c for c in typed if _WORD.match(c)]
        cyrillic = sum(1 for c in letters if _CYRILLIC.match(c))
        if letters and cyrillic == len(letters):
            return ("ru", "simple")
        return ("en", "es", "simple") if not cyrillic else ("en", "es", "ru", "simple")


def _alternating() -> Iterator[bool]:
    while True:
        yield False
        yield True


@dataclass(frozen=True, slots=True)
class Mark:
    """A found word in a text: its first character and the one after its last."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A segment that was found, and the conversation it is from."""

    transcript: Transcript
    segment: Segment
    rank: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many conversations have one value."""

    value: str
    number: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What the conversations found have in common; where not `complete`, of the latest of them."""

    conversations: int
    complete: bool
    counts: Mapping[str, tuple[Count, ...]]


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search somebody comes back to: words, and the filters of the search's address."""

    id: UUID
    space_id: UUID
    user_id: UUID
    name: str
    words: str
    filters: Mapping[str, Any]
    is_shared: bool
    """Whether everybody in the space sees it."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HitPosition:
    """A place among the hits, by rank (0 where they are ordered by time) and time."""

    rank: float
    said_at: datetime
    transcript_id: UUID
    utterance_id: str

    @classmethod
    def of(cls, hit: Hit, order: Order) -> "HitPosition":
        rank = hit.rank if order is Order.RANK else 0.0
        return cls(rank, hit.segment.said_at, hit.transcript.id, hit.segment.utterance_id)

    def cursor(self) -> str:
        parts = [self.rank, self.said_at.isoformat(), str(self.transcript_id), self.utterance_id]
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str | None) -> "HitPosition | None":
        """Reads a cursor; one that was not made here is refused."""
        if not cursor:
            return None
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            rank, said_at, transcript_id, utterance_id = json.loads(raw)
            position = cls(
                float(rank), datetime.fromisoformat(said_at), UUID(transcript_id), str(utterance_id)
            )
            usable = position.said_at.tzinfo is not None and "\x00" not in utterance_id
        except (ValueError, TypeError, AttributeError, binascii.Error):
            usable = False
        if not usable:
            raise InvalidRequestError(
                "The cursor is not one this server made. Leave it out to start from the first page."
            )
        return position


def marks_in(text: str, *marked: str | None) -> tuple[Mark, ...]:
    """Where the found words are in `text`, which the database marked in itself and in its folded spelling."""
    found: set[tuple[int, int]] = set()
    for one in marked:
        if one:
            found |= _marks(text, one)
    merged: list[Mark] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1].end:
            merged[-1] = Mark(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(Mark(start, end))
    return tuple(merged)


def _marks(text: str, marked: str) -> set[tuple[int, int]]:
    plain = marked.replace(START, "").replace(STOP, "")
    places = _places(text, plain)
    if places is None:
        return set()
    found, at, start = set(), 0, 0
    for character in marked:
        if character == START:
            start = at
        elif character == STOP:
            if at > start:
                found.add((places[start], places[at - 1] + 1))
        else:
            at += 1
    return found


def _places(text: str, plain: str) -> list[int] | None:
    """For each character of a folded text the place in `text` it comes from; None when that cannot be told."""
    if plain == text[: len(plain)] or len(plain) == len(text):
        return list(range(len(plain)))
    kept = [i for i, c in enumerate(text) if not "\u0300" <= c <= "\u036f"]
    return kept if len(plain) == len(kept) else None


def snippet(text: str, marks: tuple[Mark, ...]) -> tuple[str, tuple[Mark, ...]]:
    """A part of a long text around its first found word, with the marks in that part."""
    if len(text) <= SNIPPET_CHARACTERS:
        return text, marks
    first = marks[0].start if marks else 0
    start = max(0, first - SNIPPET_CHARACTERS // 4)
    while start > 0 and not text[start - 1].isspace() and first - start < SNIPPET_CHARACTERS // 2:
        start -= 1
    end = min(len(text), start + SNIPPET_CHARACTERS)
    lead, tail = "…" if start else "", "…" if end < len(text) else ""
    shift = len(lead) - start
    inside = tuple(
        Mark(m.start + shift, min(m.end, end) + shift) for m in marks if start <= m.start < end
    )
    return lead + text[start:end] + tail, inside
