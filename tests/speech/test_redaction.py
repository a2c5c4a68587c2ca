"""What must not be kept is masked in text and words."""

import pytest

from tertulia.kernel.errors import StartError
from tertulia.speech.domain import Recognition, Segment, Word
from tertulia.speech.redaction import MASK, Redaction

pytestmark = pytest.mark.unit

CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"my card is {CARD}, thanks", f"my card is {MASK}, thanks"),
        ("4111111111111111", MASK),
        ("4111-1111-1111-1111 and 5500.0000.0000.0004", f"{MASK} and {MASK}"),
        ("extension 7 4111 1111 1111 1111", f"extension 7 {MASK}"),
        ("378282246310005", MASK),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("call 34 600 123 456", "call 34 600 123 456"),
        ("41111111111111110000000000", "41111111111111110000000000"),
        ("0000 0000 0000 0000", "0000 0000 0000 0000"),
        ("٤١١١١١١١١١١١١١١١", "٤١١١١١١١١١١١١١١١"),
    ],
)
def test_card_numbers_are_known_by_their_check_digit(said: str, kept: str) -> None:
    assert Redaction(cards=True).text(said) == kept


def test_patterns_are_masked_whatever_their_case() -> None:
    redaction = Redaction(patterns=[r"\bES\d{4}\b", "secret"])
    assert redaction.text("SECRET es1234 ES12345") == f"{MASK} {MASK} ES12345"
    assert redaction.text(CARD) == CARD


def test_words_of_a_masked_stretch_become_one() -> None:
    words = [Word(w, i, i + 1) for i, w in enumerate(f"my {CARD} ok".split())]
    text, kept = Redaction(cards=True).said(f"my {CARD} ok", words)
    assert text == f"my {MASK} ok"
    assert kept == (Word("my", 0, 1), Word(MASK, 1, 5), Word("ok", 5, 6))


def test_words_that_are_not_those_of_the_text_hide_with_it() -> None:
    words = [Word("4111111111111111", 0, 1)]
    assert Redaction(cards=True).said(CARD, words)[1] == (Word(MASK, 0, 1),)


def test_without_a_wish_nothing_is_touched() -> None:
    found = Recognition((Segment(CARD, 0, 1, (Word(CARD, 0, 1),)),), "en", 1.0, "x")
    assert not Redaction()
    assert Redaction().recognition(found) is found
    masked = Redaction(cards=True).recognition(found)
    assert (masked.segments[0].text, masked.segments[0].words[0].text) == (MASK, MASK)


def test_a_pattern_that_is_none_stops_the_start() -> None:
    with pytest.raises(StartError, match="TERTULIA_REDACT_PATTERNS"):
        Redaction(patterns=["("])
