"""A recognition as files for people and programs."""

import csv
import io
import json
import re

import docx
import pytest

from tertulia.speech.domain import Recognition, Segment, Word
from tertulia.speech.formats import FORMATS, MEDIA_TYPES, FormatUnknownError, clock, render

pytestmark = pytest.mark.unit

HEBREW = "שלום עולם, מה שלומך?"
EMOJI = "¡Olé! 👩‍👩‍👧 привет 🎉"


def _recognition(*segments: Segment) -> Recognition:
    return Recognition(segments, "es", 3725.5, "whisper")


TALK = _recognition(
    Segment("Buenos días.", 0.0, 1.5, speaker="Ana"),
    Segment("Dime <b>algo</b> & ya --> ahora", 1.5, 3.25, channel=1),
    Segment(HEBREW, 3600.0, 3605.0004),
    Segment(EMOJI, 3606.0, 3606.0, confidence=0.5, words=(Word("¡Olé!", 3606.0, 3606.2, 0.9),)),
    Segment("   ", 3700.0, 3701.0),
)


def test_clock() -> None:
    assert clock(0) == "00:00:00.000"
    assert clock(3599.9996) == "01:00:00.000"
    assert clock(3725.5, ",") == "01:02:05,500"
    assert clock(360_000) == "100:00:00.000"
    assert clock(-1) == "00:00:00.000"


def test_text() -> None:
    lines = render(TALK, "txt").decode().splitlines()
    assert lines == [
        "Ana: Buenos días.",
        "Channel 2: Dime <b>algo</b> & ya --> ahora",
        HEBREW,
        EMOJI,
    ]


def test_srt_is_numbered_and_timed() -> None:
    srt = render(TALK, ".SRT").decode()
    assert srt.startswith("1\n00:00:00,000 --> 00:00:01,500\nAna: Buenos días.\n\n2\n")
    assert srt.count("-->") == 4
    assert "01:00:00,000 --> 01:00:05,000\n" + HEBREW in srt
    assert "01:00:06,000 --> 01:00:06,001\n" + EMOJI in srt


def test_vtt_escapes_what_is_not_markup() -> None:
    vtt = render(TALK, "vtt").decode()
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n<v Ana>Buenos días.\n")
    assert "&lt;b&gt;algo&lt;/b&gt; &amp; ya --&gt; ahora" in vtt.replace("\n", " ")
    assert vtt.count("-->") == 4


def test_long_segments_become_readable_cues() -> None:
    words = tuple(Word(f"palabra{n}", n * 0.5, n * 0.5 + 0.4) for n in range(60))
    segment = Segment(" ".join(word.text for word in words), 0.0, 30.0, words)
    for form, timed in (("srt", segment), ("vtt", Segment(segment.text, 0.0, 30.0))):
        cues = re.findall(
            r"(\S+) --> (\S+)\n((?:.+\n)+)", render(_recognition(timed), form).decode()
        )
        assert len(cues) >= 5
        assert " ".join(" ".join(text.split()) for _, _, text in cues) == segment.text
        for start, end, text in cues:
            assert start < end
            lines = text.strip().splitlines()
            assert len(lines) <= 2
            assert all(len(line) <= 60 for line in lines)
        assert [start for start, _, _ in cues] == sorted(start for start, _, _ in cues)


def test_segments_come_in_the_order_of_time() -> None:
    crossed = _recognition(Segment("second", 5.0, 6.0), Segment("first", 1.0, 2.0))
    assert render(crossed, "txt").decode() == "first\nsecond\n"


def test_json() -> None:
    document = json.loads(render(TALK, "json"))
    assert document["language"] == "es"
    assert document["provider"] == "whisper"
    assert [s["text"] for s in document["segments"]][2:] == [HEBREW, EMOJI]
    assert document["segments"][3]["words"] == [
        {"text": "¡Olé!", "start": 3606.0, "end": 3606.2, "confidence": 0.9}
    ]
    assert "speaker" not in document["segments"][2]


def test_csv_opens_in_a_spreadsheet_and_runs_nothing() -> None:
    hostile = _recognition(
        Segment('=cmd|"/c calc"!A1', 0.0, 1.0, speaker="@me"), Segment('a "b", c', 1.0, 2.0)
    )
    data = render(hostile, "csv")
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0]["text"].startswith("'=cmd")
    assert rows[0]["speaker"] == "'@me"
    assert rows[1]["text"] == 'a "b", c'
    assert rows[1]["start"] == "1.000"


def test_markdown_shows_text_as_it_is() -> None:
    tricky = _recognition(Segment("# not *a* [heading](x) <script>", 0.0, 1.0, speaker="A_b"))
    text = render(tricky, "md").decode()
    assert "\\# not \\*a\\* \\[heading\\](x) \\<script\\>" in text
    assert "**A\\_b**" in text


def test_docx_holds_speakers_times_and_right_to_left_text() -> None:
    document = docx.Document(io.BytesIO(render(TALK, "docx")))
    text = [paragraph.text for paragraph in document.paragraphs]
    assert any("Ana: Buenos días." in line for line in text)
    hebrew = next(p for p in document.paragraphs if HEBREW in p.text)
    assert "w:bidi" in hebrew._p.xml
    assert "w:rtl" in hebrew._p.xml
    spanish = next(p for p in document.paragraphs if "Buenos" in p.text)
    assert "w:bidi" not in spanish._p.xml
    assert any(EMOJI in line for line in text)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_takes_any_text(form: str) -> None:
    nasty = _recognition(Segment("a\x00b\x0bc\ud800d\r\n\r\ne\ufeff", 1.0, 2.0, speaker="x\ny"))
    data = render(nasty, form)
    if form != "docx":
        text = data.decode()
        assert "abc" in text
        assert "\x00" not in text
        assert "\n\ne" not in text.replace("\r", "")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_takes_nothing_at_all(form: str) -> None:
    assert isinstance(render(_recognition(), form), bytes)
    assert form in MEDIA_TYPES


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(FormatUnknownError, match="srt"):
        render(TALK, "pdf")
