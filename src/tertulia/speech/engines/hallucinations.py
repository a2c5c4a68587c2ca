"""Text that a model makes up: what packs too well to have been said, and what it learnt to put over silence."""

import re
import zlib

MAX_COMPRESSION = 2.4
"""Text that packs better than this repeats itself (the figure is OpenAI's)."""

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


def over_silence(text: str) -> bool:
    """Whether the whole text is one of the phrases models put where nobody speaks."""
    return _OVER_SILENCE.fullmatch(text.strip(" .!…,-\"'«»")) is not None
