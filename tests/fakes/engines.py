"""Engines without a model: a recogniser that says how long it heard, a live one, and a voice that hums."""

import asyncio
import io
import math
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    AudioInfo,
    Capabilities,
    Hypothesis,
    HypothesisKind,
    LiveStream,
    Recognition,
    RecognitionOptions,
    Samples,
    Segment,
    SpeechChunk,
    SpeechOptions,
    VoiceInfo,
    Word,
)
from tertulia.speech.engines.base import (
    BaseLiveRecognizer,
    BaseRecognizer,
    BaseVoice,
    Patience,
)

ONCE = Patience(attempts=1)
WORDS_A_SECOND = 2


class CountingRecognizer(BaseRecognizer):
    """Says one word every half second: `one.0 one.1 …`. Raises what it was given first."""

    def __init__(
        self, name: str = "one", *failures: Exception, languages: Sequence[str] = ("en", "es")
    ) -> None:
        able = Capabilities(
            frozenset(languages), words=True, detects_language=True, translation=True
        )
        super().__init__(name, able, patience=ONCE)
        self.failures = list(failures)
        self.heard: list[tuple[Samples, RecognitionOptions]] = []

    async def _transcribe_impl(self, samples: Samples, options: RecognitionOptions) -> Recognition:
        self.heard.append((samples, options))
        if self.failures:
            raise self.failures.pop(0)
        words = tuple(
            Word(f"{self.name}.{n}", n / WORDS_A_SECOND, (n + 0.9) / WORDS_A_SECOND, 0.9)
            for n in range(len(samples) * WORDS_A_SECOND // SAMPLE_RATE_HZ)
        )
        if not words:
            return Recognition((), None, 0.0, self.name)
        text = " ".join(w.text for w in words)
        segment = Segment(text, words[0].start, words[-1].end, words, confidence=0.9)
        return Recognition((segment,), options.language or "en", 0.0, self.name)


class CountingLive(BaseLiveRecognizer):
    """Confirms one word a second, counted from the start of the conversation; breaks where it was told to."""

    def __init__(
        self,
        name: str = "one",
        *,
        breaks_at: float = math.inf,
        refuses: Exception | None = None,
        languages: Sequence[str] = (),
    ) -> None:
        super().__init__(name, Capabilities(frozenset(languages), streaming=True), patience=ONCE)
        self.breaks_at, self.refuses = breaks_at, refuses
        self.streams: list[CountingStream] = []

    async def _open_impl(self, options: RecognitionOptions, offset_seconds: float) -> LiveStream:
        if self.refuses is not None:
            raise self.refuses
        stream = CountingStream(self, offset_seconds)
        self.streams.append(stream)
        return stream


class CountingStream:
    """A partial at every half second, a final at every whole one, named by the second it ends."""

    def __init__(self, engine: CountingLive, offset: float) -> None:
        self._engine = engine
        self._at = round(offset * SAMPLE_RATE_HZ)
        self._begin = self._at
        self._events: asyncio.Queue[Hypothesis | Exception | None] = asyncio.Queue()
        self.heard: list[Samples] = []
        self._over = False

    async def send(self, samples: Samples) -> None:
        self.heard.append(samples)
        half = SAMPLE_RATE_HZ // 2
        for _ in range(len(samples) // 1600):
            self._at += 1600
            if self._at / SAMPLE_RATE_HZ >= self._engine.breaks_at and not self._over:
                self._over = True
                self._events.put_nowait(ConnectionResetError("broken on purpose"))
            if self._at % half == 0 and not self._over:
                self._say(self._at % SAMPLE_RATE_HZ == 0)

    def is_silent_at(self, at: float) -> None:
        """Says how far it has heard, where nobody spoke."""
        self._events.put_nowait(Hypothesis("", HypothesisKind.PARTIAL, "", at, at, at))

    def _say(self, final: bool) -> None:
        end = self._at / SAMPLE_RATE_HZ
        start = max(math.ceil(end) - 1, self._begin / SAMPLE_RATE_HZ)
        kind = HypothesisKind.FINAL if final else HypothesisKind.PARTIAL
        confirmed = end if final else max(math.floor(end), self._begin / SAMPLE_RATE_HZ)
        number = math.ceil(end - self._begin / SAMPLE_RATE_HZ)
        text = f"second {math.ceil(end)}"
        self._events.put_nowait(Hypothesis(f"u{number}", kind, text, start, end, confirmed))

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while (event := await self._events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    async def finish(self) -> None:
        if self._at % SAMPLE_RATE_HZ and self._at > self._begin and not self._over:
            self._say(True)
        if not self._over:
            self._events.put_nowait(None)

    async def cancel(self) -> None:
        self._over = True
        self._events.put_nowait(None)


class HummingVoice(BaseVoice):
    """Hums 50 ms a character, sentence by sentence; breaks after as many sentences, or at the word, it was told."""

    def __init__(
        self,
        name: str = "hum",
        *,
        rate_hz: int = 16_000,
        breaks_after: int = 10**9,
        breaks_at: str | None = None,
        hz: float = 200,
    ) -> None:
        super().__init__(name, Capabilities(streaming=True, words=True), patience=ONCE)
        self.rate_hz, self.breaks_after, self.hz = rate_hz, breaks_after, hz
        self.breaks_at = breaks_at
        self.said: list[str] = []
        self.options: list[SpeechOptions] = []

    async def voices(self) -> Sequence[VoiceInfo]:
        return (VoiceInfo("low", "Low", "en", "male"), VoiceInfo("high", "High", "en", "female"))

    async def _speak_impl(
        self, text: str, options: SpeechOptions
    ) -> AsyncGenerator[SpeechChunk, None]:
        stuck = self.breaks_at is not None and self.breaks_at in text
        if stuck or len(self.said) >= self.breaks_after:
            raise ConnectionResetError("broken on purpose")
        self.said.append(text)
        self.options.append(options)
        seconds = 0.05 * len(text) / options.speed
        wave_form = np.sin(
            np.arange(int(seconds * self.rate_hz)) * 2 * np.pi * self.hz / self.rate_hz
        )
        pcm16 = (wave_form * 9000).astype("<i2").tobytes()
        yield SpeechChunk(pcm16, self.rate_hz, (Word(text.split(maxsplit=1)[0], 0.0, seconds),))


class WavDecoder:
    """Decodes 16 kHz WAV alone, in this process."""

    @asynccontextmanager
    async def open(self, source: Any, *, split: bool = False) -> AsyncIterator[Any]:
        data = source if isinstance(source, bytes) else source.read_bytes()
        with wave.open(io.BytesIO(data)) as file:
            raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            rows = (raw.reshape(-1, file.getnchannels()).T / 32768).astype(np.float32)
            info = AudioInfo(
                rows.shape[1] / SAMPLE_RATE_HZ, file.getframerate(), len(rows), "pcm", "wav"
            )
        yield _Recording(rows if split else rows.mean(axis=0, keepdims=True), info)


class _Recording:
    def __init__(self, rows: NDArray[np.float32], info: AudioInfo) -> None:
        self._rows, self.info = rows, info

    async def __aiter__(self) -> AsyncIterator[NDArray[np.float32]]:
        for at in range(0, self._rows.shape[1], SAMPLE_RATE_HZ * 30):
            yield self._rows[:, at : at + SAMPLE_RATE_HZ * 30]


def wav_of(*channels: NDArray[Any]) -> bytes:
    """A 16 kHz WAV file of the channels given."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


class Fixed:
    """A chooser that always answers the same."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[str | None] = []

    def recognizers(self, language: str | None) -> Sequence[str]:
        self.asked.append(language)
        return self.names

    live = voices = recognizers
