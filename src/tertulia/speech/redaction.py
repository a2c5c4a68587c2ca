"""What is said and must not be kept: card numbers and configured patterns are masked before anything is stored."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tertulia.kernel.errors import StartError
from tertulia.speech.domain import Recognition, Word

MASK = "••••"
SHORTEST_CARD, LONGEST_CARD = 13, 19

_RUN = re.compile(r"\d(?:[ .\-\u00a0\u2009]?\d)*", re.ASCII)

Span = tuple[int, int]


class Redaction:
    """Masks what is found; false where nothing is to be looked for."""

    def __init__(self, *, cards: bool = False, patterns: Sequence[str] = ()) -> None:
        self._cards = cards
        self._patterns = [_compiled(pattern) for pattern in patterns]

    def __bool__(self) -> bool:
        return self._cards or bool(self._patterns)

    def text(self, text: str) -> str:
        return self.said(text, ())[0]

    def said(self, text: str, words: Sequence[Word]) -> tuple[str, tuple[Word, ...]]:
        """The text, and its words: those of one masked stretch become one."""
        spans = _merged(self._found(text)) if self else []
        if not spans:
            return text, tuple(words)
        return _masked(text, spans), tuple(_masked_words(text, spans, words))

    def recognition(self, found: Recognition) -> Recognition:
        """Everything that was heard in a recording."""
        if not self:
            return found
        segments = []
        for segment in found.segments:
            text, words = self.said(segment.text, segment.words)
            segments.append(replace(segment, text=text, words=words))
        return replace(found, segments=tuple(segments))

    def _found(self, text: str) -> Iterator[Span]:
        if self._cards:
            yield from _cards(text)
        for pattern in self._patterns:
            yield from (found.span() for found in pattern.finditer(text) if found[0])


def _compiled(pattern: str) -> "re.Pattern[str]":
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise StartError(
            f"TERTULIA_REDACT_PATTERNS holds a pattern that is none: {error}. Correct or remove it."
        ) from None


def _cards(text: str) -> Iterator[Span]:
    """Runs of digits, in groups or not, that are as long as a card number and have its check digit."""
    for run in _RUN.finditer(text):
        digits = [i for i in range(*run.span()) if text[i].isdigit()]
        after = 0
        for first in range(len(digits)):
            if first < after or (first and digits[first - 1] == digits[first] - 1):
                continue
            for length in range(LONGEST_CARD, SHORTEST_CARD - 1, -1):
                last = first + length - 1
                if last >= len(digits) or digits[last + 1 : last + 2] == [digits[last] + 1]:
                    continue
                if _checks([int(text[i]) for i in digits[first : last + 1]]):
                    yield digits[first], digits[last] + 1
                    after = last + 1
                    break


def _checks(digits: Sequence[int]) -> bool:
    """Whether the last digit is Luhn's check digit of the others."""
    doubled = [d * 2 - 9 * (d > 4) if i % 2 else d for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0 and any(digits)


def _merged(spans: Iterator[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _masked(text: str, spans: Sequence[Span]) -> str:
    pieces, at = [], 0
    for start, end in spans:
        pieces += [text[at:start], MASK]
        at = end
    return "".join([*pieces, text[at:]])


def _masked_words(text: str, spans: Sequence[Span], words: Sequence[Word]) -> Iterator[Word]:
    at, open_span, masked = 0, -1, None
    for word in words:
        bare = word.text.strip()
        found = text.find(bare, at)
        if found < 0:
            # words that are not those of the text cannot be trusted to hide what it hides
            yield replace(word, text=MASK)
            continue
        start, at = found, found + len(bare)
        hit = next((i for i, (a, b) in enumerate(spans) if a < at and start < b), None)
        if hit is not None and masked is not None and hit == open_span:
            masked = replace(masked, end=max(masked.end, word.end))
            continue
        if masked is not None:
            yield masked
            masked = None
        if hit is None:
            yield word
        else:
            open_span, masked = hit, replace(word, text=MASK)
    if masked is not None:
        yield masked
