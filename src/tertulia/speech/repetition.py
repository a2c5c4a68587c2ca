"""Phrases that a decoder got stuck on: found, and kept once."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

REPEATS = 3
"""A phrase said this often in a row, or a word twice as often, was not said but made up."""
LONGEST_PHRASE = 12
PAUSE_SECONDS = 1.0

_MARKS = re.compile(r"[^\w']+", re.UNICODE)


class Spoken(Protocol):
    """A word and when it was said, in seconds."""

    @property
    def text(self) -> str: ...

    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...


W = TypeVar("W", bound=Spoken)


def plain(text: str) -> str:
    """A word without case and punctuation, for comparing."""
    return _MARKS.sub("", text.casefold())


def without_loops(words: Sequence[W]) -> tuple[W, ...]:
    """Keeps one of a phrase that a decoder got stuck on. What comes again after a pause was said again."""

    def paused(start: int, end: int) -> bool:
        return any(b.start - a.end >= PAUSE_SECONDS for a, b in pairwise(words[start:end]))

    return tuple(words[place] for place in _kept([word.text for word in words], paused))


def loops(words: Sequence[str]) -> bool:
    """Whether a phrase is said over and over, in words without times."""
    return len(_kept(words, lambda _start, _end: False)) < len(words)


def _kept(words: Sequence[str], paused: Callable[[int, int], bool]) -> list[int]:
    """The places of the words to keep; `paused` says whether a pause lies in the words of a range."""
    keys = [plain(word) for word in words]
    kept: list[int] = []
    at = 0
    while at < len(keys):
        size, times = _loop(keys, at, paused)
        kept += range(at, at + size)
        at += size * times
    return kept


def _loop(keys: list[str], at: int, paused: Callable[[int, int], bool]) -> tuple[int, int]:
    """How long the phrase at `at` is and how often it is repeated, (1, 1) when it is not a loop."""
    for size in range(1, LONGEST_PHRASE + 1):
        phrase = keys[at : at + size]
        times, following = 1, at + size
        while keys[following : following + size] == phrase and not paused(
            following - size, following + size
        ):
            times, following = times + 1, following + size
        if times >= (2 * REPEATS if size == 1 else REPEATS):
            return size, times
    return 1, 1
