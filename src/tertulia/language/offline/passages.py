"""The passages of a conversation that a question may be answered from, by the words they share (BM25)."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tertulia.language.offline.text import Lexicon, Said

K1, B = 1.4, 0.6
NEAR = 0.35
"""What a neighbour counts: a question and its answer are seldom one segment."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What was said, how well it fits, and the share of the question's words it holds with its neighbours."""

    said: Said
    score: float
    covered: float


def passages(lex: Lexicon, question: str, said: Sequence[Said], most: int = 12) -> list[Passage]:
    """The best first; none where no word of the question was said."""
    asked = set(lex.stems(question))
    if not asked:
        return []
    stems = [Counter(lex.stems(one.text)) for one in said]
    lengths = [sum(c.values()) for c in stems]
    mean = (sum(lengths) / len(lengths) if lengths else 0) or 1.0
    spread = {s: sum(s in c for c in stems) for s in asked}
    known = {s for s, n in spread.items() if n}
    if not known:
        return []
    own = [
        sum(_weight(c[s], spread[s], len(said), length / mean) for s in known if s in c)
        for c, length in zip(stems, lengths, strict=True)
    ]
    found = []
    for at, one in enumerate(said):
        around = own[max(0, at - 1) : at] + own[at + 1 : at + 2]
        score = own[at] + NEAR * max(around, default=0.0)
        if own[at] <= 0 and not (at and own[at - 1] > 0):
            continue
        near = set().union(*(stems[i] for i in range(max(0, at - 1), min(len(said), at + 2))))
        found.append(Passage(one, round(score, 4), len(asked & near) / len(asked)))
    return sorted(found, key=lambda p: (-p.score, p.said.number))[:most]


def _weight(count: int, spread: int, total: int, length: float) -> float:
    rare = math.log(1 + (total - spread + 0.5) / (spread + 0.5))
    return rare * count * (K1 + 1) / (count + K1 * (1 - B + B * length))
