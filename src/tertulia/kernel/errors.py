"""Errors that carry their HTTP status and a stable code, and are written as RFC 9457 problem documents."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar


class TertuliaError(Exception):
    """An error a person can act on: `detail` says what happened and names the fix."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on the server"

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.detail = detail or self.title
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(self.detail)

    def problem(self, correlation_id: str | None = None) -> dict[str, Any]:
        """The RFC 9457 document; `extra` becomes its extension members."""
        document: dict[str, Any] = {
            "type": f"urn:tertulia:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.extra,
        }
        if correlation_id:
            document["correlation_id"] = correlation_id
        return document


class InvalidRequestError(TertuliaError):
    """The request is well formed but its values are not acceptable."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid_request"
    title = "A value in the request is not acceptable"


class MalformedRequestError(TertuliaError):
    """The request cannot be read at all."""

    status = HTTPStatus.BAD_REQUEST
    code = "malformed_request"
    title = "The request cannot be read"


class NotFoundError(TertuliaError):
    """Unknown, or somebody else's: the two are answered alike."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"
    title = "There is nothing here by that name"


class ConflictError(TertuliaError):
    """The state the request expects is not the state things are in."""

    status = HTTPStatus.CONFLICT
    code = "conflict"
    title = "This clashes with what is already there"


class NotSignedInError(TertuliaError):
    """No credentials, or ones that are wrong, expired or revoked."""

    status = HTTPStatus.UNAUTHORIZED
    code = "not_signed_in"
    title = "Sign in first"


class ForbiddenError(TertuliaError):
    """Known, and not allowed."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    title = "Your account may not do this"


class PayloadTooLargeError(TertuliaError):
    """The body is past its limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "payload_too_large"
    title = "This is larger than the server accepts"


class UnsupportedMediaError(TertuliaError):
    """The media type is not one that is understood here."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media"
    title = "This kind of file is not understood"


class RateLimitedError(TertuliaError):
    """Too many requests; `Retry-After` says when to come back."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "rate_limited"
    title = "Too many requests"


class UnavailableError(TertuliaError):
    """Something the server needs is away for the moment; `Retry-After` says when to try again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    title = "The server cannot answer this just now"

    def __init__(
        self, detail: str | None = None, *, retry_after_seconds: int = 2, **extra: Any
    ) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)}, **extra)


class StorageFullError(TertuliaError):
    """The disk or the blob store has no room left."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    code = "storage_full"
    title = "The disk is full"


class StartError(TertuliaError):
    """The server refuses to start; the text is printed for the person at the terminal."""

    code = "start_refused"
    title = "The server cannot start"
