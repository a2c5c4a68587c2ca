"""Scripts that cannot be followed are refused with every place that is wrong."""

import pytest

from tertulia.bots.script import ScriptInvalidError, parse

pytestmark = pytest.mark.unit

INTENT = '[[intents]]\nname = "hi"\nwhen = "hello"\nsay = "Hello."\n'


def wrong(text: str) -> dict[str, str]:
    with pytest.raises(ScriptInvalidError) as caught:
        parse(text)
    return {error["field"]: error["message"] for error in caught.value.extra["errors"]}


def test_a_sentence_may_stand_for_a_list() -> None:
    script = parse(INTENT)
    assert script.intents[0].when == ["hello"]
    assert (script.language, script.timezone) == ("en", None)


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("say = [", "", "The file is not TOML"),
        ('language = "xx"', "language", "Give one of en, es, ru."),
        ('timezone = "Mars/Base"', "timezone", "No such time zone"),
        ("colour = 1", "colour", "Extra inputs"),
        ('[[intents]]\nname = "hi"\nwhen = []\nsay = "x"', "intents[1].when", "at least 1"),
        ('[[intents]]\nname = "hi"\nwhen = "x"', "intents[1] (hi)", "It answers nothing"),
        (
            '[[intents]]\nname = "hi"\nwhen = "..."\nsay = "x"',
            "intents[1] (hi).when",
            "at least one word",
        ),
        (INTENT.replace("Hello.", "Hello {nobody}."), "intents[1] (hi).say", "Nothing is called"),
        (INTENT + 'form = "none"', "intents[1] (hi).form", "There is no form 'none'"),
        (INTENT + INTENT, "intents", "Two intents have the same name"),
        (
            '[[forms]]\nname = "f"\ndone = "x"\n[[forms.slots]]\nname = "a"\nkind = "choice"\nask = "?"',
            "forms (f).slots (a).choices",
            "A choice needs",
        ),
        (
            '[[forms]]\nname = "f"\ndone = "x"\n[[forms.slots]]\nname = "time"\nask = "?"',
            "forms (f).slots (time)",
            "has a meaning already",
        ),
    ],
)
def test_what_is_wrong_is_said_where_it_is(text: str, field: str, message: str) -> None:
    assert message in wrong(text)[field]


def test_every_mistake_is_named_at_once() -> None:
    assert len(wrong('[[intents]]\nname = "Hi There"\nwhen = []\n[[forms]]\nname = "f"')) >= 4


def test_a_script_past_its_size_is_refused() -> None:
    with pytest.raises(ScriptInvalidError, match="at most"):
        parse("# " + "x" * 300_000)
