"""Phrases that a decoder got stuck on."""

import pytest

from tertulia.speech.domain import Word
from tertulia.speech.repetition import loops, without_loops

pytestmark = pytest.mark.unit


def words(text: str) -> tuple[Word, ...]:
    return tuple(Word(t, i * 0.3, i * 0.3 + 0.3) for i, t in enumerate(text.split()))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", ""),
        ("no no no I mean it", "no no no I mean it"),
        ("yes yes yes yes yes yes", "yes"),
        ("no " * 40, "no"),
        ("thank you. Thank you, thank you! Good night", "thank you. Good night"),
        ("and then " * 20 + "we left", "and then we left"),
        ("one two one two three", "one two one two three"),
        ("a b c a b c", "a b c a b c"),
        ("a b c a b c a b c d", "a b c d"),
    ],
)
def test_loops_are_kept_once_and_emphasis_is_kept(said: str, kept: str) -> None:
    assert " ".join(word.text for word in without_loops(words(said))) == kept
    assert loops(said.split()) == (said.split() != kept.split())


def test_what_comes_again_after_a_pause_was_said_again() -> None:
    said = tuple(Word(t, i * 2.0, i * 2.0 + 0.3) for i, t in enumerate(["yes"] * 8))
    assert without_loops(said) == said
