"""Whole conversations with the shipped scripts, and the corners of their rules."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources

import pytest

from tertulia.bots.script import Answer, Player, Surroundings, parse
from tertulia.bots.script.player import State

pytestmark = pytest.mark.unit

MONDAY = Surroundings(datetime(2026, 3, 2, 12, tzinfo=UTC), "Host", "Ana")
Talk = Callable[..., list[Answer]]


def shipped(name: str) -> Player:
    text = resources.files("tertulia.bots").joinpath("shipped", f"{name}.toml").read_text("utf-8")
    return Player(parse(tomllib.loads(text)["script"]))


def talk(player: Player, *said: str) -> list[Answer]:
    """What is answered to one sentence after the other; the state goes through JSON's types each time."""
    state, answers = State(), []
    for text in said:
        answers.append(player.answer(text, state, MONDAY))
        state = State.of(answers[-1].state.data())
    return answers


def test_a_message_is_taken_and_read_back() -> None:
    answers = talk(
        shipped("answering-machine.en"),
        "when are you open",
        "could you take a message please",
        "my name is ana lopez",
        "er what was that",
        "five five five, one two three four",
        "the book has not arrived",
        "yes that is right",
    )
    assert "from ten to seven" in answers[0].text
    assert answers[1].text == "Gladly. What is your name?"
    assert "digit by digit" in answers[3].text
    assert "Ana Lopez, the number is 5 5 5 1 2 3 4" in answers[5].text
    assert answers[6].form == "message"
    assert answers[6].values == {
        "name": "Ana Lopez",
        "phone": "5551234",
        "message": "the book has not arrived",
    }


@pytest.mark.parametrize(
    ("name", "said", "values"),
    [
        (
            "table-booking.en",
            (
                "a table for four on friday at half past eight in the evening",
                "outside please",
                "in the name of smith",
                "yes",
            ),
            {
                "people": "4",
                "day": "2026-03-06",
                "hour": "20:30",
                "place": "outside",
                "name": "Smith",
            },
        ),
        (
            "table-booking.es",
            (
                "quería una mesa para seis personas mañana a las nueve y media de la noche",
                "en la terraza",
                "me llamo Juan Pérez",
                "sí",
            ),
            {
                "people": "6",
                "day": "2026-03-03",
                "hour": "21:30",
                "place": "fuera",
                "name": "Juan Pérez",
            },
        ),
        (
            "table-booking.ru",
            (
                "хочу заказать столик на четверых в пятницу в восемь вечера",
                "на террасе",
                "меня зовут анна",
                "да, верно",
            ),
            {
                "people": "4",
                "day": "2026-03-06",
                "hour": "20:00",
                "place": "терраса",
                "name": "Анна",
            },
        ),
    ],
)
def test_a_form_takes_what_one_sentence_says_and_asks_for_the_rest(
    name: str, said: tuple[str, ...], values: dict[str, str]
) -> None:
    last = talk(shipped(name), *said)[-1]
    assert (last.form, dict(last.values)) == ("booking", values)
    assert last.state.form is None


def test_no_begins_a_form_again_and_cancelling_leaves_it() -> None:
    answers = talk(
        shipped("table-booking.en"),
        "a table for two tomorrow at noon",
        "inside",
        "my name is bo",
        "no that is wrong",
        "never mind",
        "goodbye",
    )
    assert "all right" in answers[3].text.lower()
    assert answers[3].text.endswith("For how many people?")
    assert answers[4].text == "All right, nothing is booked."
    assert answers[5].ends


def test_a_question_in_between_is_answered_and_asked_for_again() -> None:
    answers = talk(shipped("table-booking.en"), "book a table", "do you have vegetarian food")
    assert "without meat" in answers[1].text
    assert answers[1].text.endswith("For how many people?")
    assert answers[1].state.slot == "people"


def test_a_question_nobody_answers_ends_the_form() -> None:
    answers = talk(shipped("table-booking.en"), "book a table", "well", "hm", "who knows")
    assert answers[-1].text == "All right, nothing is booked."
    assert answers[-1].state.form is None


def test_words_heard_badly_or_in_another_order_still_mean_the_same() -> None:
    player = shipped("answering-machine.en")
    said = "what are your open hours", "openings hour please", "hours of opening"
    assert {talk(player, text)[0].intent for text in said} == {"hours"}
    assert talk(player, "the quick brown fox")[0].intent is None


def test_silence_and_repeating() -> None:
    player = shipped("host.en")
    answers = talk(player, "  ", "what time is it", "say that again")
    assert "did not hear" in answers[0].text
    assert answers[1].text == answers[2].text


def test_what_was_said_is_never_a_template() -> None:
    player = shipped("host.en")
    answers = talk(player, "my name is {said}", "what is my name", "{weekday} {bot} {answer}")
    assert answers[1].text == "You told me that you are said."
    assert "{" not in answers[2].text
    assert "Monday" not in answers[2].text


def test_a_tool_s_answer_stands_where_the_script_says() -> None:
    player = Player(
        parse(
            '[[intents]]\nname = "order"\nwhen = "order {number}"\ncall = "orders"\n'
            'say = "Order {number} is {answer.state} at {answer.places.0}."'
        )
    )
    given = talk(player, "order 77")[0]
    assert (given.call, dict(given.values)) == ("orders", {"number": "77"})
    told = player.told(given, '{"state": "on its way", "places": ["Toledo"]}', MONDAY)
    assert told.text == "Order 77 is on its way at Toledo."
    assert player.told(given, "no json", MONDAY).text == "Order 77 is  at ."


@pytest.mark.parametrize("data", [None, {"form": 3, "values": "x"}, {"tries": "many"}, {"x": 1}])
def test_a_state_that_is_none_begins_anew(data: dict[str, object] | None) -> None:
    assert State.of(data).values == {}


def test_templates_know_the_time_and_the_caller() -> None:
    player = Player(
        parse('timezone = "Europe/Madrid"\n[say]\ngreeting = "{caller}, {weekday}, {date}, {time}"')
    )
    assert player.greeting(MONDAY) == "Ana, Monday, Monday, 2 March, 13:00"


@pytest.mark.parametrize("kind", ["host", "answering-machine", "table-booking"])
@pytest.mark.parametrize("language", ["en", "es", "ru"])
def test_every_shipped_script_greets(kind: str, language: str) -> None:
    player = shipped(f"{kind}.{language}")
    assert len(player.greeting(MONDAY)) > 20
