"""Whether a quotation is there, and what is left of what a model wrote."""

import time

import pytest

from tertulia.analysis.plain import brief, plain
from tertulia.analysis.quoting import found_in

pytestmark = pytest.mark.unit

TEXT = "Sí, mañana —a las ocho— le llamaré; no se preocupe."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("mañana a las ocho le llamaré", "mañana —a las ocho— le llamaré"),
        ("MAÑANA, a las ocho", "mañana —a las ocho"),
        ("mañana … no se preocupe", "mañana —a las ocho— le llamaré; no se preocupe"),
        ("no se preocupe.", "no se preocupe"),
        ("mañana a las nueve", None),
        ("añana a las", None),
        ("llamaré mañana", None),
        ("Sí", None),
        ("", None),
        ("…", None),
        ("!?", None),
    ],
)
def test_words_have_to_be_there_in_their_order(quote: str, found: str | None) -> None:
    assert found_in(TEXT, quote) == found


def test_a_short_word_proves_something_as_a_whole_segment_only() -> None:
    assert found_in("No.", "no") == "No."
    assert found_in("No, gracias.", "no") is None


def test_yo_is_ye() -> None:
    assert found_in("Пришлём завтра", "пришлем завтра") == "Пришлём завтра"


def test_a_megabyte_is_searched_in_a_moment() -> None:
    text = "a word " * 149_000 + "the needle is here"
    began = time.monotonic()
    assert found_in(text, "the needle is here") == "the needle is here"
    assert found_in(text, "a word " * 50_000 + "x") is None
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("**Bold** and `code`", "Bold and code"),
        ("# Title\nnext", "Title next"),
        ("See ![x](http://evil.test/?q=1) or [here](javascript:alert(1))", "See x or here)"),
        ("Go to https://evil.test/a?b=c now", "Go to … now"),
        ("<script>alert(1)</script><img src=x>hi", "alert(1)hi"),
        ("a\u202eb\u0000c", "abc"),
        ("  many \n\n words ", "many words"),
        ("1 < 2 and 3 > 2", "1 2"),
    ],
)
def test_nothing_that_can_be_followed_is_left(written: str, left: str) -> None:
    assert plain(written) == left


def test_what_is_long_is_cut() -> None:
    assert len(brief("word " * 1_000)) <= 120
    assert brief("word " * 1_000).endswith("…")
