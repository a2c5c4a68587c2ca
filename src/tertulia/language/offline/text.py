"""Texts in sentences and stems, with the little that is known of three languages."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "lexicons"
LANGUAGES = ("en", "es", "ru")
STEMMERS = {"en": "english", "es": "spanish", "ru": "russian"}
LONGEST_SENTENCE = 600
MOST_SENTENCES = 40_000

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,:]\d+)*")
_END = re.compile(r"(?<=[.!?…])[\"'»)]*\s+|\n+")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_COUNTED = 4_000
"""Characters by which the language of a text is told."""


@dataclass(frozen=True, slots=True)
class Said:
    """A stretch of speech: its number in what was handed over, who said it, and what."""

    number: int
    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of what was said."""

    said: Said
    text: str
    position: int
    """Among all sentences."""


@dataclass(frozen=True)
class Lexicon:
    """What the rules of one language go by."""

    language: str
    stopwords: frozenset[str]
    positive: frozenset[str]
    negative: frozenset[str]
    negations: frozenset[str]
    intensifiers: frozenset[str]
    patterns: Mapping[str, tuple[re.Pattern[str], ...]]
    names: Mapping[str, re.Pattern[str]]
    fillers: re.Pattern[str]
    agents: frozenset[str]
    products: Mapping[str, frozenset[str]]

    def stem(self, word: str) -> str:
        return stem(self.language, word)

    def stems(self, text: str) -> list[str]:
        """The words that carry meaning, stemmed."""
        return [stem(self.language, w) for w in words(text) if self.means(w)]

    def means(self, word: str) -> bool:
        return len(word) > 1 and word not in self.stopwords

    def any(self, kind: str, text: str) -> bool:
        return any(pattern.search(text) for pattern in self.patterns[kind])


def words(text: str) -> list[str]:
    return [w.replace("’", "'") for w in _WORD.findall(text.lower())]


@cache
def stem(language: str, word: str) -> str:
    """The part of a word that stays when it is inflected."""
    found: str = _stemmer(language).stemWord(word.replace("ё", "е"))
    return found


@cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(STEMMERS[language])


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of a language; English for one that has none."""
    code = language if language in LANGUAGES else "en"
    raw = tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8"))

    def stemmed(text: str) -> frozenset[str]:
        return frozenset(stem(code, word) for word in text.split())

    kinds = ("tasks", "risks", "decisions")
    lists = [*kinds, *(f"not_{kind}" for kind in kinds), "by", "reasons"]
    return Lexicon(
        language=code,
        stopwords=frozenset(raw["stopwords"].split()),
        positive=stemmed(raw["positive"]),
        negative=stemmed(raw["negative"]),
        negations=frozenset(raw["negations"].split()),
        intensifiers=frozenset(raw["intensifiers"].split()),
        patterns={kind: tuple(_pattern(p) for p in raw[kind]) for kind in lists},
        names={
            "i": _pattern(raw["i"]),
            "we": _pattern(raw["we"]),
            "you": _pattern(raw["you"]),
            "third": re.compile(raw["third"]),
            "vocative": re.compile(raw["vocative"]),
        },
        fillers=_pattern(raw["fillers"]),
        agents=stemmed(raw["agent"]),
        products={name: stemmed(listed) for name, listed in raw["products"].items()},
    )


def _pattern(text: str) -> re.Pattern[str]:
    # a pattern that names somebody by a capital letter has to see it
    names = "[A-Z]" in text or "[А-ЯЁ]" in text or "[A-ZÁ" in text
    return re.compile(text) if names else re.compile(text, re.IGNORECASE)


def language_of(texts: Iterable[str], said: str | None = None) -> str:
    """What is said to be the language, or what the words speak for."""
    code = (said or "").split("-")[0].lower()
    if code in LANGUAGES:
        return code
    sample = " ".join(_sampled(texts))
    letters = sum(c.isalpha() for c in sample)
    if letters and len(_CYRILLIC.findall(sample)) * 2 > letters:
        return "ru"
    found = words(sample)
    counts = {code: sum(w in lexicon(code).stopwords for w in found) for code in ("en", "es")}
    return max(counts, key=lambda code: counts[code])


def _sampled(texts: Iterable[str]) -> Iterable[str]:
    left = _COUNTED
    for text in texts:
        if left <= 0:
            return
        yield text[:left]
        left -= len(text)


def sentences(said: Sequence[Said]) -> list[Sentence]:
    """Every sentence in order; one that never ends is cut."""
    found: list[Sentence] = []
    for one in said:
        for part in _END.split(one.text):
            for start in range(0, len(part), LONGEST_SENTENCE):
                text = part[start : start + LONGEST_SENTENCE].strip()
                if text and any(c.isalnum() for c in text):
                    found.append(Sentence(one, text, len(found)))
            if len(found) >= MOST_SENTENCES:
                return found
    return found


def tidied(lex: Lexicon, sentence: str, longest: int = 240) -> str:
    """A sentence without the words that only begin it."""
    text = " ".join(sentence.split())
    shorter = lex.fillers.sub("", text, count=1).strip(" ,.;-–—")
    text = shorter if len(words(shorter)) >= 2 else text.strip()
    if len(text) > longest:
        text = text[:longest].rsplit(" ", 1)[0] + "…"
    return text[:1].upper() + text[1:]


def alike(a: Sequence[str], b: Sequence[str]) -> float:
    """How much two texts share, by their stems."""
    one, other = set(a), set(b)
    union = one | other
    return len(one & other) / len(union) if union else 0.0
