"""What transcriptions look like on the wire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.languages import code_of
from tertulia.speech.transcriptions.domain import Status, Transcription, Wishes

Format = Literal["txt", "srt", "vtt", "json", "csv", "md", "docx"]
"""What a text can be taken away as; a test holds it against `formats.FORMATS`."""

AUTO = ("", "auto")
CHANNEL_WORDS = {
    "split": True,
    "true": True,
    "1": True,
    "mix": False,
    "false": False,
    "0": False,
    "": False,
}


class TranscribeForm(BaseModel):
    """The fields beside the file."""

    language: str | None = Field(
        None,
        max_length=40,
        description="The language spoken, a code or a name; found out without it.",
    )
    engine: str | None = Field(
        None,
        max_length=200,
        description="An engine, or a chain tried in order; the server's choice without it.",
    )
    channels: bool = Field(
        False, description="`split` (or true) reads each channel by itself, as one speaker."
    )

    @field_validator("channels", mode="before")
    @classmethod
    def _channels(cls, value: Any) -> Any:
        return CHANNEL_WORDS.get(value.strip().lower(), value) if isinstance(value, str) else value

    @field_validator("language", "engine")
    @classmethod
    def _none_for_auto(cls, value: str | None) -> str | None:
        return None if value is None or value.strip().lower() in AUTO else value.strip()

    def wishes(self) -> Wishes:
        code = code_of(self.language)
        if self.language and code is None:
            raise InvalidRequestError(
                "language: not one that is known here. Send a code such as en, es or ru, or leave it out."
            )
        return Wishes(self.engine, code, self.channels)


class TranscribeCreated(BaseModel):
    """The recording is stored and will be read."""

    id: UUID


class WordOut(BaseModel):
    """A word; seconds from the start."""

    text: str
    start: float
    end: float
    confidence: float | None


class SegmentOut(BaseModel):
    """A stretch of speech; seconds from the start."""

    text: str
    start: float
    end: float
    speaker: str | None
    channel: int | None = Field(description="From 0, where channels were read by themselves.")
    language: str | None
    confidence: float | None
    words: list[WordOut]


class FailureOut(BaseModel):
    """Why a recording could not be read: a problem document, as the answer to a request would be."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str


_EXAMPLE: dict[str, Any] = {
    "id": "01983b5e-7c1e-7a30-9d43-2f6f3c1a9b10",
    "name": "monday-call.mp3",
    "status": "done",
    "progress": 1.0,
    "eta_seconds": None,
    "engine": "gladia|whisper",
    "language": "es",
    "duration_seconds": 312.4,
    "transcript_id": "01983b5e-7c1e-7a30-9d43-2f6f3c1a9b10",
    "has_audio": True,
    "created_at": "2026-03-02T09:15:00Z",
    "finished_at": "2026-03-02T09:15:41Z",
    "error": None,
}
_SEGMENT_EXAMPLE: dict[str, Any] = {
    "text": "Buenos días",
    "start": 0.48,
    "end": 1.24,
    "speaker": "A",
    "channel": 0,
    "language": "es",
    "confidence": 0.94,
    "words": [
        {"text": "Buenos", "start": 0.48, "end": 0.86, "confidence": 0.93},
        {"text": "días", "start": 0.86, "end": 1.24, "confidence": 0.97},
    ],
}


class TranscriptionSummary(BaseModel):
    """A transcription as it is listed."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: UUID
    name: str = Field(description="What the person's file is called.")
    status: Status
    progress: float = Field(description="0 to 1.")
    eta_seconds: float | None = Field(description="Until it is done, where that can be told.")
    engine: str | None = Field(
        description="The one asked for; once done, the chain that read it, as in `gladia|whisper`."
    )
    language: str | None
    duration_seconds: float | None
    transcript_id: UUID | None = Field(
        description="Once it is done, the conversation in the hall: /api/transcripts/{id}."
    )
    has_audio: bool = Field(description="Whether the recording is kept and can be listened to.")
    created_at: datetime
    finished_at: datetime | None
    error: FailureOut | None = None

    @classmethod
    def of(cls, found: Transcription, now: datetime, **more: Any) -> Self:
        return cls(
            id=found.id,
            name=found.name,
            status=found.status,
            progress=found.progress,
            eta_seconds=found.eta_seconds(now),
            engine=found.provider or found.wishes.engine,
            language=found.language or found.wishes.language,
            duration_seconds=found.duration_seconds,
            transcript_id=found.id if found.status is Status.DONE else None,
            has_audio=found.blob_id is not None,
            created_at=found.created_at,
            finished_at=found.finished_at,
            error=FailureOut.model_validate(found.error) if found.error else None,
            **more,
        )


class TranscriptionOut(TranscriptionSummary):
    """A transcription with its text, which is there once it is done."""

    model_config = ConfigDict(
        json_schema_extra={"example": {**_EXAMPLE, "segments": [_SEGMENT_EXAMPLE]}}
    )

    segments: list[SegmentOut]

    @classmethod
    def whole(
        cls, found: Transcription, now: datetime, rows: Sequence[Mapping[str, Any]]
    ) -> "TranscriptionOut":
        return cls.of(found, now, segments=[SegmentOut.model_validate(row) for row in rows])
