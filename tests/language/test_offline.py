"""What the offline engine finds in dialogues of three languages, and how it takes bad input."""

import time
from pathlib import Path

import pytest

from tertulia.language.offline import feelings, findings, passages, summary, topics
from tertulia.language.offline.text import (
    Lexicon,
    Said,
    Sentence,
    language_of,
    lexicon,
    sentences,
    stem,
)

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parent / "dialogues"


class Dialogue:
    """A dialogue from a file, with its sentences."""

    def __init__(self, name: str) -> None:
        lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        parts = [line.partition(": ") for line in lines]
        self.said = [Said(n, who, text) for n, (who, _, text) in enumerate(parts, 1)]
        self.language = language_of(one.text for one in self.said)
        self.lex: Lexicon = lexicon(self.language)
        self.sentences: list[Sentence] = sentences(self.said)

    def tasks(self) -> set[tuple[int, str | None, str | None]]:
        found = findings.tasks(self.lex, self.sentences)
        return {(f.sentence.said.number, f.who, f.by) for f in found}

    def numbers(self, found: list[findings.Finding]) -> set[int]:
        return {f.sentence.said.number for f in found}

    def told(self) -> str:
        return summary.spoken(self.lex, summary.summary(self.lex, self.sentences))


def test_a_meeting_in_english() -> None:
    d = Dialogue("meeting.en")
    assert d.language == "en"
    assert d.tasks() == {
        (6, "Mark", "today"),
        (7, "Mark", "this afternoon"),
        (8, "Sofia", "by Wednesday"),
        (15, "Sofia", "next week"),
    }
    assert d.numbers(findings.risks(d.lex, d.sentences)) >= {4, 5}
    assert d.numbers(findings.decisions(d.lex, d.sentences)) == {12, 14}
    assert "launch with nine euros" in d.told()
    assert {"web shop", "bank"} <= set(topics.topics(d.lex, d.sentences))
    reason = findings.reason(d.lex, d.sentences)
    assert reason is not None
    assert "launch of the mobile app" in reason.what


def test_a_meeting_in_russian() -> None:
    d = Dialogue("meeting.ru")
    assert d.language == "ru"
    assert d.tasks() == {
        (5, "Марина", "завтра"),
        (6, "Игорь", "до пятницы"),
        (7, "Игорь", "к четвергу"),
        (13, "Марина", "сегодня вечером"),
    }
    assert d.numbers(findings.risks(d.lex, d.sentences)) == {3, 4, 8}
    assert d.numbers(findings.decisions(d.lex, d.sentences)) == {12}
    assert "до трёх дней" in d.told()


def test_a_call_in_spanish() -> None:
    d = Dialogue("call.es")
    assert d.language == "es"
    tasks = d.tasks()
    assert (9, "agente", "antes del viernes") in tasks
    assert {8, 9, 10, 11} == {number for number, _, _ in tasks}
    assert d.numbers(findings.risks(d.lex, d.sentences)) == {7}
    assert d.numbers(findings.decisions(d.lex, d.sentences)) == {12}
    first, last = feelings.course(d.lex, d.said)
    assert (first.label, last.label) == ("negative", "positive")
    # the agent's own words are not the customer's feeling
    assert last.number == 14
    assert findings.product(d.lex, d.said) == "factura"
    reason = findings.reason(d.lex, d.sentences)
    assert reason is not None
    assert reason.what.startswith("Llamo porque me han cobrado dos veces")
    assert "?" not in topics.short(d.lex, reason.what)


@pytest.mark.parametrize(
    ("language", "good", "bad", "none"),
    [
        ("en", "Thank you, that was very helpful!", "This is terrible, I am so angry.", "A table."),
        ("es", "Muchas gracias, todo perfecto.", "Es una vergüenza, estoy harta.", "Una mesa."),
        ("ru", "Спасибо, всё отлично работает!", "Это ужасно, я очень недоволен.", "Стол стоит."),
    ],
)
def test_feelings_by_words(language: str, good: str, bad: str, none: str) -> None:
    lex = lexicon(language)
    assert feelings.score(lex, good) > 0.3
    assert feelings.score(lex, bad) < -0.3
    assert feelings.score(lex, none) == 0


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "That is not bad at all."), ("es", "No está mal."), ("ru", "Это не плохо.")],
)
def test_a_negation_turns_a_word_round(language: str, text: str) -> None:
    assert feelings.score(lexicon(language), text) > 0


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Can you hear me?"),
        ("en", "I have to say I like it."),
        ("en", "If you cancel, I will call my lawyer."),
        ("en", "We need to know the number."),
        ("es", "¿Me puede decir su número, por favor?"),
        ("es", "Vamos a ver qué pasa."),
        ("ru", "Вы меня слышите?"),
        ("ru", "Надо сказать, что мне нравится."),
        ("ru", "Подождите, пожалуйста, минуту."),
    ],
)
def test_what_is_no_task(language: str, text: str) -> None:
    found = findings.tasks(lexicon(language), sentences([Said(1, "A", text)]))
    assert not found


@pytest.mark.parametrize(
    ("language", "question", "number"),
    [
        ("en", "Which price of the subscription did we choose in the survey?", 10),
        ("ru", "Кто позвонит перевозчику?", 5),
        ("es", "¿Cuándo llamará el técnico?", 11),
    ],
)
def test_the_passage_that_answers_comes_first(language: str, question: str, number: int) -> None:
    d = Dialogue({"en": "meeting.en", "ru": "meeting.ru", "es": "call.es"}[language])
    best = passages.passages(d.lex, question, d.said)
    assert number in [p.said.number for p in best[:2]]
    assert best[0].covered >= 0.5


def test_what_nobody_said_has_no_passage() -> None:
    d = Dialogue("meeting.en")
    assert not passages.passages(d.lex, "When does the submarine surface?", d.said)
    assert not passages.passages(d.lex, "What?", d.said)
    assert not passages.passages(d.lex, "???", [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "…!?!",
        "🙂🙂🙂",
        "مرحبا، كيف حالك اليوم؟ نحن بخير.",
        "今日は会議があります。明日電話します。",
        "1 2 3 4 5.",
        "word",
        "\u202eabc\u202c def.",
    ],
)
def test_anything_may_be_said(text: str) -> None:
    said = [Said(1, None, text)]
    lex = lexicon(language_of([text]))
    found = sentences(said)
    assert isinstance(summary.spoken(lex, summary.summary(lex, found)), str)
    assert findings.tasks(lex, found) == []
    assert findings.decisions(lex, found) == []
    feelings.course(lex, said)
    topics.topics(lex, found)
    findings.reason(lex, found)


def test_one_segment_without_end_takes_seconds_at_most() -> None:
    text = "the harbour and the boat and the sea " * 28_000
    began = time.monotonic()
    said = [Said(1, "A", text), Said(2, "B", "We have decided to go home by Friday evening.")]
    lex = lexicon("en")
    found = sentences(said)
    assert max(len(s.text) for s in found) <= 600
    summary.summary(lex, found)
    assert len(findings.decisions(lex, found)) == 1
    findings.tasks(lex, found)
    assert time.monotonic() - began < 30


def test_patterns_do_not_run_away() -> None:
    """Text made to keep a pattern busy ends in time."""
    for language in ("en", "es", "ru"):
        lex = lexicon(language)
        for text in ("and so well " * 50, "a " * 300, "ok, " * 150, "x" * 600, "no no no " * 60):
            began = time.monotonic()
            findings.tasks(lex, sentences([Said(1, None, text)]))
            findings.risks(lex, sentences([Said(1, None, text)]))
            findings.decisions(lex, sentences([Said(1, None, text)]))
            assert time.monotonic() - began < 2, (language, text[:20])


def test_stems_bring_forms_together() -> None:
    assert stem("ru", "доставки") == stem("ru", "доставка")
    assert stem("es", "reclamaciones") == stem("es", "reclamación")
    assert stem("en", "launching") == stem("en", "launches")
