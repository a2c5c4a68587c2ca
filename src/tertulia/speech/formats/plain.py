"""Text to be read and tables: txt, md, csv."""

import csv
import io
import re
from collections.abc import Iterable

from tertulia.speech.formats.lines import About, Line, Plain, clean, clock, who

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")
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
        for text, start, _, _, _, _, speaker, channel in lines:
            said = clean(text)
            if said:
                name = who(speaker, channel)
                label = f"**{_escaped(name)}** " if name else ""
                made.append(f"\n`{clock(start)[:8]}` {label}{_escaped(said)}\n")
        return "".join(made).encode()


def _escaped(text: str) -> str:
    return _MARKDOWN_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", text))


class Csv(Plain):
    """A row a segment, for a spreadsheet."""

    def head(self, about: About) -> bytes:
        # spreadsheets take a file without this mark for one of their own old encodings
        columns = "start,end,speaker,channel,language,confidence,text\r\n"
        return b"\xef\xbb\xbf" + columns.encode()

    def part(self, lines: Iterable[Line]) -> bytes:
        sheet = io.StringIO()
        csv.writer(sheet).writerows(
            (
                f"{start:.3f}",
                f"{end:.3f}",
                _cell(clean(speaker)) if speaker else "",
                "" if channel is None else channel + 1,
                language or "",
                "" if confidence is None else confidence,
                _cell(said),
            )
            for text, start, end, _, language, confidence, speaker, channel in lines
            if (said := clean(text))
        )
        return sheet.getvalue().encode()


def _cell(text: str) -> str:
    """Text that a spreadsheet will not run as a formula."""
    return "'" + text if text.startswith(_FORMULA) else text
