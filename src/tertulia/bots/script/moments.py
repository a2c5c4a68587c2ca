"""Days and times as they are said: `tomorrow`, `el viernes`, `пятого марта`, `half past five`."""

import re
from collections.abc import Sequence
from datetime import date, time, timedelta

from tertulia.bots.script.numbers import number_at
from tertulia.bots.script.vocabulary import Token, Words, find, tokens

_WRITTEN_TIME = re.compile(r"\b([01]?\d|2[0-3])[:.h]([0-5]\d)\b")
_WRITTEN_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_SHORT_DATE = re.compile(r"\b(\d{1,2})[./](\d{1,2})(?:[./](\d{2,4}))?\b")

Place = tuple[int, int]
"""From the first to past the last character."""


def find_date(text: str, words: Words, today: date) -> tuple[date, int, int] | None:
    """A day in the future, or today."""
    if written := _written(text, words, today):
        return written
    said = tokens(text)
    for meaning, days in (("after_tomorrow", 2), ("today", 0)):
        if place := _phrase(said, words, meaning):
            return today + timedelta(days), *place
    if found := _by_weekday(said, words, today) or _by_month(said, words, today):
        return found
    # last, since in Spanish it is also the morning
    if place := _phrase(said, words, "tomorrow"):
        return today + timedelta(1), *place
    return None


def find_time(text: str, words: Words) -> tuple[time, int, int] | None:
    """A time of day."""
    said = tokens(text)
    late = _phrase(said, words, "evening") is not None
    early = _phrase(said, words, "morning") is not None
    if written := _WRITTEN_TIME.search(text):
        hour = _of_day(int(written[1]), late, early)
        return time(hour, int(written[2])), written.start(), written.end()
    for meaning, hour in (("noon", 12), ("midnight", 0)):
        if place := _phrase(said, words, meaning):
            return time(hour), *place
    found = [spoken for n in range(len(said)) if (spoken := _spoken_time(said, n, words))]
    if not found:
        return None
    # a time that says which half of the day it is in is surer than a number that may be something else
    ends = [_until(said, spoken[3], words) for spoken in found]
    sure = [n for n, end in enumerate(ends) if end > said[found[n][3]].end]
    chosen = sure[0] if sure else 0
    first, hour, minute, _ = found[chosen]
    return time(_of_day(hour, late, early), minute), said[first].start, ends[chosen]


def _written(text: str, words: Words, today: date) -> tuple[date, int, int] | None:
    for pattern in (_WRITTEN_DATE, _SHORT_DATE):
        if found := pattern.search(text):
            try:
                if pattern is _WRITTEN_DATE:
                    day = date(int(found[1]), int(found[2]), int(found[3]))
                else:
                    day = _next(int(found[1]), int(found[2]), found[3], today)
            except ValueError:
                continue
            return day, found.start(), found.end()
    return None


def _next(day: int, month: int, year: str | None, today: date) -> date:
    """The date in the year given, else the next one there is."""
    if year:
        return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    this = date(today.year, month, day)
    return this if this >= today else date(today.year + 1, month, day)


def _by_weekday(said: Sequence[Token], words: Words, today: date) -> tuple[date, int, int] | None:
    for token in said:
        weekday = words.weekdays.get(token.word)
        if weekday is not None:
            day = today + timedelta((weekday - today.weekday() - 1) % 7 + 1)
            return day, token.start, token.end
    return None


def _by_month(said: Sequence[Token], words: Words, today: date) -> tuple[date, int, int] | None:
    """`the fifth of march`, `march 5`, `5 de marzo`, `пятого марта`."""
    for place, token in enumerate(said):
        month = words.months.get(token.word)
        if month is None:
            continue
        for first in range(max(0, place - 4), min(len(said), place + 3)):
            value, used = number_at(said, first, words)
            between = said[first + used : place] if first < place else said[place + 1 : first]
            links = {phrase[0] for phrase in words.phrases["date_links"]}
            if not used or not 1 <= value <= 31 or any(t.word not in links for t in between):
                continue
            try:
                day = _next(value, month, None, today)
            except ValueError:
                return None
            last = max(place, first + used - 1)
            return day, said[min(first, place)].start, said[last].end
    return None


def _spoken_time(
    said: Sequence[Token], start: int, words: Words
) -> tuple[int, int, int, int] | None:
    """The first word's place, hour, minute and the last word's place, of a time that begins here."""
    found = _time_at(said, start, words)
    return None if found is None else (start, *found)


def _time_at(said: Sequence[Token], start: int, words: Words) -> tuple[int, int, int] | None:
    plain = tuple(token.word for token in said)
    for meaning, shift in (
        ("half_after", 30),
        ("quarter_after", 15),
        ("quarter_before", -15),
        ("half_before", -30),
    ):
        if found := _shifted(said, plain, start, words, meaning, shift):
            return found
    value, used = number_at(said, start, words)
    if not used or value > 24:
        return None
    after = start + used
    for meaning, minutes in (("and_half", 30), ("and_quarter", 15), ("less_quarter", -15)):
        for phrase in words.phrases[meaning]:
            if plain[after : after + len(phrase)] == phrase:
                return *_clock(value, minutes), after + len(phrase) - 1
    return _with_minutes(said, plain, start, value, after, words)


def _with_minutes(
    said: Sequence[Token], plain: tuple[str, ...], start: int, value: int, after: int, words: Words
) -> tuple[int, int, int] | None:
    for meaning, sign in (("minutes_after", 1), ("minutes_before", -1)):
        for phrase in words.phrases[meaning]:
            if plain[after : after + len(phrase)] != phrase:
                continue
            other, used = number_at(said, after + len(phrase), words)
            if not used:
                continue
            last = after + len(phrase) + used - 1
            # English says the minutes first, Spanish the hour
            hour, minutes = (other, value) if words.language == "en" else (value, other)
            if hour <= 24 and minutes < 60:
                return *_clock(hour, sign * minutes), last
    minutes, used = number_at(said, after, words)
    if used and 0 <= minutes < 60 and (minutes >= 10 or words.language != "en"):
        return *_clock(value, minutes), after + used - 1
    if _is_time(plain, start, after, words):
        return *_clock(value, 0), after - 1
    return None


def _shifted(
    said: Sequence[Token],
    plain: tuple[str, ...],
    start: int,
    words: Words,
    meaning: str,
    shift: int,
) -> tuple[int, int, int] | None:
    """`half past five`, `quarter to six`, `половина шестого`."""
    for phrase in words.phrases[meaning]:
        if plain[start : start + len(phrase)] == phrase:
            hour, used = number_at(said, start + len(phrase), words)
            if used and hour <= 24:
                return *_clock(hour, shift), start + len(phrase) + used - 1
    return None


def _is_time(plain: tuple[str, ...], start: int, after: int, words: Words) -> bool:
    """Whether a bare number is a time: something before or after it says so, or nothing else is said."""
    if start == 0 and after == len(plain):
        return True
    before = any(
        plain[start - len(phrase) : start] == phrase
        for phrase in words.phrases["time_before"]
        if start >= len(phrase)
    )
    following = any(
        plain[after : after + len(phrase)] == phrase
        for meaning in ("hour_words", "morning", "evening")
        for phrase in words.phrases[meaning]
    )
    return before or following


def _clock(hour: int, minutes: int) -> tuple[int, int]:
    total = (hour * 60 + minutes) % (24 * 60)
    return total // 60, total % 60


def _of_day(hour: int, late: bool, early: bool) -> int:
    if late and 1 <= hour < 12:
        return hour + 12
    return 0 if early and hour == 12 else hour % 24


def _until(said: Sequence[Token], last: int, words: Words) -> int:
    """The end of the time, with what says which half of the day it is in."""
    plain = tuple(token.word for token in said)
    for meaning in ("hour_words", "morning", "evening"):
        for phrase in words.phrases[meaning]:
            if plain[last + 1 : last + 1 + len(phrase)] == phrase:
                return said[last + len(phrase)].end
    return said[last].end


def _phrase(said: Sequence[Token], words: Words, meaning: str) -> Place | None:
    plain = tuple(token.word for token in said)
    for phrase in words.phrases[meaning]:
        place = find(plain, phrase)
        if place is not None:
            return said[place].start, said[place + len(phrase) - 1].end
    return None
