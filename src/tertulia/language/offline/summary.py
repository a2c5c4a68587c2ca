"""Summaries by picking sentences: those that most of the conversation resembles (TextRank), few alike."""

import math
from collections import Counter
from collections.abc import Sequence

from tertulia.language.offline.text import Lexicon, Sentence, alike, tidied

MOST_RANKED = 300
"""Sentences compared with one another; of a longer conversation those with the weightiest words."""
ROUNDS = 25
DAMPING = 0.85
FEWEST_WORDS = 4
LONGEST_SUMMARY = 900


def weights(stems: Sequence[Sequence[str]]) -> Counter[str]:
    """How much each stem tells: often said, but not in every sentence."""
    spread = Counter(s for found in stems for s in set(found))
    total = len(stems) or 1
    counted = Counter(s for found in stems for s in found)
    return Counter({s: math.log1p(n) * math.log(1 + total / spread[s]) for s, n in counted.items()})


def ranked(lex: Lexicon, sentences: Sequence[Sentence]) -> list[tuple[float, Sentence, list[str]]]:
    """Sentences with their standing and their stems, the best first."""
    stemmed = [(s, lex.stems(s.text)) for s in sentences]
    worth = [(s, found) for s, found in stemmed if len(set(found)) >= FEWEST_WORDS]
    if not worth:
        worth = [(s, found) for s, found in stemmed if found]
    weight = weights([found for _, found in worth])
    if len(worth) > MOST_RANKED:
        heavy = sorted(worth, key=lambda p: -_heaviness(p[1], weight))[:MOST_RANKED]
        worth = sorted(heavy, key=lambda p: p[0].position)
    scores = _walk([set(found) for _, found in worth], weight)
    last = max((s.position for s, _ in worth), default=0) or 1
    found = [
        (score * (1.15 if s.position / last < 0.15 or s.position / last > 0.9 else 1.0), s, stems)
        for score, (s, stems) in zip(scores, worth, strict=True)
    ]
    return sorted(found, key=lambda item: -item[0])


def summary(lex: Lexicon, sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences to quote, in the order they were said."""
    wanted = min(7, max(2, round(math.sqrt(len(sentences)) * 0.75)))
    chosen: list[tuple[Sentence, list[str]]] = []
    room = LONGEST_SUMMARY
    for _, sentence, stems in ranked(lex, sentences):
        length = len(tidied(lex, sentence.text))
        if length > room or any(alike(stems, other) > 0.5 for _, other in chosen):
            continue
        chosen.append((sentence, stems))
        room -= length
        if len(chosen) == wanted:
            break
    return sorted((s for s, _ in chosen), key=lambda s: s.position)


def spoken(lex: Lexicon, chosen: Sequence[Sentence]) -> str:
    """The summary as one text that says who said what."""
    lines: list[str] = []
    speaker: str | None = None
    for sentence in chosen:
        text = tidied(lex, sentence.text)
        text = text if text.endswith((".", "!", "?", "…")) else f"{text}."
        who = sentence.said.speaker
        lines.append(f"{who}: {text}" if who and who != speaker else text)
        speaker = who
    return " ".join(lines)


def _heaviness(stems: Sequence[str], weight: Counter[str]) -> float:
    return sum(weight[s] for s in set(stems)) / math.sqrt(len(stems) or 1)


def _walk(sets: Sequence[set[str]], weight: Counter[str]) -> list[float]:
    """Where a reader who jumps between sentences that share words spends their time."""
    norms = [sum(weight[s] for s in found) or 1.0 for found in sets]
    shares = _shares(sets, norms, weight)
    # a sentence nobody resembles still says as much as its words weigh
    base = [norm / sum(norms) for norm in norms]
    scores = base[:]
    for _ in range(ROUNDS):
        new = [(1 - DAMPING) * b for b in base]
        for i, row in enumerate(shares):
            for j, share in row.items():
                new[j] += DAMPING * scores[i] * share
        scores = new
    return scores


def _shares(
    sets: Sequence[set[str]], norms: Sequence[float], weight: Counter[str]
) -> list[dict[int, float]]:
    """For each sentence how likely the reader goes on to each other one."""
    links: list[dict[int, float]] = [{} for _ in sets]
    where: dict[str, list[int]] = {}
    for i, found in enumerate(sets):
        for one in found:
            where.setdefault(one, []).append(i)
    for one, places in where.items():
        for i in places:
            for j in places:
                if i != j:
                    near = weight[one] / (math.log1p(norms[i]) + math.log1p(norms[j]))
                    links[i][j] = links[i].get(j, 0.0) + near
    totals = [sum(row.values()) for row in links]
    return [
        {j: value / total for j, value in row.items()} if total else {}
        for row, total in zip(links, totals, strict=True)
    ]
