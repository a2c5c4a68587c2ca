"""What every HTTP route shares: its transaction, its problem documents, its correlation id."""

from collections.abc import Callable, Collection, Coroutine
from functools import cached_property
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from tertulia.kernel.correlation import correlation_id
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import (
    InvalidRequestError,
    MalformedRequestError,
    NotFoundError,
    TertuliaError,
)
from tertulia.kernel.pages import MAX_LIMIT, MAX_OFFSET

__all__ = [
    "PROBLEM",
    "Cursor",
    "Limit",
    "Offset",
    "ProblemResponse",
    "Router",
    "TransactionRoute",
    "Tx",
    "correlation_id",
    "explain_http",
    "explain_validation",
    "in_transaction",
    "problem_response",
    "takes_transaction",
    "unexpected_error",
]


class Router(APIRouter):
    """An APIRouter that looks for its prefix in an address before it tries its routes one by one.

    With a few hundred routes the trying cost more than all the rest of a request.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the parent's; but an address without the prefix is nobody's here."""
        if self._prefix not in scope["path"]:
            return Match.NONE, {}
        return super().matches(scope)

    @cached_property
    def _prefix(self) -> str:
        return self.prefix.partition("{")[0]


class TransactionRoute(APIRoute):
    """One request, one transaction, committed before the answer leaves.

    FastAPI runs the clean-up of `yield` dependencies after the answer is sent, which is too late: a client
    would read "created" of something that is not.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return in_transaction(super().get_route_handler())


def in_transaction(
    handle: Callable[[Request], Coroutine[Any, Any, Response]],
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Has a handler work in one transaction, which an answer that refuses undoes."""

    async def handle_in_transaction(request: Request) -> Response:
        database: Database = request.app.state.database
        async with database.transaction() as transaction:
            request.state.transaction = transaction
            response = await handle(request)
            if response.status_code >= 400:
                await transaction.rollback()
        return response

    return handle_in_transaction


async def _transaction(request: Request) -> Transaction:
    # async although nothing is awaited: FastAPI sends plain functions to a thread
    transaction: Transaction = request.state.transaction
    return transaction


def takes_transaction(calls: Collection[Any]) -> bool:
    """Whether one of a route's dependencies is its transaction."""
    return _transaction in calls


Tx = Annotated[Transaction, Depends(_transaction)]
"""The transaction of this request; the router must use `TransactionRoute`."""

Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="How many to leave out.")]

PROBLEM = "application/problem+json"


class ProblemResponse(JSONResponse):
    """An RFC 9457 problem document."""

    media_type = PROBLEM


def problem_response(error: TertuliaError) -> ProblemResponse:
    """The answer to `error`, with the outcome headers every error carries."""
    return ProblemResponse(
        error.problem(correlation_id.get()),
        status_code=int(error.status),
        headers={**error.headers, "X-Outcome-Detail": error.code},
    )


def unexpected_error() -> TertuliaError:
    """What is said of an error nobody foresaw: nothing of it but where to look."""
    return TertuliaError("The server hit an unexpected error. Its log names it.")


def explain_validation(error: RequestValidationError) -> TertuliaError:
    """One problem for all wrong values; the values themselves are left out, they may be secrets."""
    problems = [
        {
            "field": ".".join(str(part) for part in e["loc"] if part != "body"),
            "message": e["msg"],
        }
        for e in error.errors()
    ]
    if any(e["type"] == "json_invalid" for e in error.errors()):
        return MalformedRequestError("The body is not valid JSON. Send a JSON document.")
    first = problems[0]
    detail = f"{first['field']}: {first['message']}." if first["field"] else f"{first['message']}."
    return InvalidRequestError(detail, errors=problems)


_STATUS_CODES = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
}


def explain_http(error: HTTPException) -> ProblemResponse:
    """Starlette's own refusals (no such route, wrong method) as problem documents."""
    if error.status_code == 404:
        return problem_response(NotFoundError("There is no such address. Look it up in /api/docs."))
    code = _STATUS_CODES.get(error.status_code, "http_error")
    document: dict[str, Any] = {
        "type": f"urn:tertulia:error:{code}",
        "title": str(error.detail),
        "status": error.status_code,
        "detail": f"{error.detail}. The API is described at /api/docs.",
        "code": code,
    }
    if found := correlation_id.get():
        document["correlation_id"] = found
    headers = {**(error.headers or {}), "X-Outcome-Detail": code}
    return ProblemResponse(document, status_code=error.status_code, headers=headers)
