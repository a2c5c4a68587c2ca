"""Transcripts that come from elsewhere: SRT, WebVTT, and JSON of ours, of OpenAI's shape, or a plain list."""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tertulia.speech.domain import Word
from tertulia.transcripts.domain import Draft
from tertulia.transcripts.errors import ImportUnreadableError

MOST_SEGMENTS = 1_000_000

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_TAG = re.compile(r"</?(?:[bciu]|v|lang|ruby|rt|font)(?:[.\s][^>]*)?>|<[\d:.]+>|\{\\[^}]*\}")


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file says, and what it says about itself."""

    drafts: tuple[Draft, ...]
    title: str | None = None
    language: str | None = None
    provider: str | None = None
    started_at: datetime | None = None
    tags: tuple[str, ...] = ()


def parse(data: bytes) -> Imported:
    """Reads a file by what is in it, not by its name. Takes as long as the file is: call it in a thread."""
    text = _decoded(data).lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    start = text.lstrip()[:16]
    is_json = start.startswith(("{", "["))
    imported = _json(text) if is_json else Imported(tuple(_cues(text)))
    if not imported.drafts:
        raise ImportUnreadableError(
            "The file holds no segments. Send subtitles (SRT, WebVTT) or the JSON of an export."
        )
    return imported


def _decoded(data: bytes) -> str:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if wide else "utf-8")
    except UnicodeDecodeError:
        raise ImportUnreadableError("The file is not UTF-8 text. Save it as UTF-8.") from None


def _cues(text: str) -> Iterator[Draft]:
    """The cues of SRT and WebVTT, which differ in nothing that matters once read with care."""
    number = 0
    for block in re.split(r"\n[ \t]*\n", text):
        lines = block.strip("\n").split("\n")
        at = next((i for i, line in enumerate(lines[:3]) if _TIMES.match(line)), None)
        if at is None:
            continue
        times = _TIMES.match(lines[at])
        assert times
        speaker, said = _said("\n".join(lines[at + 1 :]))
        if not said:
            continue
        number += 1
        _check_count(number)
        yield Draft(
            f"i{number}",
            said,
            _seconds(times.groups()[:4]),
            _seconds(times.groups()[4:]),
            speaker=speaker,
        )


def _said(raw: str) -> tuple[str | None, str]:
    """Who speaks, where the file says so with a voice tag, and the text without tags."""
    voice = _VOICE.search(raw)
    said = html.unescape(_TAG.sub("", _VOICE.sub("", raw)))
    return (html.unescape(voice[1]).strip() or None) if voice else None, " ".join(said.split())


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return (whole * 1000 + int((fraction or "0").ljust(3, "0"))) / 1000


def _json(text: str) -> Imported:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ImportUnreadableError("The file is not valid JSON. Export it again.") from None
    about: Mapping[str, Any] = found if isinstance(found, dict) else {}
    rows = about.get("segments") if about else found
    if not isinstance(rows, list):
        raise ImportUnreadableError("The JSON has no list `segments`.")
    _check_count(len(rows))
    try:
        drafts = tuple(_draft(row, i) for i, row in enumerate(rows, 1) if row.get("text"))
        started = about.get("started_at")
        return Imported(
            drafts,
            title=_text(about.get("title")),
            language=_text(about.get("language")),
            provider=_text(about.get("provider")),
            started_at=_moment(started),
            tags=tuple(map(str, about.get("tags") or ())),
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        raise ImportUnreadableError(
            "A segment of the JSON is not one: each takes `start`, `end` (seconds) and `text`."
        ) from None


def _draft(row: Mapping[str, Any], number: int) -> Draft:
    words = tuple(
        Word(str(w.get("text") or w.get("word") or ""), float(w["start"]), float(w["end"]))
        for w in row.get("words") or ()
    )
    channel, confidence = row.get("channel"), row.get("confidence")
    return Draft(
        f"i{number}",
        str(row["text"]).strip(),
        float(row["start"]),
        float(row["end"]),
        speaker=_text(row.get("speaker")),
        person=_text(row.get("person")),
        channel=None if channel is None else int(channel),
        language=_text(row.get("language")),
        confidence=None if confidence is None else float(confidence),
        words=words,
    )


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _moment(value: Any) -> datetime | None:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    return moment if moment is None or moment.tzinfo else None


def _check_count(count: int) -> None:
    if count > MOST_SEGMENTS:
        raise ImportUnreadableError(f"The file has more than {MOST_SEGMENTS} segments. Split it.")
