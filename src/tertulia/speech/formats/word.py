"""A document for word processors: docx, its paragraphs written one by one so that a million of them need no memory."""

import io
import unicodedata
import zipfile
from collections.abc import Iterable
from typing import IO
from xml.sax.saxutils import escape

from tertulia.speech.formats.lines import About, Line, Plain, clean, clock, who

BODY = "word/document.xml"
END = b"<w:sectPr"
"""Before it the paragraphs stand."""


class Docx(Plain):
    """A paragraph a segment, with its time and who says it."""

    def __init__(self) -> None:
        self._sink = Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._body: IO[bytes] | None = None
        self._rest = b""

    def head(self, about: About) -> bytes:
        parts = _empty(about)
        begin, end, rest = parts.pop(BODY).rpartition(END)
        for name, data in parts.items():
            self._zip.writestr(name, data)
        self._body = self._zip.open(BODY, "w")
        self._body.write(begin)
        self._rest = end + rest
        return self._sink.taken()

    def part(self, lines: Iterable[Line]) -> bytes:
        assert self._body is not None
        made: list[str] = []
        for text, start, _, _, _, _, speaker, channel in lines:
            said = clean(text)
            if said:
                made.append(_paragraph(said, start, who(speaker, channel)))
        self._body.write("".join(made).encode())
        return self._sink.taken()

    def tail(self) -> bytes:
        assert self._body is not None
        self._body.write(self._rest)
        self._body.close()
        self._zip.close()
        return self._sink.taken()


class Sink(io.RawIOBase):
    """Where a zip writes to that is made while it is sent; it cannot be sought in, so nothing is looked back at."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _empty(about: About) -> dict[str, bytes]:
    """The parts of a document that holds a heading and what is known of the recording."""
    import docx

    document = docx.Document()
    document.core_properties.title = "Transcript"
    document.core_properties.author = ""
    document.add_heading("Transcript", level=1)
    document.add_paragraph(clean(about.facts))
    file = io.BytesIO()
    document.save(file)
    with zipfile.ZipFile(file) as made:
        return {name: made.read(name) for name in made.namelist()}


def _paragraph(said: str, start: float, name: str | None) -> str:
    turned = _right_to_left(said)
    layout = "<w:pPr><w:bidi/></w:pPr>" if turned else ""
    run = "<w:rPr><w:rtl/></w:rPr>" if turned else ""
    speaker = f"<w:r><w:rPr><w:b/></w:rPr>{_text(f'{name}: ')}</w:r>" if name else ""
    time = f'<w:r><w:rPr><w:color w:val="777777"/><w:sz w:val="16"/></w:rPr>{_text(clock(start)[:8] + "  ")}</w:r>'
    return f"<w:p>{layout}{time}{speaker}<w:r>{run}{_text(said)}</w:r></w:p>"


def _text(text: str) -> str:
    return f'<w:t xml:space="preserve">{escape(text)}</w:t>'


def _right_to_left(text: str) -> bool:
    """Word lays a paragraph out from right to left only when it is told so: its first letter decides."""
    if text.isascii():
        return False
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in {"R", "AL"}:
            return True
        if kind == "L":
            return False
    return False
