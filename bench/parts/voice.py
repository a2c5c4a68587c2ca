"""Engines of fixed delay, so that what is measured is what lies between them.

They go by the names of engines that cost nothing, as most turns' engines do.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from tertulia.language.domain import (
    ChatOptions,
    Finished,
    LanguageCapabilities,
    Message,
    Piece,
    TextPiece,
)
from tertulia.language.usage import Usage
from tertulia.speech.domain import (
    Capabilities,
    Recognition,
    RecognitionOptions,
    Samples,
    Segment,
    SpeechChunk,
    SpeechOptions,
    VoiceInfo,
)
from tertulia.speech.engines.base import BaseRecognizer, BaseVoice, Patience

ONCE = Patience(attempts=1)
RATE_HZ = 22_050


class SlowEar(BaseRecognizer):
    """Hears one sentence after a while."""

    def __init__(self, seconds: float) -> None:
        able = Capabilities(detects_language=True)
        super().__init__("whisper", able, patience=ONCE)
        self.seconds = seconds

    async def _transcribe_impl(self, samples: Samples, options: RecognitionOptions) -> Recognition:
        await asyncio.sleep(self.seconds)
        return Recognition((Segment("when are you open", 0.0, 2.0),), "en", 0.0, self.name)


class SlowVoice(BaseVoice):
    """Takes a while for each sentence, and says two seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__("espeak", Capabilities(streaming=True), patience=ONCE)
        self.seconds = seconds

    async def voices(self) -> Sequence[VoiceInfo]:
        return ()

    async def _speak_impl(
        self, text: str, options: SpeechOptions
    ) -> AsyncGenerator[SpeechChunk, None]:
        await asyncio.sleep(self.seconds)
        yield SpeechChunk(bytes(RATE_HZ * 2 * 2), RATE_HZ)


class SlowModel:
    """Writes its words at an even pace."""

    engine = "ollama"
    model = "bench"
    capabilities = LanguageCapabilities()

    def __init__(self, text: str, seconds_a_word: float) -> None:
        self.words = [f"{word} " for word in text.split()]
        self.seconds_a_word = seconds_a_word

    async def stream(
        self,
        messages: Sequence[Message],
        options: ChatOptions = ChatOptions(),
    ) -> AsyncGenerator[Piece, None]:
        for word in self.words:
            await asyncio.sleep(self.seconds_a_word)
            yield TextPiece(word)
        yield Finished(Usage(50, len(self.words)), self.engine, self.model)

    async def answer(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a turn is streamed")

    async def close(self) -> None:
        """Nothing is open."""
