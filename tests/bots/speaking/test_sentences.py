"""Sentences are given out as soon as they are whole, and nothing is lost between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.bots.speaking import SentenceCutter

pytestmark = pytest.mark.unit


def cut(text: str, language: str = "en", step: int = 3) -> list[str]:
    cutter = SentenceCutter(language)
    found: list[str] = []
    for at in range(0, len(text), step):
        found += cutter.feed(text[at : at + step])
    return found + cutter.finish()


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("en", "One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("en", "It is 3.5 metres. Good.", ["It is 3.5 metres.", "Good."]),
        ("en", "Dr. Gil came, e.g. today. Yes.", ["Dr. Gil came, e.g. today.", "Yes."]),
        ("es", "El Sr. Pérez vino. Bien.", ["El Sr. Pérez vino.", "Bien."]),
        ("ru", "И т.д. и так. Да.", ["И т.д. и так.", "Да."]),
        ("en", "1. Milk\n2. Bread", ["1. Milk", "2. Bread"]),
        ("en", 'He said "Go." She went.', ['He said "Go."', "She went."]),
        (
            "en",
            "See [a. b c](http://x.org/a) now. End.",
            ["See [a. b c](http://x.org/a) now.", "End."],
        ),
        (
            "en",
            "Do this:\n```\nx. y\n\nz.\n```\nDone.",
            ["Do this:", "```\nx. y\n\nz.\n```", "Done."],
        ),
        ("en", "J. R. Smith wrote it. Good.", ["J. R. Smith wrote it.", "Good."]),
        ("en", "", []),
    ],
)
def test_a_text_is_cut(language: str, text: str, sentences: list[str], step: int) -> None:
    assert cut(text, language, step) == sentences


def test_a_sentence_is_given_out_before_the_next_is_written() -> None:
    cutter = SentenceCutter("en")
    assert cutter.feed("Hello there.") == []
    assert cutter.feed(" And") == ["Hello there."]


def test_a_long_first_sentence_begins_at_its_comma() -> None:
    cutter = SentenceCutter("en")
    text = "In the beginning there was a small house near the old river, and in it lived"
    assert cutter.feed(text) == ["In the beginning there was a small house near the old river,"]


def test_a_sentence_without_end_is_cut_all_the_same() -> None:
    pieces = cut("word " * 400)
    assert max(len(piece) for piece in pieces) <= 260
    assert " ".join(pieces).split() == ["word"] * 400


@given(st.text(alphabet="ab .!?\n`[]()*1,", max_size=200), st.integers(1, 50))
def test_nothing_is_lost(text: str, step: int) -> None:
    assert "".join("".join(cut(text, step=step)).split()) == "".join(text.split())
