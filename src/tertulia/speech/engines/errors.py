"""How engines fail. The texts never hold what a vendor answered: it may quote keys or what was said."""

from http import HTTPStatus

from tertulia.kernel.vendor import VendorError


class EngineError(VendorError):
    """An engine failed. `retryable` says whether the same call may work in a moment."""

    status = HTTPStatus.BAD_GATEWAY
    code = "engine_error"
    title = "A speech engine failed"


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


class UnsupportedLanguageError(EngineError):
    """An engine does not know the language asked for."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "unsupported_language"
    title = "The speech engine does not know this language"
    blames_vendor = False

    def __init__(self, engine: str, language: str) -> None:
        super().__init__(
            f"{engine} does not know the language {language[:16]!r}. "
            "Choose another engine or leave the language out."
        )
