"""What a script's language knows by itself: numbers, days, yes and no, and words that mean little."""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

LANGUAGES = ("en", "es", "ru")
"""Languages a script can be in."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of what was said, as it is compared, and where it stands in the text."""

    word: str
    start: int
    end: int


def folded(word: str) -> str:
    """One spelling for comparing: no capitals, no accents; й and ё lose their marks too."""
    decomposed = unicodedata.normalize("NFD", word.casefold().replace("’", "'"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def tokens(text: str) -> list[Token]:
    """The words of a text."""
    return [Token(folded(m[0]), m.start(), m.end()) for m in _WORD.finditer(text)]


def split(text: str) -> tuple[str, ...]:
    """The words alone."""
    return tuple(token.word for token in tokens(text))


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    language: str
    stop: frozenset[str]
    numbers: Mapping[str, int]
    weekdays: Mapping[str, int]
    """Monday is 0."""
    months: Mapping[str, int]
    phrases: Mapping[str, tuple[tuple[str, ...], ...]]
    """By what they mean, as words; the longest first."""
    defaults: Mapping[str, tuple[str, ...]]
    """What is said where a script says nothing of its own."""

    def says(self, meaning: str, said: tuple[str, ...]) -> bool:
        """Whether a phrase of that meaning is in what was said."""
        return any(contains(said, phrase) for phrase in self.phrases[meaning])


def contains(said: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    """Whether the words of `phrase` follow one another in `said`."""
    return find(said, phrase) is not None


def find(said: tuple[str, ...], phrase: tuple[str, ...], start: int = 0) -> int | None:
    """Where the words of `phrase` follow one another."""
    size = len(phrase)
    for at in range(start, len(said) - size + 1):
        if said[at : at + size] == phrase:
            return at
    return None


@functools.cache
def words_of(language: str) -> Words:
    """The words of a language a script can be in."""
    text = resources.files(__package__).joinpath("words", f"{language}.toml").read_text("utf-8")
    data = tomllib.loads(text)
    phrases = {
        meaning: tuple(sorted((split(p) for p in listed), key=len, reverse=True))
        for meaning, listed in data.items()
        if isinstance(listed, list) and meaning not in ("weekdays", "months")
    }
    return Words(
        language=language,
        stop=frozenset(split(data["stop"])),
        numbers={folded(word): value for word, value in data["numbers"].items()},
        weekdays=_places(data["weekdays"]),
        months={word: place + 1 for word, place in _places(data["months"]).items()},
        phrases=phrases,
        defaults={name: tuple(said) for name, said in data["defaults"].items()},
    )


def _places(lists: list[Any]) -> dict[str, int]:
    return {folded(word): place for place, forms in enumerate(lists) for word in forms}
