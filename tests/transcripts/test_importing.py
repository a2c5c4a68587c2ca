"""Files from elsewhere, without a database."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.speech.domain import Recognition, Segment, Word
from tertulia.speech.formats import render
from tertulia.transcripts.domain import Draft
from tertulia.transcripts.errors import ImportUnreadableError
from tertulia.transcripts.importing import parse

pytestmark = pytest.mark.unit


def told(data: bytes) -> list[tuple[float, float, str | None, str]]:
    return [(d.start, d.end, d.speaker, d.text) for d in parse(data).drafts]


def test_subtitles_are_read_whatever_wrote_them() -> None:
    srt = "\ufeff1\r\n00:00:01,5 --> 00:00:02,500 X1:0\r\n<i>Hello</i>,\r\n{\\an8}world &amp; co\r\n\r\n\r\nnonsense\r\n\r\n"
    srt += "00:01:00.000 --> 01:00:00.000\r\nno number\r\n\r\n4\r\n00:00:09,000 --> 00:00:10,000\r\n\r\n"
    expected = [(1.5, 2.5, None, "Hello, world & co"), (60.0, 3600.0, None, "no number")]
    assert told(srt.encode()) == expected
    assert told(srt.encode("utf-16")) == expected


def test_webvtt_says_who_speaks() -> None:
    vtt = """WEBVTT - title

STYLE
::cue { color: red }

NOTE a note

intro
00:01.000 --> 00:02.000 align:start
<v.loud Ana María>¡Hola <00:01.500><c.x>a</c> todos!</v>

02:00:00.000 --> 02:00:01.000
4 &lt; 5
"""
    assert told(vtt.encode()) == [
        (1.0, 2.0, "Ana María", "¡Hola a todos!"),
        (7200.0, 7201.0, None, "4 < 5"),
    ]


def test_json_of_other_programs_is_read() -> None:
    openai = {
        "text": "hi",
        "language": "english",
        "segments": [
            {"id": 0, "start": 0, "end": 1.5, "text": " hi ", "words": [{"word": "hi", "start": 0, "end": 1}]},
            {"start": 2, "end": 3, "text": ""},
        ],
    }  # fmt: skip
    read = parse(json.dumps(openai).encode())
    assert read.drafts == (Draft("i1", "hi", 0.0, 1.5, words=(Word("hi", 0.0, 1.0),)),)
    assert read.language == "english"
    assert len(parse(b'[{"start": 0, "end": 1, "text": "x"}]').drafts) == 1


TEXT = st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@given(st.lists(st.tuples(TEXT, st.integers(0, 10**6)), min_size=1, max_size=5))
@pytest.mark.parametrize("form", ["srt", "vtt", "json"])
def test_what_is_written_is_read_again(form: str, said: list[tuple[str, int]]) -> None:
    segments = tuple(
        Segment(text, ms / 1000, ms / 1000 + 1) for text, ms in sorted(said, key=lambda s: s[1])
    )
    written = render(Recognition(segments, None, 0.0, ""), form)
    again = parse(written).drafts
    assert [d.start for d in again] == [s.start for s in segments]
    if form == "json":
        assert [d.text for d in again] == [s.text for s in segments]


@given(st.binary(max_size=200))
def test_anything_may_be_sent(data: bytes) -> None:
    try:
        assert parse(data).drafts
    except ImportUnreadableError as error:
        assert error.detail
