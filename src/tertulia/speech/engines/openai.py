"""Any server that speaks OpenAI's audio API: `/v1/audio/transcriptions`, `translations` and `speech`."""

import asyncio
import io
import math
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from tertulia.kernel.clock import Clock
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Capabilities,
    Recognition,
    RecognitionOptions,
    Samples,
    Segment,
    SpeechChunk,
    SpeechOptions,
    VoiceInfo,
    Word,
)
from tertulia.speech.engines.base import BaseRecognizer, BaseVoice, EngineObserver, Patience
from tertulia.speech.engines.errors import RecognitionError, VoiceError
from tertulia.speech.engines.http import client, fields_of, reached, require_success
from tertulia.speech.engines.wav import WavReader
from tertulia.speech.languages import code_of
from tertulia.speech.text import sentences

KEY_SETTING = "TERTULIA_OPENAI_KEY"
PART_SECONDS = 600
"""Of one upload: as WAV it stays below the 25 MB that the original accepts."""
CUT_SECONDS = 30
"""A part ends at the quietest point of its last stretch of this length."""
LONGEST_TEXT = 4000
"""Characters of one request for speech; the original accepts 4096."""
VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
)


@dataclass(frozen=True, slots=True)
class OpenAIServer:
    """Where the server is and what it is asked for."""

    url: str = "https://api.openai.com/v1"
    key: str | None = None
    model: str = "whisper-1"
    voice: str = "alloy"

    def client(self) -> httpx.AsyncClient:
        return client({"Authorization": f"Bearer {self.key}"} if self.key else {})

    def address(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/audio/{path}"

    @property
    def timed(self) -> bool:
        """Whether the model gives times; OpenAI's newer ones answer with text alone."""
        return not self.model.startswith("gpt-")


class OpenAIRecognizer(BaseRecognizer):
    """Uploads recordings as WAV, long ones in parts."""

    def __init__(
        self,
        server: OpenAIServer,
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
    ) -> None:
        capabilities = Capabilities(
            words=server.timed,
            translation=True,
            hot_words=True,
            detects_language=True,
            needs_network=True,
        )
        super().__init__("openai", capabilities, clock=clock, observer=observer, patience=patience)
        self._server = server
        self._client = server.client()

    async def close(self) -> None:
        await self._client.aclose()

    async def _transcribe_impl(self, samples: Samples, options: RecognitionOptions) -> Recognition:
        segments: list[Segment] = []
        language = options.language
        # One part at a time: each failure is tried again by itself, so that no part is paid twice.
        for start, end in await asyncio.to_thread(parts, samples):
            data = await asyncio.to_thread(as_wav, samples[start:end])
            answer = await self._tried(
                lambda data=data: self._ask(data, options),  # type: ignore[misc]
                self.patience.timeout_seconds,
            )
            offset = start / SAMPLE_RATE_HZ
            segments += segments_of(answer, offset, (end - start) / SAMPLE_RATE_HZ)
            language = language or code_of(answer.get("language"))
        return Recognition(tuple(segments), language, 0.0, self.name)

    async def _ask(self, data: bytes, options: RecognitionOptions) -> dict[str, Any]:
        form: dict[str, Any] = {"model": self._server.model, "temperature": options.temperature}
        form["response_format"] = "verbose_json" if self._server.timed else "json"
        if options.language and not options.translate:
            form["language"] = options.language.split("-")[0]
        # The API has no field for likely words: they stand before the prompt, whose end is what counts most.
        hints = (", ".join(options.hot_words), options.prompt)
        if any(hints):
            form["prompt"] = ". ".join(hint for hint in hints if hint)
        if self._server.timed and not options.translate:
            form["timestamp_granularities[]"] = (
                ["word", "segment"] if options.words else ["segment"]
            )
        path = "translations" if options.translate else "transcriptions"
        with reached(self.name):
            response = await self._client.post(
                self._server.address(path),
                data=form,
                files={"file": ("audio.wav", data, "audio/wav")},
            )
        require_success(self.name, KEY_SETTING, response, RecognitionError)
        return fields_of(self.name, response, RecognitionError)


def parts(samples: Samples) -> list[tuple[int, int]]:
    """Where a long recording is cut: at the quietest tenth of a second near the end of each part."""
    found: list[tuple[int, int]] = []
    start, window = 0, SAMPLE_RATE_HZ // 10
    while len(samples) - start > PART_SECONDS * SAMPLE_RATE_HZ:
        last = start + PART_SECONDS * SAMPLE_RATE_HZ
        first = last - CUT_SECONDS * SAMPLE_RATE_HZ
        loudness = np.square(samples[first:last]).reshape(-1, window).sum(axis=1)
        cut = first + int(loudness.argmin()) * window + window // 2
        found.append((start, cut))
        start = cut
    return [*found, (start, len(samples))]


def as_wav(samples: Samples) -> bytes:
    """The samples as a 16-bit WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(as_pcm16(samples))
    return buffer.getvalue()


def as_pcm16(samples: Samples) -> bytes:
    """The samples as 16-bit little-endian."""
    return (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def segments_of(answer: dict[str, Any], offset: float, seconds: float) -> list[Segment]:
    """Segments of an answer, with their words; an answer of text alone is one segment."""
    language = code_of(answer.get("language"))
    words = [
        Word(str(w["word"]).strip(), float(w["start"]) + offset, float(w["end"]) + offset)
        for w in answer.get("words") or ()
    ]
    found: list[Segment] = []
    for piece in answer.get("segments") or ():
        start, end = float(piece["start"]) + offset, float(piece["end"]) + offset
        text = str(piece["text"]).strip()
        inside = tuple(w for w in words if start <= (w.start + w.end) / 2 < end)
        if text:
            found.append(Segment(text, start, end, inside, language, _confidence(piece)))
    text = str(answer["text"]).strip()
    if text and not found:
        found.append(Segment(text, offset, offset + seconds, tuple(words), language))
    return found


def _confidence(piece: dict[str, Any]) -> float | None:
    value = piece.get("avg_logprob")
    return min(1.0, math.exp(value)) if isinstance(value, (int, float)) and value < 0 else None


class OpenAIVoice(BaseVoice):
    """Speech as a stream of WAV."""

    def __init__(
        self,
        server: OpenAIServer,
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
    ) -> None:
        super().__init__(
            "openai",
            Capabilities(streaming=True, needs_network=True),
            clock=clock,
            observer=observer,
            patience=patience,
        )
        self._server = server
        self._client = server.client()

    async def close(self) -> None:
        await self._client.aclose()

    async def voices(self) -> Sequence[VoiceInfo]:
        ids = dict.fromkeys((self._server.voice, *VOICES))
        return tuple(VoiceInfo(v, v.capitalize(), "") for v in ids)

    async def _speak_impl(
        self, text: str, options: SpeechOptions
    ) -> AsyncGenerator[SpeechChunk, None]:
        for piece in _pieces(text):
            async for chunk in self._say(piece, options):
                yield chunk

    async def _say(self, text: str, options: SpeechOptions) -> AsyncIterator[SpeechChunk]:
        form: dict[str, Any] = {
            "model": self._server.model,
            "input": text,
            "voice": options.voice or self._server.voice,
            "response_format": "wav",
            "speed": min(max(options.speed, 0.25), 4.0),
        }
        if options.instructions:
            form["instructions"] = options.instructions
        with reached(self.name):
            async with self._client.stream(
                "POST", self._server.address("speech"), json=form
            ) as response:
                require_success(self.name, KEY_SETTING, response, VoiceError)
                reader = WavReader(self.name)
                async for data in response.aiter_bytes():
                    pcm16 = reader.read(data)
                    if pcm16:
                        yield SpeechChunk(pcm16, reader.rate_hz)
                reader.finish()


def _pieces(text: str) -> list[str]:
    """Whole sentences, as many as one request takes."""
    pieces: list[str] = []
    for sentence in sentences(text):
        if pieces and len(pieces[-1]) + len(sentence) < LONGEST_TEXT:
            pieces[-1] += " " + sentence
        else:
            pieces.append(sentence)
    return pieces
