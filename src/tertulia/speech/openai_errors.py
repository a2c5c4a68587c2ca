"""Errors in the shape OpenAI's clients expect, with our code and correlation id beside."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.http import correlation_id, explain_validation

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def openai_error(error: TertuliaError) -> dict[str, Any]:
    """The document: `error` is OpenAI's, `code` and `correlation_id` are ours."""
    status = int(error.status)
    kind = "server_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")
    problems = error.extra.get("errors") or [{}]
    document: dict[str, Any] = {
        "error": {
            "message": error.detail,
            "type": kind,
            "param": problems[0].get("field") or None,
            "code": error.code,
        },
        "code": error.code,
    }
    if found := correlation_id.get():
        document["correlation_id"] = found
    return document


def openai_error_response(error: TertuliaError) -> JSONResponse:
    """The answer to `error`, with the outcome headers every error carries."""
    return JSONResponse(
        openai_error(error),
        status_code=int(error.status),
        headers={**error.headers, "X-Outcome-Detail": error.code},
    )


class OpenAIRoute(APIRoute):
    """A route whose every refusal, also a dependency's, has OpenAI's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shaped(request: Request) -> Response:
            try:
                return await handle(request)
            except TertuliaError as error:
                return openai_error_response(error)
            except RequestValidationError as error:
                return openai_error_response(explain_validation(error))
            except HTTPException as error:
                return openai_error_response(_RefusedError(error))

        return shaped


class _RefusedError(TertuliaError):
    """Starlette's own refusal, as of a body that is no form."""

    code = "malformed_request"

    def __init__(self, error: HTTPException) -> None:
        super().__init__(f"{error.detail}. The API is described at /api/docs.")
        self.status = error.status_code  # type: ignore[misc]
