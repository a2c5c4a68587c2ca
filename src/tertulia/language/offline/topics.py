"""What a conversation is about: the words, and pairs of them, that come again."""

from collections import Counter
from collections.abc import Sequence

from tertulia.language.offline.text import Lexicon, Sentence, words

MOST = 8
PAIR = 1.6
"""A pair says more than its words."""


def topics(lex: Lexicon, sentences: Sequence[Sentence]) -> list[str]:
    """The weightiest first; each as it was most often said."""
    counts: Counter[tuple[str, ...]] = Counter()
    shown: dict[tuple[str, ...], Counter[str]] = {}
    for sentence in sentences:
        for key, surface in _candidates(lex, sentence.text):
            counts[key] += 1
            shown.setdefault(key, Counter())[surface] += 1
    least = 2 if sum(counts.values()) > 60 else 1
    weighed = {
        key: n * (PAIR if len(key) == 2 else 1.0) * min(1.0, sum(map(len, key)) / 5)
        for key, n in counts.items()
        if n >= (2 if len(key) == 2 else least)
    }
    found: list[str] = []
    used: set[str] = set()
    for key in sorted(weighed, key=lambda k: (-weighed[k], k)):
        if used & set(key):
            continue
        used |= set(key)
        found.append(shown[key].most_common(1)[0][0])
        if len(found) == MOST:
            break
    return found


def short(lex: Lexicon, text: str, most: int = 6) -> str:
    """A few words of a sentence that say what it is about."""
    kept = [w for w in words(text) if lex.means(w) and not w.isdigit()]
    return " ".join(kept[:most])


def _candidates(lex: Lexicon, text: str) -> list[tuple[tuple[str, ...], str]]:
    found: list[tuple[tuple[str, ...], str]] = []
    before: tuple[str, str] | None = None
    for word in words(text):
        if not lex.means(word) or word[0].isdigit() or len(word) < 3:
            before = None
            continue
        stem = lex.stem(word)
        if stem in lex.positive or stem in lex.negative:
            before = None
            continue
        found.append(((stem,), word))
        if before is not None and before[0] != stem:
            found.append(((before[0], stem), f"{before[1]} {word}"))
        before = (stem, word)
    return found
