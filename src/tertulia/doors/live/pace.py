"""How a session runs: how far the text is behind the sound, now and over all."""

from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tertulia.speech.domain import SAMPLE_RATE_HZ

MOST_MEASURED = 4_096
RECENT_SECONDS = 5.0


@dataclass(slots=True)
class Pace:
    """Follows chunks from their arrival until an engine has listened to them."""

    last_activity: float
    """On the clock that only goes forward."""
    chunks: int = 0
    """How many have been taken."""
    arrivals: deque[tuple[int, int, float]] = field(default_factory=deque)
    """Last sample, number and arrival of each chunk that nobody has listened to yet."""
    heard_seq: int = 0
    listened: int = 0
    partials: int = 0
    finals: int = 0
    reconnects: int = 0
    errors: int = 0
    processing_ms: int = 0
    _heard_at: float = 0.0
    _heard_position: int = 0
    _latency_ms: int = 0
    _measured_at: float = float("-inf")
    _all: "array[int]" = field(default_factory=lambda: array("I"))

    def listened_to(self, position: int, now: float) -> int:
        """An engine has listened up to `position`: how long after the sound arrived, in ms."""
        arrivals = self.arrivals
        while arrivals and arrivals[0][0] <= position:
            self._heard_position, self.heard_seq, self._heard_at = arrivals.popleft()
        self.listened = max(self.listened, position)
        before_seconds = (self._heard_position - position) / SAMPLE_RATE_HZ
        arrived = self._heard_at - max(0.0, before_seconds)
        return max(0, round((now - arrived) * 1000)) if self.heard_seq else 0

    def measured(self, latency_ms: int, now: float) -> None:
        """Counts the latency of a text that was shown."""
        self._latency_ms, self._measured_at = latency_ms, now
        if len(self._all) < MOST_MEASURED:
            self._all.append(latency_ms)

    def latency_ms(self, now: float) -> int:
        """How far the text is behind, just now."""
        oldest = now - self.arrivals[0][2] if self.arrivals else 0.0
        recent = self._latency_ms if now - self._measured_at < RECENT_SECONDS else 0
        return max(recent, round(oldest * 1000))

    def aggregated(self) -> dict[str, Any]:
        """What is kept of a session that is over."""
        ordered = sorted(self._all)
        return {
            "latency_p50_ms": ordered[len(ordered) // 2] if ordered else 0,
            "latency_p95_ms": ordered[int(len(ordered) * 0.95)] if ordered else 0,
            "latency_max_ms": ordered[-1] if ordered else 0,
            "partials": self.partials,
            "finals": self.finals,
            "reconnects": self.reconnects,
            "errors": self.errors,
            "processing_ms": self.processing_ms,
        }
