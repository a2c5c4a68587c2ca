"""What every format is made of: a recognition as lines, and a writer that takes them piece by piece."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Protocol, cast

from tertulia.speech.domain import Recognition, Segment, Word

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffe\uffff]|[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")

Line = tuple[str, float, float, Sequence[Word], str | None, float | None, str | None, int | None]
"""A segment's text, start, end, words, language, confidence, speaker and channel: what `Segment` holds, in its
order, at a tenth of the cost where there are a million of them."""

_FIELDS = attrgetter(
    "text", "start", "end", "words", "language", "confidence", "speaker", "channel"
)


@dataclass(frozen=True, slots=True)
class About:
    """What a file says of the whole recording."""

    language: str | None
    duration_seconds: float
    provider: str
    elapsed_ms: int = 0

    @classmethod
    def of(cls, recognition: Recognition) -> "About":
        r = recognition
        return cls(r.language, r.duration_seconds, r.provider, r.elapsed_ms)

    @property
    def facts(self) -> str:
        """Length, language and engine on one line."""
        facts = [clock(self.duration_seconds)[:8], self.language, self.provider]
        return " · ".join(fact for fact in facts if fact)


class Writer(Protocol):
    """One file in the making: its head, its lines in as many pieces as one likes, its tail.

    Lines come in the order of time. Where `twice` is true, all of them go through `before` first.
    """

    twice: bool

    def head(self, about: About) -> bytes: ...

    def before(self, lines: Iterable[Line]) -> bytes: ...

    def part(self, lines: Iterable[Line]) -> bytes: ...

    def tail(self) -> bytes: ...


class Plain:
    """What most formats leave out."""

    twice = False

    def head(self, about: About) -> bytes:
        return b""

    def before(self, lines: Iterable[Line]) -> bytes:
        return b""

    def tail(self) -> bytes:
        return b""


def lines_of(recognition: Recognition) -> list[Line]:
    """The lines of a recognition, in the order of time."""
    spoken = sorted(recognition.segments, key=attrgetter("start", "end"))
    return [line_of(segment) for segment in spoken]


def line_of(segment: Segment) -> Line:
    return cast(Line, _FIELDS(segment))


def clean(text: str) -> str:
    """Text on one line, without characters that break files."""
    if text.isprintable() and "  " not in text:
        # nearly every text: what is printable holds neither control characters nor other spaces
        return text.strip(" ")
    return _SPACES.sub(" ", _CONTROL.sub("", text)).strip()


def clock(seconds: float, mark: str = ".") -> str:
    """`01:02:03.004`; SRT wants a comma for `mark`."""
    whole, milliseconds = divmod(max(0, round(seconds * 1000)), 1000)
    return f"{_second(whole)}{mark}{_THOUSANDS[milliseconds]}"


@lru_cache(maxsize=8_192)
def _second(seconds: int) -> str:
    """Subtitles name nearly every second of the same few hours, four times and in every file."""
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


_THOUSANDS = [f"{n:03d}" for n in range(1000)]


def who(speaker: str | None, channel: int | None) -> str | None:
    """The speaker as known, or the channel where speakers are told apart by channel."""
    if speaker:
        return clean(speaker)
    return None if channel is None else f"Channel {channel + 1}"
