"""How engines fail. The texts never hold what a vendor answered: it may quote keys or what was said."""

import math
from http import HTTPStatus

from tertulia.kernel.errors import TertuliaError


class EngineError(TertuliaError):
    """An engine failed. `retryable` says whether the same call may work in a moment."""

    status = HTTPStatus.BAD_GATEWAY
    code = "engine_error"
    title = "A speech engine failed"

    def __init__(
        self,
        detail: str | None = None,
        *,
        retryable: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        headers = {}
        if retry_after_seconds is not None:
            headers["Retry-After"] = str(max(1, math.ceil(retry_after_seconds)))
        super().__init__(detail, headers=headers)
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


class RecognitionError(EngineError):
    """A recogniser failed."""

    code = "stt_error"
    title = "The speech could not be transcribed"


class VoiceError(EngineError):
    """A voice failed."""

    code = "tts_error"
    title = "The text could not be spoken"


class EngineTimeoutError(EngineError):
    """An engine did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "provider_timeout"
    title = "A speech engine did not answer in time"


class EngineUnavailableError(EngineError):
    """An engine is away, full, or lacks its model or key."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "engine_unavailable"
    title = "A speech engine cannot be used just now"

    def __init__(
        self,
        detail: str | None = None,
        *,
        retryable: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail, retryable=retryable, retry_after_seconds=retry_after_seconds)
        # Every 503 says when to come back; this one is by the time a breaker rests.
        self.headers.setdefault("Retry-After", "30")


class UnsupportedLanguageError(EngineError):
    """An engine does not know the language asked for."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "unsupported_language"
    title = "The speech engine does not know this language"

    def __init__(self, engine: str, language: str) -> None:
        super().__init__(
            f"{engine} does not know the language {language[:16]!r}. "
            "Choose another engine or leave the language out."
        )
