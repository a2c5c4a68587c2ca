"""What the machine has to do, and how good the sound is, for the measurements that clients are sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tertulia.kernel.clock import Clock
from tertulia.speech.decoding.levels import Levels
from tertulia.speech.domain import Samples

LOOK_SECONDS = 2.0
_MIB = 1_048_576


@dataclass(frozen=True, slots=True)
class Usage:
    """The load of the machine, and the memory of this server."""

    cpu_percent: float
    memory_mb: float
    gpu: bool


class Machine:
    """Looks every few seconds at most, however many sessions ask."""

    def __init__(self, clock: Clock, gpu: Callable[[], bool] = lambda: False) -> None:
        self._clock = clock
        self._gpu = gpu
        self._usage: Usage | None = None
        self._looked_at = float("-inf")

    def usage(self) -> Usage:
        now = self._clock.monotonic()
        if self._usage is None or now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._usage = self._look()
        return self._usage

    def _look(self) -> Usage:
        import psutil

        memory = psutil.Process().memory_info().rss / _MIB
        cpu = min(100.0, max(0.0, psutil.cpu_percent(interval=None)))
        return Usage(cpu, round(memory, 1), self._gpu())

    @staticmethod
    def quality(blocks: Sequence[Samples]) -> float:
        """0 (nothing to hear) to 1 (clean), of the last seconds."""
        if not blocks:
            return 0.0
        levels = Levels()
        levels.add(np.concatenate(blocks))
        return round(min(1.0, max(0.0, levels.quality)), 3)
