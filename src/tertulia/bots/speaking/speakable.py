"""Written text as it is said: no Markdown, links by their words, signs and short forms in full."""

import html
import re
import unicodedata
from urllib.parse import urlsplit

from tertulia.bots.speaking.wording import Wording, wording_of

_FENCED = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_INLINE_CODE = re.compile(r"`([^`\n]*)`")
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\([^)\n]{0,2000}\)")
_REFERENCE = re.compile(r"\[([^\[\]\n]{1,300})\]\[[^\[\]\n]{0,300}\]")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_AUTOLINK = re.compile(r"<(https?://[^<>\s]+|[\w.+-]+@[\w.-]+)>")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\")\]]*[^\s<>\")\].,;:!?]")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINE_START = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+•][ \t]+(?:\[[ xX]\][ \t]+)?)", re.MULTILINE
)
_RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$", re.MULTILINE)
_TABLE_RULE = re.compile(
    r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$", re.MULTILINE
)
_TABLE_ROW = re.compile(r"^[ \t]*\|(.*?)\|?[ \t]*$", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*{1,3}|~~|(?<!\w)_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)", re.DOTALL)
_NUMBERED = re.compile(r"^([ \t]*\d{1,3})[.)](?=\s)", re.MULTILINE)
_FOOTNOTE = re.compile(r"\[\^?\d+\]")
_NUMBER = r"\d+(?:[.,   ]\d{3})*(?:[.,]\d+)?"
_ISO_DATE = re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b")
_RANGE = re.compile(r"(?<=\d)\s?[–—]\s?(?=\d)")
_NEGATIVE = re.compile(r"(?<![\w.,])[-−](?=\d)")
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,   ])\d{3})(?:\1\d{3})*(?![\d])")
_SIGNS = str.maketrans(
    {"→": ", ", "⇒": ", ", "←": ", ", "•": ", ", "|": ", ", "\u00a0": " ", "\u202f": " "}
)


def speakable(text: str, language: str | None = None) -> str:
    """The text as a voice should say it; empty where there is nothing to say."""
    wording = wording_of(language)
    code = wording.words["code"] if wording else ""
    said = _FENCED.sub(f" {code} ", html.unescape(text))
    said = _without_markup(said)
    if wording is not None:
        said = _in_words(said, wording)
    else:
        said = _URL.sub(lambda m: _host(m[0]), said)
    said = "".join(c for c in said.translate(_SIGNS) if not _is_picture(c))
    said = re.sub(r"\s+([,.;:!?…])", r"\1", " ".join(said.split()))
    said = re.sub(r"^[\s,;:]+|(?<=[,;:])[\s,;]+(?=[,;:.])", "", said)
    return said if any(c.isalnum() for c in said) else ""


def _without_markup(text: str) -> str:
    text = _AUTOLINK.sub(r"\1", text)
    text = _IMAGE_OR_LINK.sub(r"\1", text)
    text = _REFERENCE.sub(r"\1", text)
    text = _TABLE_RULE.sub("", _RULE.sub("", text))
    text = _TABLE_ROW.sub(
        lambda m: ", ".join(cell.strip() for cell in m[1].split("|") if cell.strip()) + ".", text
    )
    text = _FOOTNOTE.sub("", _LINE_START.sub("", text))
    text = _NUMBERED.sub(r"\1,", text)
    text = _INLINE_CODE.sub(r"\1", text)
    for _ in range(3):  # bold in italics in a struck line is as deep as it goes
        text = _EMPHASIS.sub(r"\2", text)
    return _TAG.sub(" ", text).replace("**", "").replace("`", "").replace("~~", "")


def _in_words(text: str, wording: Wording) -> str:
    words = wording.words
    text = _URL.sub(lambda m: f"{words['link']} {_dotted(_host(m[0]), wording)}", text)
    text = _EMAIL.sub(lambda m: _address(m[0], wording), text)
    text = wording.abbreviation.sub(lambda m: wording.abbreviations[m[0].lower()], text)
    text = _ISO_DATE.sub(
        lambda m: f"{int(m[3])}{words['of']}{wording.months[int(m[2]) - 1]}{words['of']}{m[1]}",
        text,
    )
    text = _THOUSANDS.sub(lambda m: _joined_thousands(m, wording), text)
    text = _RANGE.sub(f" {words['range']} ", text)
    text = _NEGATIVE.sub(f"{words['minus']} ", text)
    text = _money(text, wording)
    text = re.sub(rf"({_NUMBER})\s?%", lambda m: _counted(m[1], wording.percent, wording), text)
    text = re.sub(
        rf"({_NUMBER})\s?°\s?[CF]?(?!\w)", lambda m: _counted(m[1], wording.degree, wording), text
    )
    text = _measured(text, wording)
    text = re.sub(r"(?:№|#|\bn[º°])\s?(?=\d)", f"{words['number']} ", text)
    return re.sub(r"\s&\s", f" {words['and']} ", text)


def _money(text: str, wording: Wording) -> str:
    """`€12.50` and `12,50 €` are twelve euros fifty."""
    signs = "|".join(re.escape(sign) for sign in sorted(wording.currencies, key=len, reverse=True))
    text = re.sub(
        rf"({signs})\s?({_NUMBER})",
        lambda m: _amount(m[2], wording.currencies[m[1]], wording),
        text,
    )
    return re.sub(
        rf"({_NUMBER})\s?({signs})(?!\w)",
        lambda m: _amount(m[1], wording.currencies[m[2]], wording),
        text,
    )


def _amount(number: str, forms: tuple[str, ...], wording: Wording) -> str:
    whole, _, part = number.replace(",", ".").partition(".")
    said = f"{whole} {wording.form(forms, whole)}"
    return f"{said} {part}" if part.strip("0") else said


def _measured(text: str, wording: Wording) -> str:
    units = "|".join(re.escape(unit) for unit in sorted(wording.units, key=len, reverse=True))
    return re.sub(
        rf"({_NUMBER})[   ]?({units})(?![\w/²])",
        lambda m: _counted(m[1], wording.units[m[2]], wording),
        text,
    )


def _counted(number: str, forms: tuple[str, ...], wording: Wording) -> str:
    return f"{number} {wording.form(forms, number)}"


def _joined_thousands(match: re.Match[str], wording: Wording) -> str:
    """`1,234` in English and `1.234` in Spanish are one number; `3.500` in English may be a decimal and stays."""
    if match[1] == wording.decimal:
        return match[0]
    return match[0].replace(match[1], "")


def _host(url: str) -> str:
    host = urlsplit(url if "://" in url else f"https://{url}").netloc
    return host.rpartition("@")[2].partition(":")[0].removeprefix("www.")


def _dotted(name: str, wording: Wording) -> str:
    return name.replace(".", f" {wording.words['dot']} ")


def _address(email: str, wording: Wording) -> str:
    local, _, domain = email.partition("@")
    return f"{_dotted(local, wording)} {wording.words['at']} {_dotted(domain, wording)}"


def _is_picture(character: str) -> bool:
    """Emoji, dingbats and the marks that join them: voices would read out their names."""
    if character in "+<=>|~^$€£₽°%":
        return False
    code = ord(character)
    return (
        unicodedata.category(character) in ("So", "Sk", "Cs", "Co", "Cf")
        or 0xFE00 <= code <= 0xFE0F
        or 0x1F000 <= code <= 0x1FAFF
    )
