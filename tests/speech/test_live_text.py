"""What is done to words before anybody sees them."""

import pytest

from tertulia.speech.domain import Word
from tertulia.speech.live.agreement import Agreement
from tertulia.speech.live.text import invented, join
from tertulia.speech.local import Reading

pytestmark = pytest.mark.unit


def words(text: str, start: float = 0.0) -> tuple[Word, ...]:
    return tuple(
        Word(t, start + i * 0.3, start + i * 0.3 + 0.3) for i, t in enumerate(text.split())
    )


def test_languages_without_spaces_have_none() -> None:
    assert join(words("你 好 。"), "zh") == "你好。"
    assert join(words("¿Qué tal?"), "es") == "¿Qué tal?"


def test_a_model_must_doubt_both_speech_and_words_to_be_silenced() -> None:
    assert invented(Reading(words("you"), "en", 0.2, no_speech=0.9))
    assert not invented(Reading(words("you"), "en", 0.9, no_speech=0.9))
    assert not invented(Reading(words("you"), "en", 0.2, no_speech=0.1))


def test_what_two_hypotheses_share_is_stable_whatever_its_case_and_commas() -> None:
    agreement = Agreement()
    agreement.hear(words("so what we do is"), sure_until=9)
    agreement.hear(words("So, what we did is"), sure_until=9)
    assert [w.text for w in agreement.stable] == ["So,", "what", "we"]
    assert [w.text for w in agreement.words] == ["So,", "what", "we", "did", "is"]


def test_words_at_the_end_of_the_window_stay_open() -> None:
    agreement = Agreement()
    agreement.hear(words("so what we do"), sure_until=0.7)
    agreement.hear(words("so what we do"), sure_until=0.7)
    assert [w.text for w in agreement.stable] == ["so", "what"]


def test_words_that_the_trimmed_window_repeats_are_not_doubled() -> None:
    agreement = Agreement()
    for _ in range(2):
        agreement.hear(words("so what we do"), sure_until=9)
    agreement.hear(words("we do is simple", start=0.9), sure_until=9)
    assert [w.text for w in agreement.words] == ["so", "what", "we", "do", "is", "simple"]
