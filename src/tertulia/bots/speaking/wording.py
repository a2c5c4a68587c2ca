"""How each language says what is written with signs."""

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

LANGUAGES = ("en", "es", "ru")
OTHERWISE = "en"


@dataclass(frozen=True)
class Wording:
    """The words of one language."""

    language: str
    words: Mapping[str, str]
    months: tuple[str, ...]
    decimal: str
    """The sign before the decimals; the other of point and comma parts thousands."""
    degree: tuple[str, ...]
    percent: tuple[str, ...]
    abbreviations: Mapping[str, str]
    currencies: Mapping[str, tuple[str, ...]]
    units: Mapping[str, tuple[str, ...]]
    abbreviation: re.Pattern[str]
    ending: re.Pattern[str]
    """An abbreviation, or an initial, at the end of a text: its point ends no sentence."""

    def form(self, forms: tuple[str, ...], number: str) -> str:
        """The form of a noun that goes with a number: 1 euro, 2 euros; 1 рубль, 2 рубля, 5 рублей."""
        if not number.isdigit():
            return forms[1]
        value = int(number)
        if len(forms) == 2:
            return forms[0] if value == 1 else forms[1]
        if value % 10 == 1 and value % 100 != 11:
            return forms[0]
        return forms[1] if 2 <= value % 10 <= 4 and not 12 <= value % 100 <= 14 else forms[2]


def wording_of(language: str | None) -> Wording | None:
    """The wording of a language; None for one that is left as it is written."""
    code = (language or OTHERWISE).split("-")[0].lower()
    return _wording(code) if code in LANGUAGES else None


@functools.cache
def _wording(code: str) -> Wording:
    text = resources.files(__package__).joinpath("words", f"{code}.toml").read_text("utf-8")
    data = tomllib.loads(text)
    # the longest first, so that `и т.д.` is not taken for what it ends with
    short = sorted(data["abbreviations"], key=len, reverse=True)
    listed = "|".join(re.escape(one) for one in short)
    return Wording(
        language=code,
        words={name: value for name, value in data.items() if isinstance(value, str)},
        months=tuple(data["months"]),
        decimal=data["decimal"],
        degree=tuple(data["degree"]),
        percent=tuple(data["percent"]),
        abbreviations={one.lower(): said for one, said in data["abbreviations"].items()},
        currencies={sign: tuple(forms) for sign, forms in data["currencies"].items()},
        units={sign: tuple(forms) for sign, forms in data["units"].items()},
        abbreviation=re.compile(rf"(?<![\w.])(?:{listed})(?!\w)", re.IGNORECASE),
        ending=re.compile(rf"(?:(?<![\w.])(?:{listed})|\b[^\W\d_]\.)$", re.IGNORECASE),
    )
