"""What is done to the words of a reading before anybody sees them."""

import re
from collections.abc import Sequence
from itertools import pairwise

from tertulia.speech.domain import Word
from tertulia.speech.local import Reading

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue", "km", "bo"})
"""Languages written without spaces between words."""

REPEATS = 3
"""A phrase said this often in a row, or a word twice as often, was not said but made up."""
LONGEST_PHRASE = 12
PAUSE_SECONDS = 1.0
SURE_OF_SILENCE = 0.8
UNSURE = 0.35

_MARKS = re.compile(r"[^\w']+", re.UNICODE)


def join(words: Sequence[Word], language: str | None) -> str:
    """The words as text, their punctuation kept."""
    gap = "" if (language or "").split("-")[0] in UNSPACED else " "
    return gap.join(word.text.strip() for word in words if word.text.strip())


def plain(text: str) -> str:
    """A word without case and punctuation, for comparing."""
    return _MARKS.sub("", text.casefold())


def without_loops(words: Sequence[Word]) -> tuple[Word, ...]:
    """Keeps one of a phrase that a decoder got stuck on. What comes again after a pause was said again."""
    kept: list[Word] = []
    keys = [plain(word.text) for word in words]
    at = 0
    while at < len(words):
        size, times = _loop(words, keys, at)
        kept += words[at : at + size]
        at += size * times
    return tuple(kept)


def _loop(words: Sequence[Word], keys: list[str], at: int) -> tuple[int, int]:
    """How long the phrase at `at` is and how often it is repeated, (1, 1) when it is not a loop."""
    for size in range(1, LONGEST_PHRASE + 1):
        phrase = keys[at : at + size]
        times, following = 1, at + size
        while keys[following : following + size] == phrase and not _paused(
            words[following - size : following + size]
        ):
            times, following = times + 1, following + size
        if times >= (2 * REPEATS if size == 1 else REPEATS):
            return size, times
    return 1, 1


def _paused(words: Sequence[Word]) -> bool:
    return any(b.start - a.end >= PAUSE_SECONDS for a, b in pairwise(words))


def invented(reading: Reading) -> bool:
    """Whether the model itself says that nobody spoke, and is not sure of its words either."""
    confidence = reading.confidence if reading.confidence is not None else 0.0
    return reading.no_speech >= SURE_OF_SILENCE and confidence < UNSURE
