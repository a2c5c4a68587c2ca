"""Engines changed for measuring; made inside the speech host by these functions."""

import resource
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tertulia.speech.domain import RecognitionOptions, Samples, Segment
from tertulia.speech.engines.loading import whisper
from tertulia.speech.local import FileReading, LocalModel, LocalStream, Progress, Reading, Window


def padded(config: Mapping[str, Any]) -> LocalModel:
    """Whisper whose partials are padded to 30 s, as everybody else's are."""
    from tertulia.speech.engines import whisper as module

    module.QUICK_FRAMES = (module.FULL_FRAMES,)
    return whisper(config)


class Remembering:
    """Keeps every window it is given; `transcribe` reads them all again and says what that cost."""

    shareable = True

    def __init__(self, engine: LocalModel) -> None:
        self._engine = engine
        self._windows: list[tuple[Window, ...]] = []
        self.name = engine.name
        # A file to be told apart by speakers comes in one piece, which is what starts the second reading.
        self.capabilities = replace(engine.capabilities, diarisation=True)

    def read(self, windows: Sequence[Window]) -> list[Reading]:
        self._windows.append(tuple(windows))
        return self._engine.read(windows)

    def transcribe(
        self, samples: Samples, options: RecognitionOptions, progress: Progress | None = None
    ) -> FileReading:
        again, self._windows = self._windows, []
        before = _cpu_seconds()
        for windows in again:
            self._engine.read(windows)
        spent = _cpu_seconds() - before
        return FileReading((Segment(f"{len(again)} {spent}", 0.0, 0.0),), "en")

    def stream(self, options: RecognitionOptions) -> LocalStream | None:
        return None


def remembering(config: Mapping[str, Any]) -> LocalModel:
    return Remembering(whisper(config))


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
