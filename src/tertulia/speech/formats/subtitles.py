"""Subtitles: srt and vtt."""

import html
from collections.abc import Iterable, Iterator, Sequence

from tertulia.speech.domain import Word
from tertulia.speech.formats.lines import About, Line, Plain, clean, clock, who

LINE_CHARACTERS = 42
"""What fits one line of a subtitle."""
CUE_CHARACTERS = 2 * LINE_CHARACTERS
CUE_SECONDS = 7.0
SHORTEST_CUE_SECONDS = 0.001

Cue = tuple[str, float, float, str | None]
"""What is shown, from when until when, and who says it."""


class Srt(Plain):
    """Numbered cues."""

    def __init__(self) -> None:
        self._number = 0

    def part(self, lines: Iterable[Line]) -> bytes:
        made: list[str] = []
        number = self._number
        for text, start, end, name in _cues(lines):
            number += 1
            # an arrow inside the text would be read as the next cue's times
            said = text.replace("-->", "→")
            shown = _wrapped(f"{name}: {said}" if name else said)
            apart = "\n" if number > 1 else ""
            made.append(f"{apart}{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{shown}\n")
        self._number = number
        return "".join(made).encode()


class Vtt(Plain):
    """Cues with voices."""

    def head(self, about: About) -> bytes:
        return b"WEBVTT\n"

    def part(self, lines: Iterable[Line]) -> bytes:
        made: list[str] = []
        for text, start, end, name in _cues(lines):
            voice = f"<v {html.escape(name, quote=False).replace('&gt;', '')}>" if name else ""
            shown = _wrapped(html.escape(text, quote=False))
            made.append(f"\n{clock(start)} --> {clock(end)}\n{voice}{shown}\n")
        return "".join(made).encode()


def _cues(lines: Iterable[Line]) -> Iterator[Cue]:
    """Lines short enough to read, each with some length; long ones are cut between words."""
    for text, start, end, words, _, _, speaker, channel in lines:
        said = clean(text)
        if not said:
            continue
        name = who(speaker, channel)
        if is_short(said, start, end):
            yield said, start, max(end, start + SHORTEST_CUE_SECONDS), name
            continue
        for shown, first, last in _cut(words) if words else _spread(said, start, end):
            yield shown, first, max(last, first + SHORTEST_CUE_SECONDS), name


def is_short(said: str, start: float, end: float) -> bool:
    """Whether it can be read as one cue."""
    return len(said) <= CUE_CHARACTERS and end - start <= CUE_SECONDS


def _cut(words: Sequence[Word]) -> Iterator[tuple[str, float, float]]:
    """Pieces that end with a word, when their words were said."""
    for piece in _together(words):
        shown = clean(" ".join(word.text.strip() for word in piece))
        yield shown, piece[0].start, piece[-1].end


def _together(words: Sequence[Word]) -> Iterator[list[Word]]:
    held: list[Word] = []
    length = 0
    for word in words:
        if held and (
            length + len(word.text) > CUE_CHARACTERS or word.end - held[0].start > CUE_SECONDS
        ):
            yield held
            held, length = [], 0
        held.append(word)
        length += len(word.text) + 1
    if held:
        yield held


def _spread(said: str, start: float, end: float) -> Iterator[tuple[str, float, float]]:
    """Pieces that end with a word, in time by their length, where the engine gave no times."""
    pace = (end - start) / len(said)
    most = min(CUE_CHARACTERS, max(1, int(CUE_SECONDS / pace))) if pace else CUE_CHARACTERS
    at = 0
    while len(said) - at > most:
        cut = said.rfind(" ", at, at + most + 1)
        if cut < 0:
            # a word that is longer than a cue stays whole
            cut = said.find(" ", at + most)
        if cut < 0:
            break
        yield said[at:cut], start + at * pace, start + cut * pace
        at = cut + 1
    yield said[at:], start + at * pace, end


def _wrapped(text: str) -> str:
    """Two lines of about the same length, when one is too long."""
    if len(text) <= LINE_CHARACTERS:
        return text
    middle = len(text) / 2
    left, right = text.rfind(" ", 0, int(middle) + 1), text.find(" ", int(middle) + 1)
    if left < 0 and right < 0:
        return text
    nearer_left = right < 0 or (left >= 0 and middle - left <= right - middle)
    place = left if nearer_left else right
    return f"{text[:place]}\n{text[place + 1 :]}"
