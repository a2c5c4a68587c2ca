"""Models, recognisers and toolboxes of a bot in this process: they write, hear and answer what a test says."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tests.fakes.engines import Fixed, HummingVoice, WavDecoder, wav_of

from tertulia.bots.domain import Bot, Rights
from tertulia.bots.tools import Toolbox
from tertulia.kernel.clock import Clock, SystemClock
from tertulia.language.domain import (
    ChatModel,
    ChatOptions,
    Finished,
    LanguageCapabilities,
    Link,
    Message,
    Piece,
    Stop,
    TextPiece,
    ToolCall,
)
from tertulia.language.service import LanguageService
from tertulia.language.usage import Usage
from tertulia.speech.domain import Capabilities, Recognition, RecognitionOptions, Samples, Segment
from tertulia.speech.engines.base import BaseRecognizer, Patience
from tertulia.speech.service import Engines, SpeechService

Reply = str | ToolCall | Exception | asyncio.Event


class WritingModel:
    """Writes what it was given, one list of pieces an answer; an exception is raised, an event is waited for."""

    engine = "ollama"
    model = "tiny"
    capabilities = LanguageCapabilities()

    def __init__(self, *answers: Sequence[Reply], pause_seconds: float = 0.0) -> None:
        self.answers = list(answers)
        self.asked: list[Sequence[Message]] = []
        self.options: list[ChatOptions] = []
        self.pause_seconds = pause_seconds
        self.begun = asyncio.Event()
        self.closed = asyncio.Event()

    async def stream(
        self,
        messages: Sequence[Message],
        options: ChatOptions = ChatOptions(),
    ) -> AsyncGenerator[Piece, None]:
        self.asked.append(list(messages))
        self.options.append(options)
        self.begun.set()
        pieces = self.answers.pop(0) if self.answers else ["Good day."]
        stop = Stop.END
        try:
            for piece in pieces:
                if self.pause_seconds:
                    await asyncio.sleep(self.pause_seconds)
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, asyncio.Event):
                    await piece.wait()
                elif isinstance(piece, ToolCall):
                    stop = Stop.TOOLS
                    yield piece
                else:
                    yield TextPiece(piece)
            yield Finished(Usage(11, 7), self.engine, self.model, stop)
        finally:
            self.closed.set()

    async def answer(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a turn is streamed")

    async def close(self) -> None:
        """Nothing is open."""


def language_of(model: ChatModel | None = None, *, clock: Clock | None = None) -> LanguageService:
    """A language service with that model, or with none."""

    def make(_: Link) -> ChatModel:
        assert model is not None
        return model

    chain = "ollama:tiny" if model else "offline"
    return LanguageService(make, clock=clock or SystemClock(), chain=chain)


class SayingRecognizer(BaseRecognizer):
    """Hears one sentence in whatever it is given, unless that is silent; takes as long as it is told."""

    def __init__(
        self, text: str = "hello there", *failures: Exception, name: str = "ear", delay: float = 0.0
    ) -> None:
        able = Capabilities(detects_language=True, words=True)
        super().__init__(name, able, patience=Patience(attempts=1))
        self.text, self.failures, self.delay = text, list(failures), delay
        self.calls = 0
        self.options: list[RecognitionOptions] = []

    async def _transcribe_impl(self, samples: Samples, options: RecognitionOptions) -> Recognition:
        self.calls += 1
        self.options.append(options)
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.failures:
            raise self.failures.pop(0)
        if not np.any(samples):
            return Recognition((), None, 0.0, self.name)
        segment = Segment(self.text, 0.0, len(samples) / 16_000, language=options.language or "en")
        return Recognition((segment,), options.language or "en", 0.0, self.name)


def speech_of(*ears: BaseRecognizer, voice: Any = None) -> SpeechService:
    """A speech service of fakes: every recogniser given in one chain, and one voice."""
    ears = ears or (SayingRecognizer(),)
    speaks = voice or HummingVoice()
    engines = Engines({ear.name: ear for ear in ears}, {}, {speaks.name: speaks})
    stt, tts = [ear.name for ear in ears], [speaks.name]
    return SpeechService(engines, WavDecoder(), Fixed(*stt), stt=stt, tts=tts)


def said(seconds: float = 1.0) -> bytes:
    """A recording with sound in it."""
    wave = np.sin(np.arange(int(16_000 * seconds)) * 2 * np.pi * 220 / 16_000) * 0.3
    return wav_of(wave.astype(np.float32))


class NoSearch:
    """Finds what it is asked for, for whoever may search."""

    async def search(self, words: str, rights: Rights) -> Sequence[str]:
        return [f"found {words}"] if rights.may_search else []


class Answering(Toolbox):
    """A toolbox whose tools answer from a table."""

    def __init__(self, answer: Callable[[str, Mapping[str, Any]], str]) -> None:
        self._answer = answer
        self.called: list[tuple[str, Mapping[str, Any]]] = []

    async def call(self, bot: Bot, rights: Rights, name: str, arguments: Mapping[str, Any]) -> str:
        self.called.append((name, arguments))
        return self._answer(name, arguments)

    async def close(self) -> None:
        """Nothing is open."""
