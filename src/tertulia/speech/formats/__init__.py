"""A recognition written for people and programs: txt, srt, vtt, json, csv, md, docx."""

from collections.abc import Callable

from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.domain import Recognition
from tertulia.speech.formats.lines import About, Line, Writer, clean, clock, lines_of
from tertulia.speech.formats.plain import Csv, Markdown, Text
from tertulia.speech.formats.structured import Json
from tertulia.speech.formats.subtitles import Srt, Vtt
from tertulia.speech.formats.word import Docx

__all__ = [
    "FORMATS",
    "MEDIA_TYPES",
    "About",
    "FormatUnknownError",
    "Line",
    "Writer",
    "clean",
    "clock",
    "render",
    "whole",
    "writer",
]


class FormatUnknownError(InvalidRequestError):
    """Nobody knows how to write that format."""

    code = "format_unknown"
    title = "This export format is not known"


_WRITERS: dict[str, Callable[[], Writer]] = {
    "txt": Text,
    "srt": Srt,
    "vtt": Vtt,
    "json": Json,
    "csv": Csv,
    "md": Markdown,
    "docx": Docx,
}

FORMATS: tuple[str, ...] = tuple(_WRITERS)
"""What `render` writes."""

MEDIA_TYPES: dict[str, str] = {
    "txt": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def writer(form: str) -> Writer:
    """Begins a file in one of `FORMATS`."""
    made = _WRITERS.get(form.lower().lstrip("."))
    if made is None:
        raise FormatUnknownError(
            f"There is no format `{form[:20]}`. Choose one of {', '.join(FORMATS)}."
        )
    return made()


def render(recognition: Recognition, form: str) -> bytes:
    """The recognition in one of `FORMATS`."""
    file = writer(form)
    return whole(file, About.of(recognition), lines_of(recognition))


def whole(file: Writer, about: About, lines: list[Line]) -> bytes:
    """A file of lines that are all there."""
    before = file.before(lines) if file.twice else b""
    return b"".join((file.head(about), before, file.part(lines), file.tail()))
