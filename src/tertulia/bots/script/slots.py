"""What an answer to a question holds: a number, a day, a time, a name … in three languages."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from tertulia.bots.script.format import Slot
from tertulia.bots.script.moments import find_date, find_time
from tertulia.bots.script.numbers import number_at
from tertulia.bots.script.vocabulary import Words, find, split, tokens

EARLY = ("email", "phone", "date", "time", "number", "choice")
"""What may be found in a sentence that says more, in the order it is looked for."""
MOST_CHARACTERS = 2_000
FEWEST_DIGITS = 5

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_DIGITS = re.compile(r"\+?\d[\d\s().-]{3,}\d")


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and the part of the text it came from."""

    value: str
    start: int
    end: int


def fill(slot: Slot, said: str, words: Words, today: date) -> Found | None:
    """The answer to the slot's question in what was said, or None."""
    text = said.strip()
    if not text:
        return None
    finder = _FINDERS.get(slot.kind)
    if finder is not None:
        return finder(text, words, today)
    if slot.kind == "choice":
        return _choice(slot, text)
    if slot.kind == "name":
        return _name(text, words)
    return Found(text[:MOST_CHARACTERS], 0, len(text))


def fill_early(slots: Sequence[Slot], said: str, words: Words, today: date) -> dict[str, str]:
    """What a sentence that begins a form says already; nothing is taken twice."""
    found: dict[str, str] = {}
    rest = said
    wanted = [slot for kind in EARLY for slot in slots if slot.kind == kind]
    for slot in wanted:
        if any(other.kind == slot.kind and other.name in found for other in wanted):
            continue
        value = fill(slot, rest, words, today)
        if value is not None:
            found[slot.name] = value.value
            rest = rest[: value.start] + " " * (value.end - value.start) + rest[value.end :]
    return found


def _number(text: str, words: Words, _: date) -> Found | None:
    """The first number; one that may be an article (`una mesa`) only where there is no other."""
    said = tokens(text)
    weak: Found | None = None
    place = 0
    while place < len(said):
        value, used = number_at(said, place, words)
        if used:
            found = Found(str(value), said[place].start, said[place + used - 1].end)
            if used > 1 or (said[place].word,) not in words.phrases["articles"]:
                return found
            weak = weak or found
        place += max(used, 1)
    return weak


def _date(text: str, words: Words, today: date) -> Found | None:
    found = find_date(text, words, today)
    return None if found is None else Found(found[0].isoformat(), found[1], found[2])


def _time(text: str, words: Words, _: date) -> Found | None:
    found = find_time(text, words)
    return None if found is None else Found(f"{found[0]:%H:%M}", found[1], found[2])


def _phone(text: str, words: Words, _: date) -> Found | None:
    """Digits as they are written, or said one after the other."""
    if written := _DIGITS.search(text):
        return Found(_plain_phone(written[0]), written.start(), written.end())
    said = tokens(text)
    digits, first, last, place = "", None, 0, 0
    while place < len(said):
        value, used = number_at(said, place, words, one_word=True)
        if used:
            digits += str(value)
            first, last = place if first is None else first, place
            place += used
        elif digits and (said[place].word,) not in words.phrases["join"]:
            break
        else:
            place += 1
    if first is None or len(digits) < FEWEST_DIGITS:
        return None
    return Found(digits, said[first].start, said[last].end)


def _plain_phone(written: str) -> str:
    return ("+" if written.lstrip().startswith("+") else "") + re.sub(r"\D", "", written)


def _email(text: str, words: Words, _: date) -> Found | None:
    """An address as it is written, or as it is said: `ana at example dot org`."""
    if written := _EMAIL.search(text):
        return Found(written[0].lower(), written.start(), written.end())
    said = tokens(text)
    plain = tuple(token.word for token in said)
    at = next((p for w in words.phrases["email_at"] if (p := find(plain, w)) is not None), None)
    dots = {w[0] for w in words.phrases["email_dot"]}
    if at is None or not at or not any(word in dots for word in plain[at + 1 :]):
        return None
    first = at - 1
    while first > 1 and plain[first - 1] in dots:
        first -= 2
    last = at + 1
    while last + 2 < len(plain) and plain[last + 1] in dots:
        last += 2
    local = "".join("." if word in dots else word for word in plain[first:at])
    domain = "".join("." if word in dots else word for word in plain[at + 1 : last + 1])
    if "." not in domain:
        return None
    return Found(f"{local}@{domain}", said[first].start, said[last].end)


def _yes_no(text: str, words: Words, _: date) -> Found | None:
    said = split(text)
    if words.says("no", said):
        return Found("no", 0, len(text))
    return Found("yes", 0, len(text)) if words.says("yes", said) else None


def _choice(slot: Slot, text: str) -> Found | None:
    said = tokens(text)
    plain = tuple(token.word for token in said)
    for value, ways in slot.choices.items():
        for way in (value, *ways):
            wanted = split(way)
            place = find(plain, wanted) if wanted else None
            if place is not None:
                last = place + len(wanted) - 1
                return Found(value, said[place].start, said[last].end)
    return None


def _name(text: str, words: Words) -> Found | None:
    """What follows `my name is`, or all of a short answer."""
    said = tokens(text)
    plain = tuple(token.word for token in said)
    for before in words.phrases["name_after"]:
        place = find(plain, before)
        if place is not None and place + len(before) < len(said):
            start = said[place + len(before)].start
            return _titled(text, start, said[-1].end)
    if not said:
        return None
    return _titled(text, said[0].start, said[-1].end)


def _titled(text: str, start: int, end: int) -> Found:
    """Recognisers write names small; as they are kept, they begin large."""
    value = text[start:end][:MOST_CHARACTERS]
    if value == value.lower():
        value = value.title()
    return Found(value, start, end)


def spoken_value(slot: Slot, value: str, words: Words) -> str:
    """A value as it is read back: days by their name, digits of a telephone apart."""
    if slot.kind == "date":
        day = date.fromisoformat(value)
        return said_date(day, words)
    if slot.kind == "phone":
        return " ".join(value)
    if slot.kind == "yes_no":
        return " ".join(words.phrases[value][-1]) if value in ("yes", "no") else value
    return value


def said_date(day: date, words: Words) -> str:
    """`friday, 6 march`, as each language says it."""
    weekday = next(name for name, place in _NAMES[words.language][0] if place == day.weekday())
    month = next(name for name, place in _NAMES[words.language][1] if place == day.month)
    of = " de " if words.language == "es" else " "
    return f"{weekday}, {day.day}{of}{month}"


_Finder = Callable[[str, Words, date], Found | None]
_FINDERS: dict[str, _Finder] = {
    "number": _number,
    "date": _date,
    "time": _time,
    "phone": _phone,
    "email": _email,
    "yes_no": _yes_no,
}
_NAMES: dict[str, tuple[list[tuple[str, int]], list[tuple[str, int]]]] = {
    language: (
        [(name, n) for n, name in enumerate(days.split())],
        [(name, n) for n, name in enumerate(months.split(), 1)],
    )
    for language, days, months in (
        (
            "en",
            "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
            "January February March April May June July August September October November December",
        ),
        (
            "es",
            "lunes martes miércoles jueves viernes sábado domingo",
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        ),
        (
            "ru",
            "понедельник вторник среда четверг пятница суббота воскресенье",
            "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        ),
    )
}
