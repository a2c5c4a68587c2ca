"""How the speech host fails."""

from http import HTTPStatus
from typing import Any

from tertulia.kernel.errors import TertuliaError
from tertulia.speech.engines.errors import (
    EngineError,
    EngineUnavailableError,
    RecognitionError,
)


class EngineBusyError(EngineUnavailableError):
    """The machine holds as many live streams as it can follow; `Retry-After` says when to ask again."""

    code = "engine_busy"
    title = "The speech engine is following as many streams as it can"


class EngineCrashedError(RecognitionError):
    """This audio ended the engine's process twice, so it is not given to it a third time."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "audio_refused"
    title = "The speech engine does not survive this audio"


class HostDownError(EngineUnavailableError):
    """The speech host does not stay up, or has been closed."""

    code = "speech_host_down"
    title = "The speech host is not running"


CLASSES: dict[str, type[EngineError]] = {
    kind.code: kind
    for kind in (
        EngineBusyError,
        EngineCrashedError,
        HostDownError,
        EngineUnavailableError,
        RecognitionError,
    )
}


def to_wire(error: Exception) -> dict[str, Any]:
    """An exception of the child; of foreign ones only the kind travels, for their text may hold speech."""
    if isinstance(error, EngineError):
        return {
            "code": error.code,
            "detail": error.detail,
            "retryable": error.retryable,
            "retry_after": error.retry_after_seconds,
        }
    if isinstance(error, TertuliaError):
        return {"code": error.code, "detail": error.detail}
    if isinstance(error, MemoryError):
        detail = "The speech host ran out of memory. Raise TERTULIA_SPEECH_MEMORY_BYTES or choose a smaller model."
        return {"code": EngineUnavailableError.code, "detail": detail}
    kind = type(error).__name__
    return {
        "code": "stt_error",
        "detail": f"The engine failed ({kind}). The server's log says where.",
    }


def from_wire(body: dict[str, Any]) -> EngineError:
    """The same exception on the server's side."""
    kind = CLASSES.get(body["code"], RecognitionError)
    return kind(
        body["detail"],
        retryable=bool(body.get("retryable")),
        retry_after_seconds=body.get("retry_after"),
    )
