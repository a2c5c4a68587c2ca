"""An analysis without a model: by counting, lexicons and rules, and honestly called `offline`."""

from collections.abc import Callable, Sequence
from typing import Any

from tertulia.analysis.domain import Felt, Point, Reading, Results, Task, What
from tertulia.analysis.material import Material
from tertulia.language.domain import OFFLINE
from tertulia.language.offline import feelings, findings, summary, topics
from tertulia.language.offline.text import (
    MOST_SENTENCES,
    Lexicon,
    Sentence,
    lexicon,
    sentences,
)

LONGEST_EVIDENCE = 400


def read_offline(material: Material, wanted: Sequence[What]) -> Reading:
    """Everything wanted; takes a thread's time, not the event loop's."""
    reader = _Reader(material)
    found: dict[str, Any] = {}
    for what in wanted:
        found[what] = reader.tellers[what]()
    return Reading(Results(**found), OFFLINE, covered=reader.covered)


class _Reader:
    """One conversation, its sentences found once."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._lex: Lexicon = lexicon(material.language)
        self._sentences = sentences(material.said)
        self._course = feelings.course(self._lex, material.said) if material.said else None
        self.tellers: dict[What, Callable[[], Any]] = {
            What.SUMMARY: self._summary,
            What.TASKS: self._tasks,
            What.RISKS: lambda: self._points(findings.risks(self._lex, self._sentences)),
            What.DECISIONS: lambda: self._points(findings.decisions(self._lex, self._sentences)),
            What.TOPICS: lambda: topics.topics(self._lex, self._sentences),
            What.INITIAL_FEELING: lambda: self._felt(0),
            What.FINAL_FEELING: lambda: self._felt(1),
            What.REASON: self._reason,
            What.REASON_SHORT: self._reason_short,
            What.PRODUCT_TYPE: lambda: findings.product(self._lex, material.said),
        }

    @property
    def covered(self) -> float:
        """Below 1 where a conversation has more sentences than are looked at."""
        if len(self._sentences) < MOST_SENTENCES:
            return self._material.share
        read = sum(len(s.text) for s in self._sentences)
        return min(1.0, read / max(1, self._material.characters)) * self._material.share

    def _summary(self) -> str:
        return summary.spoken(self._lex, summary.summary(self._lex, self._sentences))

    def _tasks(self) -> list[Task]:
        return [
            Task(what=f.what, who=f.who, by=f.by, evidence=[self._cited(f.sentence)])
            for f in findings.tasks(self._lex, self._sentences)
        ]

    def _points(self, found: Sequence[findings.Finding]) -> list[Point]:
        return [Point(what=f.what, evidence=[self._cited(f.sentence)]) for f in found]

    def _felt(self, which: int) -> Felt:
        if self._course is None:
            return Felt(feeling="neutral", score=0.0)
        felt = self._course[which]
        number = felt.number
        evidence = []
        if number is not None:
            text = self._material.segments[number].text.strip()[:LONGEST_EVIDENCE]
            evidence = [self._material.cited(number, text)]
        label: Any = felt.label
        return Felt(feeling=label, score=felt.score, evidence=evidence)

    def _reason(self) -> Point | None:
        found = findings.reason(self._lex, self._sentences)
        return Point(what=found.what, evidence=[self._cited(found.sentence)]) if found else None

    def _reason_short(self) -> str | None:
        found = findings.reason(self._lex, self._sentences)
        return topics.short(self._lex, found.what) if found else None

    def _cited(self, sentence: Sentence) -> Any:
        return self._material.cited(sentence.said.number, sentence.text)
