"""What is kept of a turn that came through this door, and how it can fail."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from tertulia.bots.domain import Rights
from tertulia.kernel.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    TertuliaError,
    UnavailableError,
)
from tertulia.language.errors import LanguageError, ModelTimeoutError
from tertulia.speech.decoding import Source
from tertulia.speech.encoding import AudioFormat
from tertulia.speech.engines.errors import (
    EngineError,
    EngineTimeoutError,
    UnsupportedLanguageError,
)

READ = "voice:read"
WRITE = "voice:write"

OK = "ok"
GONE = "client_gone"
"""The outcome of a turn whose caller left before its end."""
BROKEN = "internal_error"
MOST_TAGS = 50
LONGEST_TAG_NAME = 64
LONGEST_TAG = 500

TURN = "voice.turn"
OUTSIDE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    TURN: (
        "A bot has answered, or failed to. Fetch the turn at /api/audio-sessions/{id}.",
        {
            "id": "0199d3a0-0000-7000-8000-000000000000",
            "corr_id": "order-4711",
            "bot_id": "0199d3a0-0000-7000-8000-000000000001",
            "outcome": "ok",
            "form": "message",
        },
    )
}


class AudioSessionMissingError(NotFoundError):
    """There is no such turn, or it is in a space that the caller is not in."""

    code = "audio_session_missing"
    title = "There is no such turn"


class NoSpokenAnswerError(NotFoundError):
    """The turn has no sound of that side: it was not spoken, not kept, or failed."""

    code = "no_spoken_answer"
    title = "There is no sound of this turn"


class LinkExpiredError(TertuliaError):
    """A link to a spoken answer works for a while only."""

    status = HTTPStatus.FORBIDDEN
    code = "link_expired"
    title = "The link has expired"


class CorrIdTakenError(ConflictError):
    """Somebody else has used this correlation id."""

    code = "corr_id_taken"
    title = "This correlation id belongs to another caller"


class HearingError(TertuliaError):
    """No recogniser of the chain could hear what was said; `cause` is the code of the last one's failure."""

    status = HTTPStatus.BAD_GATEWAY
    code = "stt_error"
    title = "What was said could not be heard"


class ThinkingError(TertuliaError):
    """No model of the chain answered; `cause` is the code of the last one's failure."""

    status = HTTPStatus.BAD_GATEWAY
    code = "llm_error"
    title = "No answer could be found"


class ProviderTimeoutError(TertuliaError):
    """An engine took longer than the bot allows; `cause` says which."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "provider_timeout"
    title = "An engine did not answer in time"


class StorageError(UnavailableError):
    """The answer could not be kept, so it is not given: the same `corr_id` may be sent again."""

    code = "storage_error"
    title = "The answer could not be kept"


def explained(error: TertuliaError) -> TertuliaError:
    """A failure in the words of this door's table: `stt_error`, `llm_error`, `provider_timeout`."""
    headers = {k: v for k, v in error.headers.items() if k == "Retry-After"}
    if isinstance(error, (EngineTimeoutError, ModelTimeoutError)):
        return ProviderTimeoutError(error.detail, headers=headers, cause=error.code)
    if isinstance(error, UnsupportedLanguageError):
        return error
    if isinstance(error, EngineError):
        return HearingError(error.detail, headers=headers, cause=error.code)
    if isinstance(error, LanguageError):
        return ThinkingError(error.detail, headers=headers, cause=error.code)
    return error


@dataclass(frozen=True, slots=True)
class AudioSession:
    """One turn. The first nineteen fields are the storage contract's; the rest is ours."""

    id: UUID
    corr_id: str
    api_key_id: str
    """The API key's id, or `user:` and a person's."""
    user_external_id: str | None
    created_at: datetime
    request_mime_type: str
    request_duration_seconds: float
    transcript: str
    reply_text: str
    tts_available: bool
    tts_storage_ref: str | None
    """The blob the spoken answer is in."""
    usage_stt_ms: int
    usage_llm_ms: int
    usage_tts_ms: int
    usage_total_ms: int
    provider_stt: str
    provider_llm: str
    provider_tts: str
    meta_tags: Mapping[str, str]

    space_id: UUID
    bot_id: UUID
    bot_name: str
    outcome: str = OK
    """`ok`, or the code of what went wrong."""
    user_id: UUID | None = None
    conversation_id: str | None = None
    language: str | None = None
    output_seconds: float = 0.0
    first_word_ms: int | None = None
    first_sound_ms: int | None = None
    outcome_detail: str | None = None
    """What went wrong beside the answer: `audio.tts_error`, `audio.llm_cut`."""
    form: str | None = None
    form_values: Mapping[str, str] = field(default_factory=dict)
    ends: bool = False
    state: Mapping[str, Any] = field(default_factory=dict, repr=False)
    transcript_id: UUID | None = None
    request_blob_id: UUID | None = None
    link_secret: str = field(default="", repr=False)

    def signature(self, expires: int) -> str:
        """What makes a link to the spoken answer work until `expires`, in Unix seconds."""
        text = f"{self.id}:{expires}".encode()
        return hmac.new(self.link_secret.encode(), text, hashlib.sha256).hexdigest()[:40]

    def opens(self, expires: int, signature: str, now: datetime) -> bool:
        """Whether a link works."""
        right = hmac.compare_digest(self.signature(expires).encode(), signature.encode())
        if right and now.timestamp() > expires:
            raise LinkExpiredError("Ask for the turn again: its tts_url is new each time.")
        return right


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, in which space, with which rights."""

    space_id: UUID
    api_key_id: str
    rights: Rights
    user_id: UUID | None = None
    key_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class VoiceAsked:
    """What is asked of the door."""

    caller: Caller
    corr_id: str
    audio: Source | None = None
    text: str | None = None
    mime_type: str = "text/plain"
    bot: str | None = None
    language: str | None = None
    voice: str | None = None
    user_external_id: str | None = None
    conversation_id: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    speak: bool = True
    audio_format: AudioFormat = AudioFormat.MP3


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which turns are meant; `spaces` is who may see them."""

    spaces: tuple[UUID, ...]
    user_external_id: str | None = None
    api_key_id: str | None = None
    bot_id: UUID | None = None
    conversation_id: str | None = None
    tag: tuple[str, str | None] | None = None
    failed: bool | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class StageFigures:
    """How long one provider took for one stage."""

    stage: str
    provider: str
    turns: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What charts of turns are drawn from."""

    stages: tuple[StageFigures, ...]
    days: tuple[tuple[str, int, int], ...]
    """Day, turns, and how many of them failed."""
    outcomes: tuple[tuple[str, int], ...]
    first_sound_p50_ms: float | None
    first_sound_p95_ms: float | None


def checked_tags(meta: Mapping[str, Any]) -> dict[str, str]:
    """Free tags: words for words."""
    if len(meta) > MOST_TAGS:
        raise InvalidRequestError(f"meta: at most {MOST_TAGS} tags are taken.")
    tags: dict[str, str] = {}
    for name, value in meta.items():
        if isinstance(value, (dict, list)) or value is None:
            raise InvalidRequestError(
                'meta: an object of texts is taken, as in {"branch": "north"}.'
            )
        plain = "true" if value is True else "false" if value is False else str(value)
        if not name or len(name) > LONGEST_TAG_NAME or len(plain) > LONGEST_TAG:
            raise InvalidRequestError(
                f"meta: names have up to {LONGEST_TAG_NAME} characters, values up to {LONGEST_TAG}."
            )
        tags[name.replace("\x00", "")] = plain.replace("\x00", "")
    return tags
