"""Tasks, risks, decisions and the reason of a conversation, found by rules."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tertulia.language.offline.feelings import is_agent
from tertulia.language.offline.summary import ranked
from tertulia.language.offline.text import Lexicon, Said, Sentence, alike, tidied, words

MOST = 40
"""Of one kind in one conversation."""
SAME = 0.6
FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and the sentence it rests on."""

    what: str
    sentence: Sentence
    who: str | None = None
    by: str | None = None


def tasks(lex: Lexicon, sentences: Sequence[Sentence]) -> list[Finding]:
    """What somebody is to do: who, where that is said, and until when."""
    speakers = _speakers(sentences)
    found = [
        Finding(tidied(lex, s.text), s, _who(lex, s, speakers), _by(lex, s.text))
        for s in sentences
        if _is(lex, "tasks", s)
    ]
    return _distinct(lex, found)


def risks(lex: Lexicon, sentences: Sequence[Sentence]) -> list[Finding]:
    found = [Finding(tidied(lex, s.text), s) for s in sentences if _is(lex, "risks", s)]
    return _distinct(lex, found)


def decisions(lex: Lexicon, sentences: Sequence[Sentence]) -> list[Finding]:
    """What was settled; a mere "agreed" settles what was said before it."""
    found: list[Finding] = []
    for place, sentence in enumerate(sentences):
        if not _is(lex, "decisions", sentence, fewest=1):
            continue
        if len(words(sentence.text)) > FEWEST_WORDS:
            found.append(Finding(tidied(lex, sentence.text), sentence))
            continue
        before = next(_substantial(lex, sentences[:place]), None)
        if before is not None:
            found.append(Finding(tidied(lex, before.text), before))
    return _distinct(lex, found)


def reason(lex: Lexicon, sentences: Sequence[Sentence]) -> Finding | None:
    """Why the conversation was held: what whoever came with something says first of it."""
    opening = sentences[: max(6, len(sentences) // 3)]
    asked = [s for s in opening if not is_agent(lex, s.said.speaker)]
    for candidates in (asked, opening):
        telling = [
            s for s in candidates if lex.any("reasons", s.text) and len(lex.stems(s.text)) >= 2
        ]
        if telling:
            return Finding(tidied(lex, telling[0].text), telling[0])
    best = next(iter(ranked(lex, asked or opening)), None)
    return Finding(tidied(lex, best[1].text), best[1]) if best else None


def product(lex: Lexicon, said: Sequence[Said]) -> str | None:
    """The product that is spoken of most, of those the lexicon knows."""
    counts = dict.fromkeys(lex.products, 0)
    for one in said:
        for stem in lex.stems(one.text):
            for name, listed in lex.products.items():
                counts[name] += stem in listed
    best = max(counts, key=lambda name: counts[name], default=None)
    return best if best is not None and counts[best] >= 2 else None


def _is(lex: Lexicon, kind: str, sentence: Sentence, *, fewest: int = FEWEST_WORDS) -> bool:
    text = " ".join(sentence.text.split())
    if len(words(text)) < fewest or lex.any(f"not_{kind}", text):
        return False
    return lex.any(kind, text)


def _substantial(lex: Lexicon, before: Sequence[Sentence]) -> Iterator[Sentence]:
    return (s for s in reversed(before[-4:]) if len(lex.stems(s.text)) >= 2)


def _by(lex: Lexicon, text: str) -> str | None:
    """The words that say until when; the longest where several say it at one place."""
    found = [m for pattern in lex.patterns["by"] if (m := pattern.search(text))]
    if not found:
        return None
    return max(found, key=lambda m: len(m[0]))[0].strip()


def _speakers(sentences: Sequence[Sentence]) -> list[str]:
    return list(dict.fromkeys(s.said.speaker for s in sentences if s.said.speaker))


def _who(lex: Lexicon, sentence: Sentence, speakers: Sequence[str]) -> str | None:
    """The one who said "I", the one who is named, or the other of two; nobody where it is not plain."""
    text, speaker = sentence.text, sentence.said.speaker
    named = lex.names["third"].search(text)
    if named and not _common(lex, named[1]):
        return named[1]
    called = lex.names["vocative"].search(text)
    name = next((g for g in called.groups() if g), None) if called else None
    if lex.names["you"].search(text) and not lex.names["i"].search(text):
        if name is not None and (known := _known(name, speakers)):
            return known
        others = [s for s in speakers if s != speaker]
        return others[0] if speaker and len(others) == 1 else None
    if lex.names["i"].search(text):
        return speaker
    return None


def _known(name: str, speakers: Sequence[str]) -> str | None:
    return next((s for s in speakers if re.match(rf"{re.escape(name)}\b", s, re.IGNORECASE)), None)


def _common(lex: Lexicon, word: str) -> bool:
    return word.lower() in lex.stopwords


def _distinct(lex: Lexicon, found: Sequence[Finding]) -> list[Finding]:
    """Each once: what is said again later is the same."""
    kept: list[tuple[Finding, list[str]]] = []
    for finding in found:
        stems = lex.stems(finding.what)
        if not any(alike(stems, other) >= SAME for _, other in kept):
            kept.append((finding, stems))
        if len(kept) == MOST:
            break
    return [finding for finding, _ in kept]
