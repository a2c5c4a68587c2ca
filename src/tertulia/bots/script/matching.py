"""Which intent is meant: by the words that matter, in any order, heard well or nearly."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from tertulia.bots.script.format import Intent
from tertulia.bots.script.vocabulary import Token, Words, contains, split, tokens

ENOUGH = 0.66
"""Of a phrase's weight must be heard for it to be meant."""
CLEARLY = 0.9
"""In the middle of a form something else is meant only when it is said this clearly."""
LITTLE = 0.15
"""What a word like `the` weighs against one that carries the meaning."""
SIMILAR = 0.82
"""From here on two words may be the same one, misheard or in another form."""

_CAPTURE = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")


@dataclass(frozen=True, slots=True)
class Match:
    """The intent that is meant, how surely, and the words it caught."""

    intent: Intent
    score: float
    caught: Mapping[str, str] = field(default_factory=dict)


def best(intents: Sequence[Intent], said: str, words: Words) -> Match | None:
    """The intent that what was said fits best; the earlier one of two that fit alike."""
    heard = tokens(said)
    found: Match | None = None
    for intent in intents:
        for phrase in intent.when:
            match = _match(intent, phrase, said, heard, words)
            if match is not None and (found is None or match.score > found.score):
                found = match
    return found if found is not None and found.score >= ENOUGH else None


def _match(
    intent: Intent, phrase: str, said: str, heard: Sequence[Token], words: Words
) -> Match | None:
    if _CAPTURE.search(phrase):
        caught = _caught(phrase, said, heard)
        return None if caught is None else Match(intent, 1.0, caught)
    wanted = split(phrase)
    spoken = tuple(token.word for token in heard)
    if not wanted or not spoken:
        return None
    if contains(spoken, wanted):
        # of two phrases that are both there, the longer one says more
        return Match(intent, 1.0 + len(wanted) / 1000)
    return Match(intent, _likeness(wanted, spoken, words.stop))


def _likeness(wanted: tuple[str, ...], spoken: tuple[str, ...], stop: frozenset[str]) -> float:
    """The share of the phrase's weight that was said, in whatever order."""
    total = heard = 0.0
    for word in wanted:
        weight = LITTLE if word in stop else 1.0
        total += weight
        heard += weight * max(_alike(word, other) for other in spoken)
    return heard / total


@functools.lru_cache(maxsize=65_536)
def _alike(one: str, other: str) -> float:
    """1 for the same word, less for another form of it or one that sounds like it, 0 for another."""
    if one == other:
        return 1.0
    if min(len(one), len(other)) < 4:
        return 0.0
    shared = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    if shared >= 4 and shared >= max(len(one), len(other)) - 3:
        return 0.9
    ratio = SequenceMatcher(None, one, other, autojunk=False).ratio()
    return ratio if ratio >= SIMILAR else 0.0


def _caught(phrase: str, said: str, heard: Sequence[Token]) -> dict[str, str] | None:
    """The words that stand where the phrase has a name; None where the rest of it was not said."""
    parts = _CAPTURE.split(phrase)
    fixed, names = [split(part) for part in parts[::2]], parts[1::2]
    spoken = tuple(token.word for token in heard)
    at = 0
    caught: dict[str, str] = {}
    for number, literal in enumerate(fixed):
        place = _next(spoken, literal, at)
        if place is None:
            return None
        if number:
            first, last = at, place if literal else len(heard)
            if first >= last:
                return None
            caught[names[number - 1]] = said[heard[first].start : heard[last - 1].end]
        at = place + len(literal)
    return caught


def _next(spoken: tuple[str, ...], literal: tuple[str, ...], at: int) -> int | None:
    for place in range(at, len(spoken) - len(literal) + 1):
        if spoken[place : place + len(literal)] == literal:
            return place
    return None
