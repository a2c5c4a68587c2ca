"""Text that a model makes up: loops, and what it learnt to put over silence."""

import re
import zlib
from collections.abc import Sequence

MAX_COMPRESSION = 2.4
"""Text that packs better than this repeats itself (the figure is OpenAI's)."""
_LONGEST_PHRASE = 12
_REPEATS = {1: 6, 2: 4}
_REPEATS_OF_LONGER = 3

_OVER_SILENCE = re.compile(
    r"(?:thanks?(?: you)?(?: so much| very much)? for (?:watching|listening)(?: and.*)?"
    r"|please (?:like and )?subscribe.*|subtitles by.*|transcri(?:bed|ption) by.*|(?:www\.)?amara\.org.*"
    r"|subt[ií]tulos (?:realizados|por|creados).*|(?:muchas )?gracias por (?:ver|mirar)(?: el v[ií]deo)?.*"
    r"|suscr[ií]bete.*|субтитры.*|редактор субтитров.*|продолжение следует|спасибо за (?:просмотр|внимание)"
    r"|подпис(?:ывайтесь|ка) на (?:мой |наш )?канал.*|спасибо за субтитры.*|you)",
    re.IGNORECASE,
)


def compression(text: str) -> float:
    """How much smaller the text packs: ordinary speech stays near 1 to 2."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def without_loops(words: Sequence[str]) -> list[int]:
    """The places of the words to keep: a phrase said over and over is kept once."""
    plain = [_plain(word) for word in words]
    kept: list[int] = []
    place = 0
    while place < len(plain):
        size, repeats = _loop_at(plain, place)
        kept += range(place, place + (size or 1))
        place += size * repeats if size else 1
    return kept


def loops(words: Sequence[str]) -> bool:
    """Whether a phrase is said over and over."""
    return len(without_loops(words)) < len(words)


def over_silence(text: str) -> bool:
    """Whether the whole text is one of the phrases models put where nobody speaks."""
    return _OVER_SILENCE.fullmatch(text.strip(" .!…,-\"'«»")) is not None


def _loop_at(words: list[str], start: int) -> tuple[int, int]:
    """Size of the phrase that repeats from `start` on and how often it comes; 0 where none does."""
    for size in range(1, min(_LONGEST_PHRASE, (len(words) - start) // 2) + 1):
        phrase = words[start : start + size]
        repeats = 1
        while words[start + repeats * size : start + (repeats + 1) * size] == phrase:
            repeats += 1
        if repeats >= _REPEATS.get(size, _REPEATS_OF_LONGER):
            return size, repeats
    return 0, 1


def _plain(word: str) -> str:
    return word.strip(" .,!?…;:-\"'«»¿¡").lower()
