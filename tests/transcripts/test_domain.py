"""Rules of segments, without a database."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.domain import Word
from tertulia.transcripts.domain import MOST_TEXT_BYTES, Draft, realigned, settled, tidy, tidy_tags
from tertulia.transcripts.errors import SegmentTooLongError

pytestmark = pytest.mark.unit


def draft(text: str, *, final: bool = True, id_: str = "u1") -> Draft:
    return Draft(id_, text, 0.0, 1.0, is_final=final)


def test_an_interim_replaces_an_interim_and_a_final_replaces_it_even_when_shorter() -> None:
    said = [draft("one two three", final=False), draft("one two", final=False), draft("one")]
    assert settled(said[:2])["u1"].text == "one two"
    assert settled(said)["u1"].text == "one"


def test_nothing_replaces_a_final() -> None:
    said = [draft("first"), draft("second"), draft("late", final=False)]
    assert settled(said) == {"u1": draft("first")}


def test_utterances_are_kept_apart() -> None:
    assert set(settled([draft("a", id_="x"), draft("b", id_="y")])) == {"x", "y"}


def test_what_no_database_takes_is_left_out() -> None:
    kept = tidy(
        Draft(
            "u1",
            "a\x00b\ud800 שלום 🎙 e\u0301",
            0,
            1,
            speaker=" A\x00na\n ",
            person="",
            words=(Word("a\x00", math.nan, math.inf, 7.0),),
        )
    )
    assert kept.text == "ab שלום 🎙 é"
    assert kept.speaker == "Ana"
    assert kept.person is None
    assert kept.words == (Word("a", 0.0, 0.0, 1.0),)


def test_an_end_before_its_start_is_its_start() -> None:
    assert tidy(Draft("u", "x", 5.0, 1.0)).end == 5.0


@pytest.mark.parametrize(
    "wrong",
    [
        Draft("", "x", 0, 1),
        Draft("a/b", "x", 0, 1),
        Draft("a\x00", "x", 0, 1),
        Draft("x" * 129, "x", 0, 1),
        Draft("u", "x", math.nan, 1),
        Draft("u", "x", -1, 1),
        Draft("u", "x", 0, math.inf),
        Draft("u", "x", 0, 1, channel=-1),
        Draft("u", "x", 0, 1, channel=99_999),
    ],
)
def test_what_is_wrong_is_refused(wrong: Draft) -> None:
    with pytest.raises(InvalidRequestError):
        tidy(wrong)


def test_a_megabyte_is_taken_and_a_byte_more_is_not() -> None:
    assert len(tidy(draft("x" * MOST_TEXT_BYTES)).text) == MOST_TEXT_BYTES
    with pytest.raises(SegmentTooLongError):
        tidy(draft("x" * (MOST_TEXT_BYTES - 1) + "ñ"))


def test_tags_are_in_order_and_once_each() -> None:
    assert tidy_tags(["b", " a ", "b", "", "a"]) == ("a", "b")
    with pytest.raises(InvalidRequestError):
        tidy_tags(str(i) for i in range(51))


WORDS = (Word("the", 0.0, 0.2), Word("blue", 0.2, 0.5), Word("cat", 0.5, 1.0))


def test_words_that_stay_keep_their_times() -> None:
    assert realigned(WORDS, "the red cat") == (
        Word("the", 0.0, 0.2),
        Word("red", 0.2, 0.5),
        Word("cat", 0.5, 1.0),
    )
    assert [w.text for w in realigned(WORDS, "cat")] == ["cat"]
    assert realigned((), "anything") == ()


@given(st.text(alphabet="ab c", max_size=40))
def test_an_edited_text_has_all_its_words_in_order(text: str) -> None:
    words = realigned(WORDS, text)
    assert [w.text for w in words] == text.split()
    assert all(0.0 <= w.start <= w.end <= 1.0 for w in words)
