"""Wire messages of OpenAI's audio API, as its clients expect them."""

import math
import zlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tertulia.speech.domain import Capabilities, Recognition, RecognitionOptions, Segment
from tertulia.speech.encoding import AudioFormat
from tertulia.speech.languages import code_of, name_of

LONGEST_INPUT = 50_000
"""Characters that may be spoken in one request; the original stops at 4096."""

ResponseFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
Granularity = Literal["word", "segment"]
_BY_SEGMENT: tuple[Granularity, ...] = ("segment",)


class TranslationForm(BaseModel):
    """The fields of `POST /v1/audio/translations` beside the file."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(
        "whisper-1",
        max_length=200,
        description="An engine, a chain (`gladia,whisper`), `auto`, or any of OpenAI's names.",
    )
    prompt: str | None = Field(
        None, max_length=8000, description="Text that comes before, as a hint."
    )
    response_format: ResponseFormat = Field("json", description="What the answer looks like.")
    temperature: float = Field(0.0, ge=0, le=1, description="How freely the model guesses.")

    def options(self) -> RecognitionOptions:
        return RecognitionOptions(prompt=self.prompt, translate=True, temperature=self.temperature)


class TranscriptionForm(TranslationForm):
    """The fields of `POST /v1/audio/transcriptions` beside the file."""

    language: str | None = Field(
        None, max_length=35, description="Spoken language, as in `es`.", examples=["es"]
    )
    timestamp_granularities: list[Granularity] = Field(
        default_factory=lambda: list(_BY_SEGMENT),
        description="`word`, `segment` or both; for `verbose_json`.",
    )
    stream: bool = Field(
        False, description="Whether text comes as server-sent events as it is read."
    )
    keywords: list[Annotated[str, Field(max_length=200)]] = Field(
        default_factory=list, max_length=500, description="Words that are likely to be said."
    )
    channels: bool = Field(False, description="Ours: whether every channel is read by itself.")

    @field_validator("language")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        code = code_of(value)
        if code is None:
            raise ValueError("is not a language; give a code such as `es`")
        return code

    def options(self) -> RecognitionOptions:
        words = self.response_format == "verbose_json" and "word" in self.timestamp_granularities
        return RecognitionOptions(
            language=self.language,
            hot_words=tuple(self.keywords),
            prompt=self.prompt,
            words=words,
            diarise=self.response_format == "diarized_json",
            temperature=self.temperature,
        )


class VoiceId(BaseModel):
    """A voice given as an object."""

    id: str = Field(max_length=200)


class SpeechRequest(BaseModel):
    """The body of `POST /v1/audio/speech`."""

    model_config = ConfigDict(extra="ignore")

    input: str = Field(min_length=1, max_length=LONGEST_INPUT, description="What is to be said.")
    model: str = Field(
        "tts-1", max_length=200, description="An engine, a chain, `auto`, or any of OpenAI's names."
    )
    voice: Annotated[str, Field(max_length=200)] | VoiceId = Field(
        "alloy", description="A voice of GET /v1/audio/voices, or any of OpenAI's names."
    )
    response_format: AudioFormat = Field(
        AudioFormat.MP3, description="What the sound is written as."
    )
    speed: float = Field(1.0, ge=0.25, le=4.0, description="A factor; 1 is the voice's own pace.")
    instructions: str | None = Field(None, max_length=4096, description="How it is to be said.")
    stream_format: Literal["audio", "sse"] = Field(
        "audio", description="Bytes of the file, or server-sent events."
    )
    language: str | None = Field(
        None, max_length=35, description="Ours: the text's language; guessed when not given."
    )

    @property
    def voice_id(self) -> str:
        return self.voice if isinstance(self.voice, str) else self.voice.id


class ModelOut(BaseModel):
    """One name that may be given as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "tertulia"
    kinds: list[str] = Field(default_factory=list, description="Ours: `stt`, `live`, `tts`.")
    languages: list[str] = Field(
        default_factory=list, description="Ours: codes of languages; empty means any."
    )


class ModelList(BaseModel):
    """Every name that may be given as a model."""

    object: Literal["list"] = "list"
    data: list[ModelOut]


class VoiceOut(BaseModel):
    """A voice one can choose."""

    id: str
    name: str
    language: str
    gender: str | None = None


class VoiceList(BaseModel):
    """The voices of an engine or chain."""

    object: Literal["list"] = "list"
    data: list[VoiceOut]


def model_out(name: str, created: int, kinds: Sequence[str], able: Capabilities | None) -> ModelOut:
    """A model as it is listed."""
    languages = sorted(able.languages) if able is not None else []
    return ModelOut(id=name, created=created, kinds=list(kinds), languages=languages)


def plain(found: Recognition) -> dict[str, Any]:
    """The `json` answer."""
    return {"text": found.text, "usage": usage(found)}


def usage(found: Recognition) -> dict[str, Any]:
    """What OpenAI's clients read as the amount that is paid for."""
    return {"type": "duration", "seconds": math.ceil(found.duration_seconds)}


def verbose(found: Recognition, form: TranslationForm) -> dict[str, Any]:
    """The `verbose_json` answer."""
    granularities = getattr(form, "timestamp_granularities", ["segment"])
    answer: dict[str, Any] = {
        "task": "translate" if found.language == "en" and _translates(form) else "transcribe",
        "language": name_of(found.language),
        "duration": round(found.duration_seconds, 3),
        "text": found.text,
        "usage": usage(found),
        "provider": found.provider,
    }
    if "segment" in granularities:
        answer["segments"] = [
            _segment(n, s, form.temperature) for n, s in enumerate(found.segments)
        ]
    if "word" in granularities:
        answer["words"] = [
            {"word": w.text, "start": round(w.start, 3), "end": round(w.end, 3)}
            for s in found.segments
            for w in s.words
        ]
    return answer


def _translates(form: TranslationForm) -> bool:
    return not isinstance(form, TranscriptionForm)


def _segment(number: int, segment: Segment, temperature: float) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": number,
        "seek": round(segment.start * 100),
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": [],
        "temperature": temperature,
        "avg_logprob": round(math.log(min(max(segment.confidence or 1.0, 1e-6), 1.0)), 4),
        "compression_ratio": _compression(segment.text),
        "no_speech_prob": 0.0,
    }
    if segment.channel is not None:
        answer["channel"] = segment.channel
    if segment.speaker is not None:
        answer["speaker"] = segment.speaker
    return answer


def _compression(text: str) -> float:
    data = text.encode()
    return round(len(data) / len(zlib.compress(data)), 3) if data else 0.0


def diarized(found: Recognition) -> dict[str, Any]:
    """The `diarized_json` answer."""
    return {
        "task": "transcribe",
        "duration": round(found.duration_seconds, 3),
        "text": found.text,
        "segments": [
            {
                "type": "transcript.text.segment",
                "id": f"seg_{number:03d}",
                "start": round(s.start, 3),
                "end": round(s.end, 3),
                "text": s.text,
                "speaker": s.speaker or "A",
            }
            for number, s in enumerate(found.segments)
        ],
        "usage": usage(found),
    }
