"""A recognition written for people and programs: txt, srt, vtt, json, csv, md, docx."""

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.domain import Recognition, Segment, Word

LINE_CHARACTERS = 42
"""What fits one line of a subtitle."""
CUE_CHARACTERS = 2 * LINE_CHARACTERS
CUE_SECONDS = 7.0
SHORTEST_CUE_MS = 1

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffe\uffff]|[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")
_MARKDOWN_START = re.compile(r"^(\s*)([-+]|\d+[.)])(?=\s)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class FormatUnknownError(InvalidRequestError):
    """Nobody knows how to write that format."""

    code = "format_unknown"
    title = "This export format is not known"


def render(recognition: Recognition, form: str) -> bytes:
    """The recognition in one of `FORMATS`."""
    writer = _WRITERS.get(form.lower().lstrip("."))
    if writer is None:
        raise FormatUnknownError(
            f"There is no format `{form[:20]}`. Choose one of {', '.join(FORMATS)}."
        )
    return writer(recognition)


def clean(text: str) -> str:
    """Text on one line, without characters that break files."""
    if text.isprintable() and "  " not in text:
        # nearly every text: what is printable holds neither control characters nor other spaces
        return text.strip(" ")
    return _SPACES.sub(" ", _CONTROL.sub("", text)).strip()


def clock(seconds: float, mark: str = ".") -> str:
    """`01:02:03.004`; SRT wants a comma for `mark`."""
    milliseconds = max(0, round(seconds * 1000))
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"


def who(segment: Segment) -> str | None:
    """The speaker as known, or the channel where speakers are told apart by channel."""
    if segment.speaker:
        return clean(segment.speaker)
    return None if segment.channel is None else f"Channel {segment.channel + 1}"


def _spoken(recognition: Recognition) -> list[Segment]:
    return sorted(
        (s for s in recognition.segments if s.text and clean(s.text)),
        key=lambda s: (s.start, s.end),
    )


def _text(recognition: Recognition) -> bytes:
    lines = []
    for segment in _spoken(recognition):
        name = who(segment)
        lines.append(f"{name}: {clean(segment.text)}" if name else clean(segment.text))
    return _encoded(lines)


def _srt(recognition: Recognition) -> bytes:
    blocks = []
    for number, cue in enumerate(_cues(recognition), 1):
        times = f"{clock(cue.start, ',')} --> {clock(cue.end, ',')}"
        # an arrow inside the text would be read as the next cue's times
        text = cue.text.replace("-->", "→")
        name = who(cue)
        blocks.append(f"{number}\n{times}\n{_wrapped(f'{name}: {text}' if name else text)}\n")
    return _encoded(blocks)


def _vtt(recognition: Recognition) -> bytes:
    blocks = ["WEBVTT\n"]
    for cue in _cues(recognition):
        text = _wrapped(html.escape(cue.text, quote=False))
        name = who(cue)
        voice = f"<v {html.escape(name, quote=False).replace('&gt;', '')}>" if name else ""
        blocks.append(f"{clock(cue.start)} --> {clock(cue.end)}\n{voice}{text}\n")
    return _encoded(blocks)


def _cues(recognition: Recognition) -> Iterator[Segment]:
    """Segments short enough to read, in order, each with some length; long ones are cut between words."""
    for segment in _spoken(recognition):
        for cue in _pieces(segment):
            end = max(cue.end, cue.start + SHORTEST_CUE_MS / 1000)
            yield Segment(clean(cue.text), cue.start, end, speaker=cue.speaker, channel=cue.channel)


def _pieces(segment: Segment) -> Iterator[Segment]:
    text = clean(segment.text)
    if len(text) <= CUE_CHARACTERS and segment.end - segment.start <= CUE_SECONDS:
        yield segment
        return
    words = segment.words or tuple(_spread(segment))
    held: list[Word] = []
    for word in words:
        length = sum(len(w.text) + 1 for w in held) + len(word.text)
        if held and (length > CUE_CHARACTERS or word.end - held[0].start > CUE_SECONDS):
            yield _piece(segment, held)
            held = []
        held.append(word)
    if held:
        yield _piece(segment, held)


def _spread(segment: Segment) -> Iterator[Word]:
    """Words over the segment by their length, where the engine gave no times."""
    parts = clean(segment.text).split(" ")
    total = sum(len(part) for part in parts) or 1
    at = segment.start
    for part in parts:
        until = at + (segment.end - segment.start) * len(part) / total
        yield Word(part, at, until)
        at = until


def _piece(segment: Segment, words: Sequence[Word]) -> Segment:
    return Segment(
        " ".join(word.text.strip() for word in words),
        words[0].start,
        words[-1].end,
        speaker=segment.speaker,
        channel=segment.channel,
    )


def _wrapped(text: str) -> str:
    """Two lines of about the same length, when one is too long."""
    if len(text) <= LINE_CHARACTERS:
        return text
    middle = len(text) / 2
    places = [match.start() for match in re.finditer(" ", text)]
    if not places:
        return text
    place = min(places, key=lambda p: abs(p - middle))
    return f"{text[:place]}\n{text[place + 1 :]}"


def _json(recognition: Recognition) -> bytes:
    spoken = _spoken(recognition)
    about = {
        "language": recognition.language,
        "duration_seconds": recognition.duration_seconds,
        "provider": recognition.provider,
        "elapsed_ms": recognition.elapsed_ms,
        "text": " ".join(clean(s.text) for s in spoken),
    }
    # a segment a line: to be read and compared, at a tenth of the cost of a fully indented document
    head = json.dumps(about, ensure_ascii=False, indent=2).removesuffix("\n}")
    encode = json.JSONEncoder(ensure_ascii=False).encode
    lines = ",\n    ".join(encode(_segment_map(segment)) for segment in spoken)
    segments = f"[\n    {lines}\n  ]" if lines else "[]"
    return f'{head},\n  "segments": {segments}\n}}\n'.encode()


def _segment_map(segment: Segment) -> dict[str, Any]:
    known: dict[str, Any] = {
        "start": segment.start,
        "end": segment.end,
        "text": clean(segment.text),
        "speaker": segment.speaker,
        "channel": segment.channel,
        "language": segment.language,
        "confidence": segment.confidence,
    }
    entry = {key: value for key, value in known.items() if value is not None}
    if segment.words:
        entry["words"] = [
            {"text": clean(w.text), "start": w.start, "end": w.end}
            | ({} if w.confidence is None else {"confidence": w.confidence})
            for w in segment.words
        ]
    return entry


def _csv(recognition: Recognition) -> bytes:
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(["start", "end", "speaker", "channel", "language", "confidence", "text"])
    for segment in _spoken(recognition):
        writer.writerow(
            [
                *(f"{segment.start:.3f}", f"{segment.end:.3f}"),
                _cell(clean(segment.speaker or "")),
                "" if segment.channel is None else segment.channel + 1,
                segment.language or "",
                "" if segment.confidence is None else segment.confidence,
                _cell(clean(segment.text)),
            ]
        )
    # spreadsheets take a file without this mark for one of their own old encodings
    return b"\xef\xbb\xbf" + sheet.getvalue().encode()


def _cell(text: str) -> str:
    """Text that a spreadsheet will not run as a formula."""
    return "'" + text if text.startswith(_FORMULA) else text


def _markdown(recognition: Recognition) -> bytes:
    lines = ["# Transcript", ""]
    facts = [clock(recognition.duration_seconds)[:8], recognition.language, recognition.provider]
    lines += [_escaped(" · ".join(fact for fact in facts if fact)), ""]
    for segment in _spoken(recognition):
        name = who(segment)
        label = f"**{_escaped(name)}** " if name else ""
        lines += [f"`{clock(segment.start)[:8]}` {label}{_escaped(clean(segment.text))}", ""]
    return _encoded(lines[:-1])


def _escaped(text: str) -> str:
    return _MARKDOWN_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", text))


def _docx(recognition: Recognition) -> bytes:
    import docx
    from docx.shared import Pt, RGBColor

    document = docx.Document()
    document.core_properties.title = "Transcript"
    document.core_properties.author = ""
    document.add_heading("Transcript", level=1)
    facts = [clock(recognition.duration_seconds)[:8], recognition.language, recognition.provider]
    document.add_paragraph(clean(" · ".join(fact for fact in facts if fact)))
    for segment in _spoken(recognition):
        paragraph = document.add_paragraph()
        time = paragraph.add_run(f"{clock(segment.start)[:8]}  ")
        time.font.size = Pt(8)
        time.font.color.rgb = RGBColor(0x77, 0x77, 0x77)
        name = who(segment)
        if name:
            paragraph.add_run(f"{name}: ").bold = True
        text = clean(segment.text)
        run = paragraph.add_run(text)
        if _right_to_left(text):
            _turn(paragraph, run)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _turn(paragraph: Any, run: Any) -> None:
    """Word lays a paragraph out from right to left only when it is told so."""
    from docx.oxml import OxmlElement

    paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
    run._r.get_or_add_rPr().append(OxmlElement("w:rtl"))


def _right_to_left(text: str) -> bool:
    import unicodedata

    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in {"R", "AL"}:
            return True
        if kind == "L":
            return False
    return False


def _encoded(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines).rstrip("\n") + "\n").encode() if lines else b""


_WRITERS: dict[str, Callable[[Recognition], bytes]] = {
    "txt": _text,
    "srt": _srt,
    "vtt": _vtt,
    "json": _json,
    "csv": _csv,
    "md": _markdown,
    "docx": _docx,
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
