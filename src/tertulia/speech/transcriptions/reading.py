"""Reads recordings by the speech service."""

from pathlib import Path

from tertulia.speech.domain import Recognition, RecognitionOptions
from tertulia.speech.service import SpeechService
from tertulia.speech.transcriptions.domain import Progress, Wishes


class SpeechReader:
    """Audio in a file to text with the times of its words, which the player follows."""

    def __init__(self, speech: SpeechService) -> None:
        self._speech = speech

    async def read(self, source: Path, wishes: Wishes, progress: Progress) -> Recognition:
        done = await self._speech.transcribe(
            source,
            RecognitionOptions(language=wishes.language, words=True),
            engine=wishes.engine,
            channels=wishes.split,
            progress=progress,
        )
        return done.recognition

    def chain(self, wishes: Wishes) -> str:
        return self._speech.recognizer(wishes.engine, wishes.language).name

    def check(self, wishes: Wishes) -> None:
        """Refuses an engine that nobody here knows. Without one, what `auto` finds is the worker's to see."""
        if wishes.engine is not None:
            self._speech.recognizer(wishes.engine, wishes.language)
