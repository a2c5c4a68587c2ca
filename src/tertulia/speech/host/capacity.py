"""What work costs here, measured as it is done; from it follow the cadence of partials and how many streams fit."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

SPEECH_SHARE = 0.8
"""How much of a live stream is speech, when capacity is reckoned."""
UTTERANCE_SECONDS = 8.0
"""How long an utterance is, the same."""
FULLEST = 0.9
"""The share of the workers' time that live work may take before new streams are turned away."""
RELAXED_CADENCE_SECONDS = 0.9
"""The cadence that capacity is reckoned with: text still comes within a second."""
WEIGHT = 0.1


class Kind(StrEnum):
    """Kinds of engine work that are measured apart."""

    QUICK = "quick"
    FULL = "full"
    FEED = "feed"
    FILE = "file"


@dataclass(slots=True)
class Costs:
    """Seconds of one worker: for a window of each kind, or for feeding one second of audio."""

    seconds: dict[Kind, float] = field(default_factory=dict)
    _counts: dict[Kind, int] = field(default_factory=dict)

    def observe(self, kind: Kind, seconds: float) -> None:
        """Takes a measurement: the first ones as their mean, later ones so that old ones fade."""
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        known = self.seconds.get(kind, 0.0)
        self.seconds[kind] = known + max(1 / count, WEIGHT) * (seconds - known)

    def stream_load(self) -> float:
        """The share of one worker that one live stream takes at a relaxed cadence."""
        if Kind.FEED in self.seconds:
            return SPEECH_SHARE * self.seconds[Kind.FEED]
        quick = self.seconds.get(Kind.QUICK, 0.0) / RELAXED_CADENCE_SECONDS
        full = self.seconds.get(Kind.FULL, 0.0) / UTTERANCE_SECONDS
        return SPEECH_SHARE * (quick + full)


def capacity(costs: Costs, workers: int, given: int = 0) -> int:
    """How many streams of this engine fit on the machine: at least one a worker, whatever was measured."""
    if given:
        return given
    load = costs.stream_load()
    if load <= 0:
        return 10_000
    return max(workers, math.floor(workers * FULLEST / load))


@dataclass(frozen=True, slots=True)
class CadencePolicy:
    """How often an open utterance is read: as often as `shortest_seconds` when the machine is idle."""

    shortest_seconds: float = 0.35
    longest_seconds: float = 5.0
    feed_seconds: float = 0.1
    """Native streams are fed this often; feeding costs the same however it is cut."""
    final_seconds: float = 16.0
    """How long finals wait on a machine with no time to spare, so that several share a window."""
    strained_seconds: float = 0.6
    """The cadence at which a machine counts as having none."""
    busy: float = 0.9
    """The share of the workers' time that partials and finals together may take."""


class Cadence:
    """Grows with the number of people speaking, so that the backlog does not."""

    def __init__(self, policy: CadencePolicy = CadencePolicy(), workers: int = 1) -> None:
        self._policy = policy
        self._workers = workers
        self._finals = 0.0
        self._finals_at = 0.0

    def spent_on_final(self, now: float, seconds: float) -> None:
        """Remembers time that partials did not have, for some ten seconds."""
        self._finals = self._decayed(now) + seconds
        self._finals_at = now

    def seconds(self, kind: Kind, now: float, speaking: int, quick_seconds: float) -> float:
        """How long speech waits at least before it is read."""
        policy = self._policy
        if kind is Kind.FEED:
            return policy.feed_seconds
        left = self._workers * policy.busy - self._decayed(now) / MEMORY_SECONDS
        left = max(left, 0.2 * self._workers)
        wanted = speaking * quick_seconds / left
        return min(max(wanted, policy.shortest_seconds), policy.longest_seconds)

    def final_patience(self, partial_seconds: float) -> float:
        """How long a closed utterance waits for others, given the present cadence of partials."""
        policy = self._policy
        strain = partial_seconds - policy.shortest_seconds
        strain /= policy.strained_seconds - policy.shortest_seconds
        return policy.final_seconds * min(max(strain, 0.0), 1.0)

    def _decayed(self, now: float) -> float:
        return self._finals * math.exp(-(now - self._finals_at) / MEMORY_SECONDS)


MEMORY_SECONDS = 10.0
