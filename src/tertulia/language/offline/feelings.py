"""Feelings by a lexicon: how those who came with something sound at first and in the end."""

from collections.abc import Sequence
from dataclasses import dataclass

from tertulia.language.offline.text import Lexicon, Said, words

REACH = 3
"""Words a negation turns round, or an intensifier makes stronger."""
STRONG = 1.5
NEUTRAL = 0.15
"""Below it nothing is felt."""


@dataclass(frozen=True, slots=True)
class Feeling:
    """`positive`, `neutral` or `negative`, from -1 to 1, and the number of what it rests on most."""

    label: str
    score: float
    number: int | None = None


def score(lex: Lexicon, text: str) -> float:
    """From -1 to 1; 0 where no word is felt."""
    found = words(text)
    total, felt = 0.0, 0
    for at, word in enumerate(found):
        stem = lex.stem(word)
        value = 1.0 if stem in lex.positive else -1.0 if stem in lex.negative else 0.0
        if not value:
            continue
        before = found[max(0, at - REACH) : at]
        if (
            any(w in lex.negations or w.endswith("n't") for w in before)
            and word not in lex.negations
        ):
            value *= -0.75
        if any(w in lex.intensifiers for w in before):
            value *= STRONG
        total += value
        felt += 1
    return max(-1.0, min(1.0, total / (felt + 1))) if felt else 0.0


def course(lex: Lexicon, said: Sequence[Said]) -> tuple[Feeling, Feeling]:
    """The feeling at first and in the end, of those who were not there to help."""
    asking = [one for one in said if not is_agent(lex, one.speaker)] or list(said)
    third = max(1, round(len(asking) / 3))
    return _feeling(lex, asking[:third]), _feeling(lex, asking[-third:], last=True)


def is_agent(lex: Lexicon, speaker: str | None) -> bool:
    return any(lex.stem(word) in lex.agents for word in words(speaker or ""))


def _feeling(lex: Lexicon, said: Sequence[Said], *, last: bool = False) -> Feeling:
    """What comes later counts more of the end, what comes first more of the beginning."""
    scored = [(score(lex, one.text), one.number) for one in said]
    felt = [(value, number) for value, number in scored if value]
    if not felt:
        return Feeling("neutral", 0.0)
    ordered = felt if last else felt[::-1]
    shares = [1.0 + place / len(ordered) for place in range(len(ordered))]
    mean = sum(s * v for s, (v, _) in zip(shares, ordered, strict=True)) / sum(shares)
    label = "neutral" if abs(mean) < NEUTRAL else "positive" if mean > 0 else "negative"
    strongest = max(felt, key=lambda item: item[0] * (1 if mean > 0 else -1))
    return Feeling(label, round(mean, 3), strongest[1] if label != "neutral" else None)
