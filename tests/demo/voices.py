"""A voice for scripts that speaks at once: each word takes a tenth of a second, and is told of like espeak does."""

import re
from collections.abc import AsyncIterator

from tertulia.speech.domain import SpeechChunk, SpeechOptions, Word

RATE_HZ = 8_000
WORD_SECONDS = 0.1


class QuickVoice:
    """Remembers in which voices it was asked to speak."""

    def __init__(self) -> None:
        self.asked: list[SpeechOptions] = []

    async def speak(
        self,
        text: str,
        options: SpeechOptions = SpeechOptions(),
        *,
        engine: str | None = None,
    ) -> AsyncIterator[SpeechChunk]:
        self.asked.append(options)
        found = re.findall(r"[^\W_]+", text)
        words = tuple(
            Word(word, n * WORD_SECONDS, (n + 1) * WORD_SECONDS) for n, word in enumerate(found)
        )
        samples = int(len(found) * WORD_SECONDS * RATE_HZ)
        yield SpeechChunk(b"\x00\x10" * samples, RATE_HZ, words)
