"""The file a scripted bot answers by, and what can be wrong with it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from tertulia.bots.script.vocabulary import LANGUAGES, split
from tertulia.kernel.errors import InvalidRequestError

MOST_BYTES = 262_144
BUILT_IN = frozenset({"time", "date", "weekday", "said", "bot", "caller", "answer"})
"""Names every template may use: now, what was just said, who speaks, and what a tool answered."""

_PLACE = re.compile(r"\{([^{}\n]*)\}")
_NAME = r"^[a-z][a-z0-9_]{0,39}$"
_CAPTURE = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")

SlotKind = Literal["text", "name", "number", "date", "time", "phone", "email", "yes_no", "choice"]


class ScriptInvalidError(InvalidRequestError):
    """A script cannot be followed; every place that is wrong is named."""

    code = "script_invalid"
    title = "The script has mistakes"


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Said = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=2000)]],
    BeforeValidator(_listed),
    Field(max_length=40),
]
"""One sentence or several, of which one after the other is said."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Say(_Part):
    """What is said when nothing else fits."""

    greeting: Said = []
    unknown: Said = []
    silence: Said = []
    cancelled: Said = []


class Intent(_Part):
    """Something people say, and the answer: words, a form to fill in, or a tool's answer."""

    name: str = Field(pattern=_NAME)
    when: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1, max_length=200)]
    say: Said = []
    form: str | None = None
    call: str | None = Field(None, description="A tool of the bot; its answer is {answer}.")
    ends: bool = Field(False, description="Whether the conversation ends with this answer.")


class Slot(_Part):
    """Something a form asks for."""

    name: str = Field(pattern=_NAME)
    kind: SlotKind = "text"
    ask: Said = Field(min_length=1)
    again: Said = []
    choices: dict[str, Annotated[list[str], BeforeValidator(_listed)]] = Field(
        default={}, description="For `choice`: what is kept, and the words that mean it."
    )
    optional: bool = Field(False, description="Whether no is an answer.")


class Form(_Part):
    """Questions asked one after the other, read back, and kept."""

    name: str = Field(pattern=_NAME)
    begin: Said = []
    slots: list[Slot] = Field(min_length=1, max_length=20)
    confirm: Said = []
    done: Said = Field(min_length=1)
    call: str | None = Field(None, description="A tool of the bot that is given the answers.")


class _File(_Part):
    language: Literal["en", "es", "ru"] = "en"
    timezone: str | None = None
    say: Say = Say()
    values: dict[str, str] = {}
    intents: list[Intent] = Field(default=[], max_length=300)
    forms: list[Form] = Field(default=[], max_length=30)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("no such time zone. Write one like Europe/Madrid") from None
        return value


@dataclass(frozen=True)
class Script:
    """A script that can be followed."""

    language: str
    timezone: str | None
    say: Say
    values: Mapping[str, str]
    intents: tuple[Intent, ...]
    forms: Mapping[str, Form]
    tools: frozenset[str] = field(default_factory=frozenset)
    """The tools it calls."""


def parse(text: str) -> Script:
    """Reads a script, or says everything that is wrong with it."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise ScriptInvalidError(f"A script holds at most {MOST_BYTES} bytes. Split the bot.")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _invalid([("", f"The file is not TOML: {error}.")]) from None
    if data.get("language", "en") not in LANGUAGES:
        raise _invalid([("language", f"Give one of {', '.join(LANGUAGES)}.")])
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        found = [(_where(e["loc"]), _message(e)) for e in error.errors()]
        raise _invalid(found) from None
    if wrong := list(_mistakes(file)):
        raise _invalid(wrong)
    return Script(
        file.language,
        file.timezone,
        file.say,
        file.values,
        tuple(file.intents),
        {form.name: form for form in file.forms},
        frozenset(
            call
            for call in [*(i.call for i in file.intents), *(f.call for f in file.forms)]
            if call
        ),
    )


def captures(phrase: str) -> list[str]:
    """The names in a phrase that stand for words: `my name is {name}`."""
    return _CAPTURE.findall(phrase)


def _mistakes(file: _File) -> list[tuple[str, str]]:
    """What is well formed and cannot work."""
    found: list[tuple[str, str]] = []
    forms = {form.name for form in file.forms}
    if len(forms) < len(file.forms):
        found.append(("forms", "Two forms have the same name."))
    if len({intent.name for intent in file.intents}) < len(file.intents):
        found.append(("intents", "Two intents have the same name."))
    slots = {slot.name for form in file.forms for slot in form.slots}
    caught = {name for i in file.intents for phrase in i.when for name in captures(phrase)}
    known = BUILT_IN | set(file.values) | slots | caught
    for number, intent in enumerate(file.intents, 1):
        found += _intent_mistakes(f"intents[{number}] ({intent.name})", intent, forms)
    for form in file.forms:
        found += _form_mistakes(form)
    for where, said in _texts(file):
        for name in _PLACE.findall(said):
            if name.split(".")[0] not in known:
                found.append(
                    (where, f"Nothing is called {{{name[:40]}}}. There are: {_list(known)}.")
                )
    return found


def _intent_mistakes(where: str, intent: Intent, forms: set[str]) -> list[tuple[str, str]]:
    found = []
    if intent.form is not None and intent.form not in forms:
        found.append((f"{where}.form", f"There is no form {intent.form[:40]!r}."))
    if not (intent.say or intent.form or intent.call):
        found.append((where, "It answers nothing. Give it `say`, `form` or `call`."))
    if not all(split(_PLACE.sub(" ", phrase)) for phrase in intent.when):
        found.append((f"{where}.when", "A phrase needs at least one word of its own."))
    return found


def _form_mistakes(form: Form) -> list[tuple[str, str]]:
    found = []
    names = [slot.name for slot in form.slots]
    if len(set(names)) < len(names):
        found.append((f"forms ({form.name})", "Two slots have the same name."))
    for slot in form.slots:
        where = f"forms ({form.name}).slots ({slot.name})"
        if slot.kind == "choice" and not slot.choices:
            found.append((f"{where}.choices", "A choice needs `choices`."))
        if slot.kind != "choice" and slot.choices:
            found.append((f"{where}.choices", 'Only the kind "choice" has choices.'))
        if slot.name in BUILT_IN:
            found.append((where, f"{slot.name} has a meaning already. Call it something else."))
    return found


def _texts(file: _File) -> list[tuple[str, str]]:
    """Everything that may be said, and where it stands."""
    found = [(f"say.{name}", text) for name, texts in file.say for text in texts]
    for number, intent in enumerate(file.intents, 1):
        found += [(f"intents[{number}] ({intent.name}).say", text) for text in intent.say]
    for form in file.forms:
        where = f"forms ({form.name})"
        for name in ("begin", "confirm", "done"):
            found += [(f"{where}.{name}", text) for text in getattr(form, name)]
        for slot in form.slots:
            found += [(f"{where}.slots ({slot.name}).ask", text) for text in slot.ask + slot.again]
    return found


def _where(loc: tuple[int | str, ...]) -> str:
    """`intents[2].when`, counted from one as people do."""
    written = ""
    for part in loc:
        written += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if written else part
    return written


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] in ("model_type", "dict_type"):
        return f"A table is wanted here, as in [{error['loc'][-1]}]."
    if error["type"] == "list_type":
        return f"A list is wanted here, as in [[{error['loc'][-1]}]]."
    return _sentence(error["msg"])


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{text[:1].upper()}{text[1:]}."


def _list(names: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names))


def _invalid(found: list[tuple[str, str]]) -> ScriptInvalidError:
    shown = "; ".join(f"{where}: {message}" if where else message for where, message in found[:3])
    errors = [{"field": where, "message": message} for where, message in found]
    return ScriptInvalidError(shown, errors=errors)
