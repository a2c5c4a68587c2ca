"""What is typed into the search field, and where the found words are, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.kernel.errors import InvalidRequestError
from tertulia.transcripts.searching import (
    START,
    STOP,
    HitPosition,
    Mark,
    Query,
    marks_in,
    snippet,
)

pytestmark = pytest.mark.unit


def test_beginnings_are_taken_out_of_the_words() -> None:
    query = Query.parse('fact* -gat* "not* here" plain')
    assert query.beginnings == ("fact", "-gat")
    assert query.words.split() == ['"not*', 'here"', "plain"]
    assert query.negates


@pytest.mark.parametrize(
    ("typed", "tongues"),
    [
        ("refund", ("en", "es", "simple")),
        ("возврат", ("ru", "simple")),
        ("возврат iPhone", ("en", "es", "ru", "simple")),
        ("123", ("en", "es", "simple")),
    ],
)
def test_the_letters_say_which_stemmers_are_asked(typed: str, tongues: tuple[str, ...]) -> None:
    assert Query.parse(typed).tongues() == tongues


def test_languages_wanted_are_the_stemmers_asked() -> None:
    assert Query.parse("x").tongues(["es-MX"]) == ("es",)
    assert Query.parse("x").tongues(["fr", "de"]) == ("simple",)


@pytest.mark.parametrize("typed", ["", "   ", '"""', "- & | ! ( ) :*", "*", "\x00"])
def test_nothing_to_look_for_is_empty(typed: str) -> None:
    assert Query.parse(typed).is_empty


@given(st.text())
def test_anything_can_be_typed(typed: str) -> None:
    query = Query.parse(typed)
    assert "\x00" not in query.words
    assert query.tongues()


def test_a_place_comes_back_from_its_cursor() -> None:
    from datetime import UTC, datetime
    from uuid import uuid4

    place = HitPosition(0.06079271, datetime(2026, 1, 1, tzinfo=UTC), uuid4(), "u1")
    assert HitPosition.parse(place.cursor()) == place
    assert HitPosition.parse(None) is None


@pytest.mark.parametrize("cursor", ["x", "bm90IGpzb24", "W10", "WzEsMiwzLDRd", "ñ"])
def test_a_cursor_from_elsewhere_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequestError):
        HitPosition.parse(cursor)


def marked(text: str, *words: str) -> str:
    for word in words:
        text = text.replace(word, f"{START}{word}{STOP}")
    return text


def test_marks_are_places_in_the_text_as_it_was_written() -> None:
    text = "La facturación comió"
    found = marks_in(text, marked("la facturacion comio", "facturacion"), marked(text, "comió"))
    assert [text[m.start : m.end] for m in found] == ["facturación", "comió"]


def test_marks_are_right_where_folding_takes_characters_away() -> None:
    text = "e\u0301l za\u0301mok там"
    found = marks_in(text, marked("el zamok там", "zamok"))
    assert [text[m.start : m.end] for m in found] == ["za\u0301mok"]


def test_marks_are_right_in_a_text_of_which_only_the_beginning_was_marked() -> None:
    assert marks_in("one two three", marked("one two", "two")) == (Mark(4, 7),)


def test_no_marks_where_they_cannot_be_told() -> None:
    assert marks_in("short", marked("something else altogether", "else")) == ()
    assert marks_in("x", None) == ()


def test_a_snippet_is_about_its_first_mark() -> None:
    text = "lead " * 100 + "needle " + "tail " * 100
    start = text.index("needle")
    part, marks = snippet(text, (Mark(start, start + 6),))
    assert len(part) <= 242
    assert part[marks[0].start : marks[0].end] == "needle"
    assert part.startswith("…")
    assert part.endswith("…")
    assert snippet("short", (Mark(0, 5),)) == ("short", (Mark(0, 5),))
