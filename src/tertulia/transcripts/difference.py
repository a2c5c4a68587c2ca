"""Where two texts of one conversation differ, word by word."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from tertulia.transcripts.domain import Segment

WINDOW_WORDS = 120
"""After so many words a place is looked for at which both texts agree; comparing is quadratic in between."""
LONGEST_WINDOW_WORDS = 480
CLOSE_SECONDS = 1.0
"""How far apart two engines may hear the same word."""

_EDGES = re.compile(r"^\W+|\W+$")


class Change(StrEnum):
    """What became of words between one text and the other."""

    SAME = "same"
    REPLACED = "replaced"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Said:
    """One word and when it is heard."""

    text: str
    start: float
    end: float

    @property
    def bare(self) -> str:
        """Without case and punctuation, which no two engines agree about."""
        return _EDGES.sub("", self.text).casefold() or self.text


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words: as the one text has it, as the other has it, and when that is heard."""

    change: Change
    before: str
    after: str
    start: float
    end: float
    words_before: int
    words_after: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Two texts side by side."""

    pieces: tuple[Piece, ...]

    def words(self, change: Change) -> int:
        """How many words that became of: those of the longer side."""
        return sum(max(p.words_before, p.words_after) for p in self.pieces if p.change is change)

    @property
    def agreement(self) -> float:
        """The share of words that are the same in both, 0 to 1; 1 for two empty texts."""
        whole = sum(max(p.words_before, p.words_after) for p in self.pieces)
        return self.words(Change.SAME) / whole if whole else 1.0


def words_of(segments: Sequence[Segment]) -> list[Said]:
    """Every word in the order of time; of a segment without words they share its time evenly."""
    found: list[Said] = []
    for segment in segments:
        if segment.words:
            found += [Said(w.text.strip(), w.start, w.end) for w in segment.words if w.text.strip()]
            continue
        texts = segment.text.split()
        step = (segment.end - segment.start) / max(1, len(texts))
        found += [
            Said(text, segment.start + i * step, segment.start + (i + 1) * step)
            for i, text in enumerate(texts)
        ]
    return sorted(found, key=lambda word: (word.start, word.end))


def difference(before: Sequence[Said], after: Sequence[Said]) -> Difference:
    """Compares two texts; takes a while for a long one, so call it in a thread."""
    pieces: list[Piece] = []
    for old, new in _windows(before, after):
        for piece in _pieces(old, new):
            if pieces and pieces[-1].change is piece.change:
                pieces[-1] = _joined(pieces[-1], piece)
            else:
                pieces.append(piece)
    return Difference(tuple(pieces))


def _windows(
    before: Sequence[Said], after: Sequence[Said]
) -> Iterator[tuple[Sequence[Said], Sequence[Said]]]:
    """Both texts cut at places where they agree."""
    a = b = 0
    while a < len(before) or b < len(after):
        cut_a, cut_b = _cut(before, after, a, b)
        yield before[a:cut_a], after[b:cut_b]
        a, b = cut_a, cut_b


def _cut(before: Sequence[Said], after: Sequence[Said], a: int, b: int) -> tuple[int, int]:
    """The next place at which two words in a row are the same at the same time, or else the same time."""
    last = min(len(before), a + LONGEST_WINDOW_WORDS)
    for at in range(a + WINDOW_WORDS, last - 1):
        for other in range(_first_from(after, before[at].start - CLOSE_SECONDS, b), len(after) - 1):
            if after[other].start > before[at].start + CLOSE_SECONDS:
                break
            if (
                before[at].bare == after[other].bare
                and before[at + 1].bare == after[other + 1].bare
            ):
                return at, other
    if last < len(before):
        return last, _first_from(after, before[last].start, b)
    rest = min(len(after), b + LONGEST_WINDOW_WORDS)
    return len(before), rest if a == len(before) else len(after)


def _first_from(words: Sequence[Said], seconds: float, low: int) -> int:
    high = len(words)
    while low < high:
        middle = (low + high) // 2
        if words[middle].start < seconds:
            low = middle + 1
        else:
            high = middle
    return low


_CHANGES = {
    "equal": Change.SAME,
    "replace": Change.REPLACED,
    "insert": Change.ADDED,
    "delete": Change.REMOVED,
}


def _pieces(before: Sequence[Said], after: Sequence[Said]) -> Iterator[Piece]:
    bare = [w.bare for w in before], [w.bare for w in after]
    for tag, a, b, c, d in SequenceMatcher(None, *bare, autojunk=False).get_opcodes():
        old, new = before[a:b], after[c:d]
        heard = [*old, *new]
        yield Piece(
            _CHANGES[tag],
            " ".join(w.text for w in old),
            " ".join(w.text for w in new),
            min(w.start for w in heard),
            max(w.end for w in heard),
            len(old),
            len(new),
        )


def _joined(one: Piece, other: Piece) -> Piece:
    return Piece(
        one.change,
        f"{one.before} {other.before}".strip(),
        f"{one.after} {other.after}".strip(),
        min(one.start, other.start),
        max(one.end, other.end),
        one.words_before + other.words_before,
        one.words_after + other.words_after,
    )
