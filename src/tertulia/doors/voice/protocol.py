"""What the voice door says on the wire."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tertulia.doors.voice.domain import AudioSession, Figures, checked_tags
from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.languages import code_of

Format = Literal["mp3", "opus", "aac", "flac", "wav"]
AUTO = ("", "auto")


class Question(BaseModel):
    """What every question may say besides itself."""

    bot: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="The bot's id or name; the server's own choice without it."
    )
    language: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="The language spoken, a code or a name; the bot's own without it."
    )
    voice: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="A voice of the engine that speaks; the bot's own without it."
    )
    user_external_id: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Who asks, as the client calls them."
    )
    corr_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$")] | None = Field(
        None,
        description="Names this question: sent again, it is answered from memory. `X-Correlation-Id` without it.",
    )
    conversation_id: Annotated[str, Field(max_length=128)] | None = Field(
        None, description="A name for turns that belong together: the bot remembers them."
    )
    meta: dict[str, str] = Field(
        default={}, description="Free tags, text for text; in a form a JSON object."
    )
    format: Format = Field("mp3", description="What the spoken answer is kept as.")
    speak: bool = Field(True, description="Whether the answer is spoken at all.")
    space_id: UUID | None = Field(None, description="The caller's active space without it.")

    @field_validator("meta", mode="before")
    @classmethod
    def _tags(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = json.loads(value) if value.strip() else {}
            except ValueError:
                raise ValueError("a JSON object is taken") from None
        if not isinstance(value, Mapping):
            raise ValueError('an object of texts is taken, as in {"branch": "north"}')
        try:
            return checked_tags(value)
        except InvalidRequestError as error:
            raise ValueError(error.detail) from None

    @field_validator(
        "bot", "voice", "user_external_id", "conversation_id", "corr_id", "space_id", mode="before"
    )
    @classmethod
    def _nothing(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("language")
    @classmethod
    def _code(cls, value: str | None) -> str | None:
        if value is None or value.strip().lower() in AUTO:
            return None
        code = code_of(value)
        if code is None:
            raise ValueError("not a language that is known here. Send a code such as en, es or ru")
        return code


class TextQuestion(Question):
    """A question in writing."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"text": "When are you open?", "bot": "Answering machine", "speak": True}
        }
    )

    text: Annotated[str, Field(max_length=20_000)]


class UsageOut(BaseModel):
    """What every stage took, and who did it."""

    input_seconds: float
    output_seconds: float
    stt_ms: int
    llm_ms: int
    tts_ms: int
    total_ms: int
    first_word_ms: int | None = Field(description="Until the first word of the reply was written.")
    first_sound_ms: int | None = Field(description="Until the first sound of it was made.")
    provider_stt: str = Field(description="The chain tried, as in `gladia|whisper`.")
    provider_llm: str = Field(description="`offline` is the bot's script.")
    provider_tts: str


class FormOut(BaseModel):
    """A form of the bot's script that this turn completed."""

    name: str
    values: dict[str, str]


class TurnOut(BaseModel):
    """The answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "session_id": "01983b5e-7c1e-7a30-9d43-2f6f3c1a9b10",
                "corr_id": "order-4711",
                "transcript": "When are you open?",
                "reply_text": "We are open from ten to seven, Monday to Saturday.",
                "tts_available": True,
                "tts_url": "/api/audio-sessions/01983b5e-7c1e-7a30-9d43-2f6f3c1a9b10/audio"
                "?expires=1772450000&signature=3f…",
                "tts_expires_at": "2026-03-02T12:13:20Z",
                "usage": {
                    "input_seconds": 1.9,
                    "output_seconds": 3.4,
                    "stt_ms": 410,
                    "llm_ms": 2,
                    "tts_ms": 21,
                    "total_ms": 452,
                    "first_word_ms": 412,
                    "first_sound_ms": 430,
                    "provider_stt": "gladia|whisper",
                    "provider_llm": "offline",
                    "provider_tts": "espeak",
                },
                "meta": {"branch": "north"},
            }
        }
    )

    session_id: UUID
    corr_id: str
    transcript: str = Field(description="What was said; empty where nothing was.")
    reply_text: str
    tts_available: bool
    tts_url: str | None = Field(
        description="The spoken answer. The link works by itself until `tts_expires_at`; afterwards, without "
        "its query, with the caller's credentials."
    )
    tts_expires_at: datetime | None
    usage: UsageOut
    meta: dict[str, str]
    language: str | None
    bot_id: UUID
    bot_name: str
    conversation_id: str | None
    form: FormOut | None = None
    ends: bool = Field(description="Whether the bot has said goodbye.")
    transcript_id: UUID | None = Field(description="The conversation in the hall.")
    outcome_detail: str | None = Field(
        description="What went wrong beside the answer: `audio.tts_error`, `audio.llm_cut`."
    )

    @classmethod
    def of(cls, session: AudioSession, link: "Link | None") -> Self:
        return cls(
            session_id=session.id,
            corr_id=session.corr_id,
            transcript=session.transcript,
            reply_text=session.reply_text,
            tts_available=session.tts_available,
            tts_url=link.url if link else None,
            tts_expires_at=link.expires_at if link else None,
            usage=UsageOut(
                input_seconds=session.request_duration_seconds,
                output_seconds=session.output_seconds,
                stt_ms=session.usage_stt_ms,
                llm_ms=session.usage_llm_ms,
                tts_ms=session.usage_tts_ms,
                total_ms=session.usage_total_ms,
                first_word_ms=session.first_word_ms,
                first_sound_ms=session.first_sound_ms,
                provider_stt=session.provider_stt,
                provider_llm=session.provider_llm,
                provider_tts=session.provider_tts,
            ),
            meta=dict(session.meta_tags),
            language=session.language,
            bot_id=session.bot_id,
            bot_name=session.bot_name,
            conversation_id=session.conversation_id,
            form=FormOut(name=session.form, values=dict(session.form_values))
            if session.form
            else None,
            ends=session.ends,
            transcript_id=session.transcript_id,
            outcome_detail=session.outcome_detail,
        )


class Link(BaseModel):
    """A link to a spoken answer, and until when it works by itself."""

    url: str
    expires_at: datetime


class AudioSessionOut(BaseModel):
    """A turn as it is kept: the storage contract's nineteen fields, then ours."""

    id: UUID
    corr_id: str
    api_key_id: str
    user_external_id: str | None
    created_at: datetime
    request_mime_type: str
    request_duration_seconds: float
    transcript: str
    reply_text: str
    tts_available: bool
    tts_storage_ref: str | None
    usage_stt_ms: int
    usage_llm_ms: int
    usage_tts_ms: int
    usage_total_ms: int
    provider_stt: str
    provider_llm: str
    provider_tts: str
    meta_tags: dict[str, str]
    space_id: UUID
    bot_id: UUID
    bot_name: str
    outcome: str = Field(description="`ok`, or the code of what went wrong.")
    outcome_detail: str | None
    conversation_id: str | None
    language: str | None
    output_seconds: float
    first_word_ms: int | None
    first_sound_ms: int | None
    form: str | None
    form_values: dict[str, str]
    ends: bool
    transcript_id: UUID | None
    has_request_audio: bool = Field(description="Whether what was asked can be listened to.")
    tts_url: str | None
    tts_expires_at: datetime | None

    @classmethod
    def of(cls, session: AudioSession, link: Link | None) -> Self:
        own = {"has_request_audio", "tts_url", "tts_expires_at"}
        plain = {name: getattr(session, name) for name in cls.model_fields if name not in own}
        return cls(
            **plain,
            has_request_audio=session.request_blob_id is not None,
            tts_url=link.url if link else None,
            tts_expires_at=link.expires_at if link else None,
        )


class StageOut(BaseModel):
    """How long one provider took for one stage, in milliseconds."""

    stage: Literal["stt", "llm", "tts"]
    provider: str
    turns: int
    p50_ms: float
    p95_ms: float


class DayOut(BaseModel):
    """One day, in UTC."""

    day: str
    turns: int
    failed: int


class OutcomeOut(BaseModel):
    """How often turns ended so."""

    outcome: str
    turns: int


class FiguresOut(BaseModel):
    """What charts of turns are drawn from."""

    stages: list[StageOut]
    days: list[DayOut]
    outcomes: list[OutcomeOut]
    first_sound_p50_ms: float | None
    first_sound_p95_ms: float | None

    @classmethod
    def of(cls, figures: Figures) -> Self:
        return cls(
            stages=[
                StageOut.model_validate(
                    {
                        "stage": s.stage,
                        "provider": s.provider,
                        "turns": s.turns,
                        "p50_ms": s.p50_ms,
                        "p95_ms": s.p95_ms,
                    }
                )
                for s in figures.stages
            ],
            days=[
                DayOut(day=day, turns=turns, failed=failed) for day, turns, failed in figures.days
            ],
            outcomes=[OutcomeOut(outcome=name, turns=turns) for name, turns in figures.outcomes],
            first_sound_p50_ms=figures.first_sound_p50_ms,
            first_sound_p95_ms=figures.first_sound_p95_ms,
        )
