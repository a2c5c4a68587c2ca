"""Sentences and the likely language of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.speech.languages import code_of, name_of
from tertulia.speech.text import LONGEST_PIECE, likely_language, sentences

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("¿Qué tal? ¡Bien!", ["¿Qué tal?", "¡Bien!"]),
        ("A line\nand another", ["A line", "and another"]),
        ("Dr. Smith met J. Doe. They spoke.", ["Dr. Smith met J. Doe.", "They spoke."]),
        ("«Да.» Он ушёл.", ["«Да.»", "Он ушёл."]),
        ("Version 1.5 is out.", ["Version 1.5 is out."]),
        ("  \n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet='ab .,!?"»\n', max_size=2000))
def test_no_letter_is_lost_and_no_piece_is_too_long(text: str) -> None:
    pieces = sentences(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(len(p) > 0 for p in pieces)


def test_a_long_sentence_is_cut_at_its_commas_and_a_long_word_where_it_must_be() -> None:
    pieces = sentences("and so on, " * 60)
    assert all(len(p) <= LONGEST_PIECE for p in pieces)
    assert all(p.endswith(",") for p in pieces)
    assert [len(p) for p in sentences("x" * 600)] == [280, 280, 40]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Good morning, how are you?", "en"),
        ("Hola, ¿cómo estás? Muy bien, gracias.", "es"),
        ("Привет, как дела?", "ru"),
        ("Привіт, як твої справи?", "uk"),
        ("Bonjour, je suis avec vous dans la maison.", "fr"),
        ("Ich bin nicht der Mann, und das ist gut.", "de"),
        ("こんにちは世界", "ja"),
        ("你好世界", "zh"),
        ("12345", "en"),
        ("zzz qqq", "en"),
    ],
)
def test_likely_language(text: str, language: str) -> None:
    assert likely_language(text) == language


@pytest.mark.parametrize(
    ("given", "code"),
    [("es", "es"), ("ES", "es"), ("Spanish", "es"), ("pt_BR", "pt-br"), ("xx", None), ("", None)],
)
def test_codes_of_languages(given: str, code: str | None) -> None:
    assert code_of(given) == code


def test_names_of_languages() -> None:
    assert (name_of("es-MX"), name_of("zz"), name_of(None)) == ("spanish", "zz", "unknown")
