"""The contracts of speech: what an engine promises, and what it gives back."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
"""Every recogniser hears 16 kHz; decoding brings audio to it."""

Samples = NDArray[np.float32]
"""Mono samples between -1 and 1 at `SAMPLE_RATE_HZ`."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word and when it was said, in seconds from the start of the audio."""

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech with its text; times in seconds from the start of the audio."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    language: str | None = None
    confidence: float | None = None
    speaker: str | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Recognition:
    """The text of a whole file. `provider` is the chain tried, as in `gladia|whisper`."""

    segments: tuple[Segment, ...]
    language: str | None
    duration_seconds: float
    provider: str
    elapsed_ms: int = 0

    @property
    def text(self) -> str:
        return " ".join(s.text for s in self.segments if s.text)


class HypothesisKind(StrEnum):
    """A partial may still change; a final never does."""

    PARTIAL = "partial"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a live recogniser hears. A later hypothesis of one `utterance_id` replaces the earlier one.

    `heard_until` is how far into the audio (seconds) everything said is in a final already: what lies
    before it can be forgotten by whoever keeps audio for a resend.
    """

    utterance_id: str
    kind: HypothesisKind
    text: str
    start: float
    end: float
    heard_until: float
    words: tuple[Word, ...] = ()
    language: str | None = None
    confidence: float | None = None
    speaker: str | None = None
    processing_ms: int = 0
    provider: str = ""
    """The chain tried, as in `gladia|whisper`; set by the engine's base class."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do here and now. An empty `languages` means any."""

    languages: frozenset[str] = frozenset()
    streaming: bool = False
    words: bool = False
    diarisation: bool = False
    channels: bool = False
    translation: bool = False
    hot_words: bool = False
    detects_language: bool = False
    needs_network: bool = False

    def speaks(self, language: str | None) -> bool:
        """Whether `language` (a code such as `es` or `es-MX`) is understood; None asks for detection."""
        if not self.languages:
            return True
        if language is None:
            return self.detects_language
        return language.split("-")[0].lower() in self.languages


@dataclass(frozen=True, slots=True)
class RecognitionOptions:
    """How to listen; every field is a wish that an engine without the ability ignores or refuses."""

    language: str | None = None
    hot_words: tuple[str, ...] = ()
    prompt: str | None = None
    words: bool = False
    diarise: bool = False
    translate: bool = False
    temperature: float = 0.0


class Recognizer(Protocol):
    """Whole files: audio in, text out. `engines.base.BaseRecognizer` owns retries, timeout, metrics and cost."""

    name: str
    capabilities: Capabilities

    async def transcribe(
        self, samples: Samples, options: RecognitionOptions = RecognitionOptions()
    ) -> Recognition: ...

    async def close(self) -> None: ...


class LiveStream(Protocol):
    """One live conversation with a recogniser."""

    async def send(self, samples: Samples) -> None:
        """Hands over the next audio. Returns at once; back-pressure is the engine's admission control."""
        ...

    def hypotheses(self) -> AsyncIterator[Hypothesis]:
        """Everything heard, in order, until `finish` has been answered."""
        ...

    async def finish(self) -> None:
        """No more audio: what is open is read to its end and comes as finals."""
        ...

    async def cancel(self) -> None:
        """Stops at once and throws away what is not final."""
        ...


class LiveRecognizer(Protocol):
    """A stream of audio in, hypotheses out."""

    name: str
    capabilities: Capabilities

    async def open(
        self, options: RecognitionOptions = RecognitionOptions(), *, offset_seconds: float = 0.0
    ) -> LiveStream:
        """Starts a conversation. All times count from `offset_seconds`, so that a resumed one goes on."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice one can choose."""

    id: str
    name: str
    language: str
    gender: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How to speak. `speed` is a factor: 1 is the voice's own pace."""

    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of speech: mono 16-bit samples at `sample_rate_hz`. `words` are known by some voices only."""

    pcm16: bytes
    sample_rate_hz: int
    words: tuple[Word, ...] = ()
    provider: str = ""
    """The chain tried, as in `openai|espeak`; set by the engine's base class."""


class Voice(Protocol):
    """Text in, audio out, in pieces as it is made."""

    name: str
    capabilities: Capabilities

    def speak(
        self, text: str, options: SpeechOptions = SpeechOptions()
    ) -> AsyncIterator[SpeechChunk]: ...

    async def voices(self) -> Sequence[VoiceInfo]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a recording is, measured while it is decoded.

    `quality` is 0 (nothing to hear) to 1 (clean), from level, clipping, silence and noise floor.
    """

    duration_seconds: float
    sample_rate_hz: int
    channels: int
    codec: str
    container: str
    peak: float = 0.0
    rms: float = 0.0
    clipping_ratio: float = 0.0
    silence_ratio: float = 0.0
    quality: float = 0.0
    truncated: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
