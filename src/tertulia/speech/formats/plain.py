"""Text to be read and tables: txt, md, csv."""

import re
from collections.abc import Iterable

from tertulia.speech.formats.lines import About, Line, Plain, clean, clock, who

_MARKS = "\\`*_{}[]<>#|~"
_MARKDOWN = re.compile(f"([{re.escape(_MARKS)}])")
_MARKDOWN_START = re.compile(r"^(\s*)([-+]|\d+[.)])(?=\s)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Text(Plain):
    """A line a segment, with who says it."""

    def part(self, lines: Iterable[Line]) -> bytes:
        made: list[str] = []
        for text, _, _, _, _, _, speaker, channel in lines:
            said = clean(text)
            if said:
                name = who(speaker, channel)
                made.append(f"{name}: {said}\n" if name else f"{said}\n")
        return "".join(made).encode()


class Markdown(Plain):
    """A paragraph a segment, with its time and who says it."""

    def head(self, about: About) -> bytes:
        return f"# Transcript\n\n{_escaped(about.facts)}\n".encode()

    def part(self, lines: Iterable[Line]) -> bytes:
        made: list[str] = []
        lines = list(lines)
        # nearly no text has any of the marks, and to look once through all of it costs next to nothing
        together = "".join([line[0] for line in lines])
        escape = _escaped if any(mark in together for mark in _MARKS) else _started
        for text, start, _, _, _, _, speaker, channel in lines:
            said = clean(text)
            if said:
                name = who(speaker, channel)
                label = f"**{_escaped(name)}** " if name else ""
                made.append(f"\n`{clock(start)[:8]}` {label}{escape(said)}\n")
        return "".join(made).encode()


def _escaped(text: str) -> str:
    return _started(_MARKDOWN.sub(r"\\\1", text))


def _started(text: str) -> str:
    """A text that begins as a list would."""
    return text if text[:1].isalpha() else _MARKDOWN_START.sub(r"\1\\\2", text)


class Csv(Plain):
    """A row a segment, for a spreadsheet."""

    def head(self, about: About) -> bytes:
        # spreadsheets take a file without this mark for one of their own old encodings
        columns = "start,end,speaker,channel,language,confidence,text\r\n"
        return b"\xef\xbb\xbf" + columns.encode()

    def part(self, lines: Iterable[Line]) -> bytes:
        made: list[str] = []
        for text, start, end, _, language, confidence, speaker, channel in lines:
            said = clean(text)
            if said:
                name = _cell(clean(speaker)) if speaker else ""
                number = "" if channel is None else channel + 1
                sure = "" if confidence is None else confidence
                tongue = _cell(language) if language else ""
                made.append(
                    f"{start:.3f},{end:.3f},{name},{number},{tongue},{sure},{_cell(said)}\r\n"
                )
        return "".join(made).encode()


def _cell(text: str) -> str:
    """Text that a spreadsheet will not run as a formula, in quotation marks where it needs them (RFC 4180)."""
    if text.startswith(_FORMULA):
        text = f"'{text}"
    if '"' in text:
        text = text.replace('"', '""')
    elif "," not in text:
        return text
    return f'"{text}"'
