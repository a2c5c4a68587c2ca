"""How figures are taken: side by side, in turn, several times; the median is quoted, never one run."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """One claim: what was measured against what, and the goal it is held to."""

    claim: str
    ours: float
    baseline: float
    unit: str
    goal: str
    holds: bool
    value: float

    def line(self) -> str:
        verdict = "holds" if self.holds else "MISSED"
        return (
            f"{self.claim}: {self.value:.3f} (goal {self.goal}, {verdict}); "
            f"ours {self.ours:,.4g} {self.unit}, baseline {self.baseline:,.4g} {self.unit}"
        )


def at_least(claim: str, ours: float, baseline: float, unit: str, goal: float) -> Ratio:
    """A claim that ours ÷ baseline is no less than `goal`."""
    value = ours / baseline
    return Ratio(claim, ours, baseline, unit, f"≥ {goal:g}", value >= goal, value)


def at_most(claim: str, ours: float, baseline: float, unit: str, goal: float) -> Ratio:
    """A claim that ours ÷ baseline is no more than `goal`."""
    value = ours / baseline
    return Ratio(claim, ours, baseline, unit, f"≤ {goal:g}", value <= goal, value)


async def in_turn(
    ours: Callable[[], Awaitable[float]], baseline: Callable[[], Awaitable[float]], rounds: int = 5
) -> tuple[float, float]:
    """Runs the two A B A B …, after one round that is thrown away, and gives the medians."""
    await ours()
    await baseline()
    pairs = [(await ours(), await baseline()) for _ in range(rounds)]
    return median([a for a, _ in pairs]), median([b for _, b in pairs])


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
