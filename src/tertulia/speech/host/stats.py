"""What the host counts, for metrics."""

from dataclasses import dataclass, field
from typing import Any

from tertulia.speech.domain import SAMPLE_RATE_HZ
from tertulia.speech.host.capacity import Kind
from tertulia.speech.host.files import FileWindow
from tertulia.speech.host.scheduler import Batch
from tertulia.speech.live import FeedRequest, ReadRequest


@dataclass(slots=True)
class Stats:
    """Counts since the host started."""

    live_samples: int = 0
    file_samples: int = 0
    refused: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    windows: dict[str, int] = field(default_factory=dict)
    call_seconds: dict[str, float] = field(default_factory=dict)
    audio_seconds: dict[str, float] = field(default_factory=dict)

    def called(self, batch: Batch, now: float) -> None:
        kind, spent, count = batch.kind.value, now - batch.began, len(batch.items)
        heard = sum(_seconds(item.request) for item in batch.items)
        self.calls[kind] = self.calls.get(kind, 0) + 1
        self.windows[kind] = self.windows.get(kind, 0) + count
        self.call_seconds[kind] = self.call_seconds.get(kind, 0.0) + spent
        self.audio_seconds[kind] = self.audio_seconds.get(kind, 0.0) + heard
        cost = spent / max(heard, 0.01) if batch.kind is Kind.FEED else spent / count
        batch.model.costs.observe(batch.kind, cost)

    def told(self) -> dict[str, Any]:
        return {
            "live_seconds": self.live_samples / SAMPLE_RATE_HZ,
            "file_seconds": self.file_samples / SAMPLE_RATE_HZ,
            "refused": self.refused,
            "calls": self.calls,
            "windows": self.windows,
            "call_seconds": self.call_seconds,
            "audio_seconds": self.audio_seconds,
        }


def _seconds(request: ReadRequest | FeedRequest | FileWindow) -> float:
    if isinstance(request, FeedRequest):
        return sum(len(block) for block in request.blocks) / SAMPLE_RATE_HZ
    return len(request.window.samples) / SAMPLE_RATE_HZ
