"""What can go wrong on a live socket, and what a client should do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any


class Code(StrEnum):
    """The code of an `error` event."""

    INVALID_MESSAGE = "INVALID_MESSAGE"
    INVALID_SESSION = "INVALID_SESSION"
    NOT_AUTHORIZED = "NOT_AUTHORIZED"
    SUPERSEDED = "SUPERSEDED"
    CHUNK_TOO_LARGE = "CHUNK_TOO_LARGE"
    INVALID_FORMAT = "INVALID_FORMAT"
    UNSUPPORTED_FORMAT = "UNSUPPORTED_FORMAT"
    SEQUENCE_MISMATCH = "SEQUENCE_MISMATCH"
    SESSION_EXPIRED = "SESSION_EXPIRED"
    MEMORY_LIMIT = "MEMORY_LIMIT"
    RATE_LIMIT = "RATE_LIMIT"
    PROCESSING_ERROR = "PROCESSING_ERROR"
    HARDWARE_ERROR = "HARDWARE_ERROR"
    STORAGE_ERROR = "STORAGE_ERROR"
    CONNECTION_LOST = "CONNECTION_LOST"
    INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class Meaning:
    """Whether a session can go on after it, and how."""

    recoverable: bool
    action: str


MEANINGS: Mapping[Code, Meaning] = {
    Code.INVALID_MESSAGE: Meaning(True, "fix_and_continue"),
    Code.INVALID_SESSION: Meaning(False, "start_new_session"),
    Code.NOT_AUTHORIZED: Meaning(False, "get_new_token"),
    Code.SUPERSEDED: Meaning(False, "stop"),
    Code.CHUNK_TOO_LARGE: Meaning(True, "send_smaller_chunks"),
    Code.INVALID_FORMAT: Meaning(True, "resend_chunk"),
    Code.UNSUPPORTED_FORMAT: Meaning(False, "start_new_session"),
    Code.SEQUENCE_MISMATCH: Meaning(True, "resend_from_received_seq"),
    Code.SESSION_EXPIRED: Meaning(False, "start_new_session"),
    Code.MEMORY_LIMIT: Meaning(True, "slow_down"),
    Code.RATE_LIMIT: Meaning(True, "slow_down"),
    Code.PROCESSING_ERROR: Meaning(True, "keep_sending"),
    Code.HARDWARE_ERROR: Meaning(True, "retry_later"),
    Code.STORAGE_ERROR: Meaning(True, "keep_sending"),
    Code.CONNECTION_LOST: Meaning(True, "reconnect"),
    Code.INTERNAL_ERROR: Meaning(True, "reconnect"),
}


class Close(IntEnum):
    """The close codes of a live socket."""

    DONE = 1000
    STOPPING = 1001
    FAULT = 1011
    FULL = 1013
    BAD_ADDRESS = 4000
    NOT_AUTHORIZED = 4001
    NO_SUCH_SESSION = 4004
    SILENT = 4008
    SUPERSEDED = 4009
    OVER = 4010
    SLOW_READER = 4013
    TOO_MANY_ERRORS = 4022


class LiveError(Exception):
    """Something to tell the client; with `close` the connection ends by it."""

    def __init__(
        self, code: Code, message: str, *, close: Close | None = None, **detail: Any
    ) -> None:
        self.code = code
        self.message = message
        self.close = close
        self.detail = detail
        super().__init__(message)
