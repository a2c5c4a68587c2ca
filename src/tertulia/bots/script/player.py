"""Follows a script: one thing said in, one answer out, and what to remember until the next."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tertulia.bots.script.format import Form, Script, Slot
from tertulia.bots.script.matching import CLEARLY, Match, best
from tertulia.bots.script.slots import fill, fill_early, said_date, spoken_value
from tertulia.bots.script.vocabulary import split, words_of

MOST_TRIES = 3
"""A question is asked this often; then the form is left."""

_PLACE = re.compile(r"\{([a-z_][\w.]*)\}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a script may speak of besides what was said."""

    now: datetime
    bot: str = ""
    caller: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered between two answers."""

    form: str | None = None
    slot: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    confirming: bool = False
    tries: int = 0
    turn: int = 0
    last: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> "State":
        """As it was handed over; what is not a state is none."""
        known = {k: v for k, v in (data or {}).items() if k in cls.__dataclass_fields__}
        try:
            state = cls(**known)
            values = {str(k): str(v) for k, v in dict(state.values).items()}
            return replace(
                state,
                values=values,
                tries=int(state.tries),
                turn=int(state.turn),
                last=str(state.last),
            )
        except (TypeError, ValueError):
            return cls()

    def data(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "slot": self.slot,
            "values": dict(self.values),
            "confirming": self.confirming,
            "tries": self.tries,
            "turn": self.turn,
            "last": self.last,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said, what is to be remembered, and what else follows.

    Where `call` names a tool, `text` still has `{answer}` in it: `Player.told` puts the tool's answer there.
    """

    text: str
    state: State
    intent: str | None = None
    form: str | None = None
    """The form that is complete with this answer; its values are in `values`."""
    values: Mapping[str, str] = field(default_factory=dict)
    call: str | None = None
    ends: bool = False


class Player:
    """One script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._words = words_of(script.language)

    def greeting(self, around: Surroundings) -> str:
        """What is said before anybody has spoken."""
        return self._filled(_nth(self._script.say.greeting, 0), State(), around)

    def answer(self, said: str, state: State, around: Surroundings) -> Answer:
        """The answer to what was said."""
        state = replace(state, turn=state.turn + 1)
        given = self._answer(said.strip(), state, around)
        if not given.call:
            given = replace(given, state=replace(given.state, last=given.text))
        return given

    def told(self, given: Answer, answer: str, around: Surroundings) -> Answer:
        """The answer with what its tool said in it."""
        text = self._with_answer(given.text, answer)
        return replace(given, text=text, state=replace(given.state, last=text))

    def _answer(self, said: str, state: State, around: Surroundings) -> Answer:
        words = split(said)
        if not words:
            return Answer(self._own("silence", self._script.say.silence, state, around), state)
        if self._words.says("repeat", words) and len(words) <= 5:
            again = state.last or self._own("nothing_to_repeat", (), state, around)
            return Answer(again, state)
        form = self._script.forms.get(state.form or "")
        if form is not None:
            return self._in_form(form, said, state, around)
        match = best(self._script.intents, said, self._words)
        if match is None:
            text = self._own("unknown", self._script.say.unknown, state, around, said=said)
            return Answer(text, replace(state, tries=state.tries + 1))
        return self._meant(match, said, replace(state, tries=0), around)

    def _meant(self, match: Match, said: str, state: State, around: Surroundings) -> Answer:
        intent = match.intent
        state = replace(state, values={**state.values, **match.caught})
        text = self._filled(_nth(intent.say, state.turn - 1), state, around, said=said)
        form = self._script.forms.get(intent.form or "")
        if form is None:
            return Answer(
                text, state, intent.name, call=intent.call, values=state.values, ends=intent.ends
            )
        today = self._now(around).date()
        early = fill_early(form.slots, said, self._words, today)
        caught = {s.name: match.caught[s.name] for s in form.slots if s.name in match.caught}
        begun = replace(state, form=form.name, values={**early, **caught}, tries=0)
        begin = self._filled(_nth(form.begin, state.turn - 1), begun, around, said=said)
        following = self._next(form, begun, around)
        return replace(following, text=_joined(text, begin, following.text), intent=intent.name)

    def _in_form(self, form: Form, said: str, state: State, around: Surroundings) -> Answer:
        words = split(said)
        if self._words.says("cancel", words) and len(words) <= 5:
            text = self._own("cancelled", self._script.say.cancelled, state, around)
            return Answer(text, State(turn=state.turn))
        if state.confirming:
            return self._confirmed(form, said, state, around)
        slot = next((s for s in form.slots if s.name == state.slot), form.slots[0])
        today = self._now(around).date()
        skipped = slot.optional and slot.kind != "yes_no" and self._refused(words)
        found = None if skipped else fill(slot, said, self._words, today)
        if found is None and not skipped:
            return self._asked_again(form, slot, said, state, around)
        values = {**state.values, slot.name: found.value if found else ""}
        return self._next(form, replace(state, values=values, tries=0), around)

    def _refused(self, words: tuple[str, ...]) -> bool:
        return len(words) <= 4 and self._words.says("no", words)

    def _asked_again(
        self, form: Form, slot: Slot, said: str, state: State, around: Surroundings
    ) -> Answer:
        """A question in between is answered first; one that is never answered ends the form."""
        aside = [intent for intent in self._script.intents if intent.say and not intent.form]
        match = best(aside, said, self._words)
        if match is not None and match.score >= CLEARLY and not match.intent.call:
            between = self._filled(_nth(match.intent.say, state.turn - 1), state, around, said=said)
            if match.intent.ends:
                return Answer(between, State(turn=state.turn), match.intent.name, ends=True)
            asked = self._filled(_nth(slot.ask, 0), state, around)
            return Answer(_joined(between, asked), state, match.intent.name)
        if state.tries + 1 >= MOST_TRIES:
            text = self._own("cancelled", self._script.say.cancelled, state, around)
            return Answer(text, State(turn=state.turn))
        again = self._own("again", slot.again, state, around, said=said)
        asked = "" if slot.again else self._filled(_nth(slot.ask, state.tries + 1), state, around)
        return Answer(_joined(again, asked), replace(state, tries=state.tries + 1))

    def _next(self, form: Form, state: State, around: Surroundings) -> Answer:
        """The next question, the reading back, or the end."""
        for slot in form.slots:
            if slot.name not in state.values:
                asked = self._filled(_nth(slot.ask, 0), state, around)
                return Answer(asked, replace(state, slot=slot.name, confirming=False))
        if form.confirm and not state.confirming:
            text = self._filled(_nth(form.confirm, 0), state, around)
            return Answer(text, replace(state, slot=None, confirming=True, tries=0))
        text = self._filled(_nth(form.done, 0), state, around)
        over = State(turn=state.turn)
        return Answer(text, over, form=form.name, values=dict(state.values), call=form.call)

    def _confirmed(self, form: Form, said: str, state: State, around: Surroundings) -> Answer:
        words = split(said)
        if self._words.says("no", words):
            begun = replace(state, values={}, slot=None, confirming=False, tries=0)
            first = self._next(form, begun, around)
            return replace(
                first, text=_joined(self._own("not_confirmed", (), state, around), first.text)
            )
        if self._words.says("yes", words):
            return self._next(form, state, around)
        if state.tries + 1 >= MOST_TRIES:
            text = self._own("cancelled", self._script.say.cancelled, state, around)
            return Answer(text, State(turn=state.turn))
        again = self._own("confirm_again", (), state, around)
        return Answer(again, replace(state, tries=state.tries + 1))

    # Words

    def _own(
        self, name: str, texts: Sequence[str], state: State, around: Surroundings, *, said: str = ""
    ) -> str:
        """The script's own words, or those every script of its language has."""
        chosen = _nth(texts or self._words.defaults[name], state.tries)
        return self._filled(chosen, state, around, said=said)

    def _now(self, around: Surroundings) -> datetime:
        zone = self._script.timezone
        return around.now.astimezone(ZoneInfo(zone) if zone else None)

    def _filled(self, text: str, state: State, around: Surroundings, *, said: str = "") -> str:
        """The template with its values, in one pass: what was said is never read as a template."""
        now = self._now(around)
        known: dict[str, str] = {
            **self._script.values,
            **self._spoken(state),
            "time": f"{now:%H:%M}",
            "date": said_date(now.date(), self._words),
            "weekday": said_date(now.date(), self._words).split(",")[0],
            "said": said,
            "bot": around.bot,
            "caller": around.caller,
        }
        return _PLACE.sub(
            lambda m: m[0] if m[1].split(".")[0] == "answer" else _bare(known.get(m[1], "")), text
        ).strip()

    def _spoken(self, state: State) -> dict[str, str]:
        form = self._script.forms.get(state.form or "")
        slots = {slot.name: slot for slot in form.slots} if form else {}
        return {
            name: spoken_value(slots[name], value, self._words)
            if name in slots and value
            else value
            for name, value in state.values.items()
        }

    def _with_answer(self, text: str, answer: str) -> str:
        try:
            data = json.loads(answer)
        except ValueError:
            data = None

        def part(match: "re.Match[str]") -> str:
            name, *path = match[1].split(".")
            if name != "answer":
                return match[0]
            return answer if not path else _inside(data, path)

        return _PLACE.sub(part, text).strip()


def _inside(data: Any, path: Sequence[str]) -> str:
    """A value in a tool's JSON by its path; nothing where it is not."""
    for name in path:
        if isinstance(data, Mapping):
            data = data.get(name)
        elif isinstance(data, list) and name.isdigit() and int(name) < len(data):
            data = data[int(name)]
        else:
            return ""
    return "" if data is None or isinstance(data, (dict, list)) else str(data)


def _nth(texts: Sequence[str], number: int) -> str:
    """One after the other, and from the beginning again."""
    return texts[number % len(texts)] if texts else ""


def _bare(value: str) -> str:
    """A value that can be taken for no template, when the tool's answer is put in later."""
    return value.replace("{", "(").replace("}", ")")


def _joined(*texts: str) -> str:
    return " ".join(text for text in texts if text)
