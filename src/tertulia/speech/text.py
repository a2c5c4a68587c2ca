"""What can be told from text alone: its sentences, and its likely language."""

import re
from collections import Counter

LONGEST_PIECE = 280
"""Characters. A longer sentence is spoken in pieces, so that the first sound never waits for all of it."""

_END = re.compile(r"(?<=[.!?…])\s+|(?<=[.!?…][\"'»”’)\]])\s+|\n+|(?<=[。！？])")
_INNER = re.compile(r"(?<=[,;:—–、，])\s+")
_SHORTENED = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|Sr|Sra|Srta|Dra|Ud|Uds|pág|núm|ул|г|т\.е|т\.д|т\.п|стр|им)"
    r"|\b[^\W\d_])\.$"
)

_SCRIPTS = (
    ("ru", "\u0400", "\u052f"),
    ("el", "\u0370", "\u03ff"),
    ("he", "\u0590", "\u05ff"),
    ("ar", "\u0600", "\u06ff"),
    ("hi", "\u0900", "\u097f"),
    ("th", "\u0e00", "\u0e7f"),
    ("ka", "\u10a0", "\u10ff"),
    ("ja", "\u3040", "\u30ff"),
    ("ko", "\uac00", "\ud7af"),
    ("zh", "\u4e00", "\u9fff"),
)

_COMMON = {
    "en": "the and is are you to of in that it for with was this have what not my we",
    "es": "el la los las de que y en un una es por con para como está qué no se lo su más hola gracias",
    "fr": "le la les des et est un une pour dans que qui vous nous je pas avec sur bonjour merci",
    "de": "der die das und ist ein eine nicht ich sie wir mit für auf zu von den hallo danke",
    "pt": "o a os as de que e em um uma é por com para como não se mais você obrigado olá",
    "it": "il la le di che e è un una per con non sono come più si gli ciao grazie",
}
_COMMON_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}


def sentences(text: str) -> list[str]:
    """The text in order, cut at sentence ends, and long sentences at their commas or spaces."""
    found: list[str] = []
    for piece in _END.split(text):
        clean = " ".join(piece.split())
        if not clean:
            continue
        if found and _SHORTENED.search(found[-1]):
            found[-1] += " " + clean
        else:
            found.append(clean)
    return [part for sentence in found for part in _short(sentence)]


def _short(sentence: str) -> list[str]:
    if len(sentence) <= LONGEST_PIECE:
        return [sentence]
    pieces = _packed(_INNER.split(sentence))
    return [part for piece in pieces for part in _packed(_words(piece))]


def _words(piece: str) -> list[str]:
    """Words, and a run without spaces cut where it must be."""
    return [
        word[at : at + LONGEST_PIECE]
        for word in piece.split()
        for at in range(0, len(word), LONGEST_PIECE)
    ]


def _packed(parts: list[str]) -> list[str]:
    """As few pieces of at most the longest length as the parts allow."""
    packed: list[str] = []
    for part in parts:
        if packed and len(packed[-1]) + 1 + len(part) <= LONGEST_PIECE:
            packed[-1] += " " + part
        else:
            packed.append(part)
    return packed


def likely_language(text: str, otherwise: str = "en") -> str:
    """A guess for voices that must know: by script first, then by everyday words."""
    letters = [c for c in text[:2000] if c.isalpha()]
    if not letters:
        return otherwise
    for language, first, last in _SCRIPTS:
        share = sum(first <= c <= last for c in letters) / len(letters)
        if share > (0.1 if language == "ja" else 0.5):
            return "uk" if language == "ru" and set("їєіґ") & set(text.lower()) else language
    lowered = text[:2000].lower()
    votes = Counter(
        {
            language: sum(word in common for word in re.findall(r"\w+", lowered))
            for language, common in _COMMON_WORDS.items()
        }
    )
    if set("ñ¿¡") & set(lowered):
        votes["es"] += 2
    if set("ãõ") & set(lowered):
        votes["pt"] += 2
    if set("ßü") & set(lowered):
        votes["de"] += 1
    language, most = votes.most_common(1)[0]
    return language if most and (most > votes[otherwise] or language == otherwise) else otherwise
