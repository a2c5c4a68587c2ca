"""Two texts of one conversation, word by word."""

import random
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.speech.domain import Word
from tertulia.transcripts.difference import Change, Said, difference, words_of
from tertulia.transcripts.domain import Segment

pytestmark = pytest.mark.unit


def said(text: str, start: float = 0.0) -> list[Said]:
    """A word every half second."""
    return [Said(word, start + i / 2, start + i / 2 + 0.4) for i, word in enumerate(text.split())]


def told(before: str, after: str) -> list[tuple[str, str, str]]:
    found = difference(said(before), said(after))
    return [(piece.change.value, piece.before, piece.after) for piece in found.pieces]


def test_words_are_the_same_replaced_added_and_removed() -> None:
    assert told("buenos días a todos ustedes", "buenas días a todos y todas") == [
        ("replaced", "buenos", "buenas"),
        ("same", "días a todos", "días a todos"),
        ("replaced", "ustedes", "y todas"),
    ]
    assert told("a b", "a b c") == [("same", "a b", "a b"), ("added", "", "c")]
    assert told("a b c", "b c") == [("removed", "a", ""), ("same", "b c", "b c")]


def test_case_and_punctuation_are_no_difference() -> None:
    assert told("Hola, ¿qué tal?", "hola que tal") == [
        ("same", "Hola,", "hola"),
        ("replaced", "¿qué", "que"),
        ("same", "tal?", "tal"),
    ]
    assert told("...", "!") == [("replaced", "...", "!")]


def test_agreement_is_the_share_of_words_that_are_the_same() -> None:
    found = difference(said("a b c d"), said("a x c"))
    assert (found.words(Change.SAME), found.words(Change.REPLACED)) == (2, 1)
    assert (found.words(Change.REMOVED), found.agreement) == (1, 0.5)
    assert difference([], []).agreement == 1.0


def test_a_long_text_is_compared_in_parts_and_reads_as_one() -> None:
    chance = random.Random(7)
    words = [
        chance.choice(["uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho"])
        for _ in range(6000)
    ]
    other = list(words)
    for place in range(50, 6000, 400):
        other[place] = "otra"
    found = difference(said(" ".join(words)), said(" ".join(other)))
    assert found.words(Change.REPLACED) == 15
    assert found.words(Change.SAME) == 5985
    assert " ".join(piece.before for piece in found.pieces) == " ".join(words)
    assert " ".join(piece.after for piece in found.pieces) == " ".join(other)


texts = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=400).map(" ".join)


@given(texts, texts)
def test_no_word_of_either_text_is_lost(before: str, after: str) -> None:
    found = difference(said(before), said(after))
    assert " ".join(p.before for p in found.pieces if p.before) == before
    assert " ".join(p.after for p in found.pieces if p.after) == after


def test_a_segment_without_words_shares_its_time() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    plain = Segment(UUID(int=0), "u1", "a b", 2.0, 4.0, True, at)
    timed = Segment(UUID(int=0), "u2", "c", 0.0, 1.0, True, at, words=(Word(" c", 0.5, 0.75),))
    assert words_of([plain, timed]) == [
        Said("c", 0.5, 0.75),
        Said("a", 2.0, 3.0),
        Said("b", 3.0, 4.0),
    ]
