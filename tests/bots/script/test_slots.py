"""What an answer holds, in three languages."""

from datetime import date

import pytest

from tertulia.bots.script.format import Slot
from tertulia.bots.script.slots import fill, said_date
from tertulia.bots.script.vocabulary import words_of

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("language", "kind", "said", "value"),
    [
        ("en", "number", "we are twenty five people", "25"),
        ("en", "number", "two hundred and forty two", "242"),
        ("en", "number", "three thousand one hundred", "3100"),
        ("en", "number", "about 12", "12"),
        ("es", "number", "doscientas cuarenta y dos", "242"),
        ("es", "number", "una mesa para cinco", "5"),
        ("es", "number", "una", "1"),
        ("ru", "number", "двести сорок два", "242"),
        ("ru", "number", "две тысячи пятьсот", "2500"),
        ("en", "number", "nobody knows", None),
        ("en", "date", "on friday", "2026-03-06"),
        ("en", "date", "next monday", "2026-03-09"),
        ("en", "date", "the fifth of march", "2026-03-05"),
        ("en", "date", "march 1", "2027-03-01"),
        ("en", "date", "day after tomorrow", "2026-03-04"),
        ("en", "date", "2026-12-24", "2026-12-24"),
        ("en", "date", "the thirty first of february", None),
        ("es", "date", "pasado mañana", "2026-03-04"),
        ("es", "date", "el quince de abril", "2026-04-15"),
        ("es", "date", "el viernes por la mañana", "2026-03-06"),
        ("ru", "date", "пятого марта", "2026-03-05"),
        ("ru", "date", "в среду", "2026-03-04"),
        ("ru", "date", "послезавтра", "2026-03-04"),
        ("en", "time", "half past five", "05:30"),
        ("en", "time", "a quarter to six in the evening", "17:45"),
        ("en", "time", "ten past seven pm", "19:10"),
        ("en", "time", "at noon", "12:00"),
        ("en", "time", "8:15", "08:15"),
        ("en", "time", "eight", "08:00"),
        ("en", "time", "seven thirty", "07:30"),
        ("es", "time", "a las cinco y media de la tarde", "17:30"),
        ("es", "time", "a las seis menos cuarto", "05:45"),
        ("es", "time", "a las nueve y diez", "09:10"),
        ("ru", "time", "в семь часов вечера", "19:00"),
        ("ru", "time", "половина шестого", "05:30"),
        ("en", "phone", "it is five five five one two three four", "5551234"),
        ("en", "phone", "+34 600 12 34 56", "+34600123456"),
        ("es", "phone", "seis cero cero, doce, treinta y cuatro", "6001234"),
        ("ru", "phone", "девятьсот один двести тридцать четыре", "901234"),
        ("en", "phone", "one two", None),
        ("en", "email", "Ana.Lopez@example.org", "ana.lopez@example.org"),
        ("en", "email", "it is ana dot lopez at example dot org", "ana.lopez@example.org"),
        ("es", "email", "ana arroba ejemplo punto es", "ana@ejemplo.es"),
        ("ru", "email", "anna собака пример точка рф", "anna@пример.рф"),
        ("en", "email", "no idea", None),
        ("en", "yes_no", "yes please", "yes"),
        ("es", "yes_no", "claro que sí", "yes"),
        ("ru", "yes_no", "нет, спасибо", "no"),
        ("en", "yes_no", "perhaps", None),
        ("en", "name", "well my name is ana", "Ana"),
        ("es", "name", "soy María José", "María José"),
        ("ru", "name", "анна", "Анна"),
        ("en", "text", "  whatever it is ", "whatever it is"),
        ("en", "text", "", None),
    ],
)
def test_what_an_answer_holds(language: str, kind: str, said: str, value: str | None) -> None:
    slot = Slot.model_validate({"name": "x", "kind": kind, "ask": "?"})
    found = fill(slot, said, words_of(language), MONDAY)
    assert (found.value if found else None) == value


def test_a_choice_is_known_by_any_of_its_words() -> None:
    slot = Slot.model_validate(
        {
            "name": "x",
            "kind": "choice",
            "ask": "?",
            "choices": {"out": ["on the terrace"], "in": "room"},
        }
    )
    words = words_of("en")
    found = fill(slot, "on the terrace, please", words, MONDAY)
    assert found is not None
    assert found.value == "out"
    assert fill(slot, "anywhere", words, MONDAY) is None


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Monday, 2 March"), ("es", "lunes, 2 de marzo"), ("ru", "понедельник, 2 марта")],
)
def test_days_are_read_back_in_the_language(language: str, said: str) -> None:
    assert said_date(MONDAY, words_of(language)) == said
