"""A route's way from a request to its answer, worked out once instead of anew for every request.

FastAPI finds out at each request which dependencies are generators, threads or coroutines, opens two exit
stacks for those that clean up, and keeps room for bodies, streams and background tasks. Most reads need none
of it. What a plan cannot say exactly as FastAPI would, it refuses, and FastAPI answers that route itself.
"""

import inspect
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import RouteContext
from fastapi.utils import is_body_allowed_for_status_code

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
"""Answers a request; errors are raised."""


class _Json(Response):
    """A document that is JSON already."""

    def __init__(self, body: bytes, status: int) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
        ]


@dataclass(slots=True)
class _Solving:
    """What is known of one request's dependencies so far."""

    request: Request
    answer: Response | None
    known: dict[Any, Any]
    errors: list[Any]


@dataclass(frozen=True, slots=True)
class _Call:
    """A route's function or a dependency's, and what it is given."""

    call: Callable[..., Coroutine[Any, Any, Any]]
    name: str | None
    remembered: bool
    needs: Sequence["_Call"]
    parameters: Sequence[tuple[str, Sequence[Any]]]
    """Fields by the attribute of the request they are read from."""
    takes_request: Sequence[str]
    takes_response: str | None

    async def values(self, solving: _Solving) -> dict[str, Any]:
        """The arguments of the call; what is wrong with them is noted in `solving`."""
        values: dict[str, Any] = {}
        for need in self.needs:
            if need.remembered and need.call in solving.known:
                found = solving.known[need.call]
            else:
                before = len(solving.errors)
                given = await need.values(solving)
                if len(solving.errors) > before:
                    continue
                found = await need.call(**given)
                solving.known.setdefault(need.call, found)
            if need.name is not None:
                values[need.name] = found
        for source, fields in self.parameters:
            read, errors = request_params_to_args(fields, getattr(solving.request, source))
            values.update(read)
            solving.errors += errors
        for name in self.takes_request:
            values[name] = solving.request
        if self.takes_response is not None:
            values[self.takes_response] = solving.answer
        return values

    def calls(self) -> list[Callable[..., Any]]:
        """It and all it needs."""
        return [self.call, *(call for need in self.needs for call in need.calls())]

    def answers_by_response(self) -> bool:
        """Whether it, or anything it needs, sets headers of the answer."""
        return self.takes_response is not None or any(n.answers_by_response() for n in self.needs)


def _planned(dependant: Dependant) -> _Call | None:
    """The call of `dependant` and of all it needs; None when one of them is not a plain coroutine."""
    call = dependant.call
    if (
        call is None
        or dependant.body_params
        or dependant.websocket_param_name
        or dependant.background_tasks_param_name
        or dependant.security_scopes_param_name
        or dependant.own_oauth_scopes
        or dependant.parent_oauth_scopes
        or dependant.concurrency is not None
        or not _is_coroutine(call)
    ):
        return None
    needs = [_planned(need) for need in dependant.dependencies]
    if None in needs:
        return None
    sources = (
        ("path_params", dependant.path_params),
        ("query_params", dependant.query_params),
        ("headers", dependant.header_params),
        ("cookies", dependant.cookie_params),
    )
    names = (dependant.http_connection_param_name, dependant.request_param_name)
    return _Call(
        call=call,
        name=dependant.name,
        remembered=dependant.use_cache,
        needs=[need for need in needs if need is not None],
        parameters=[(source, fields) for source, fields in sources if fields],
        takes_request=[name for name in names if name is not None],
        takes_response=dependant.response_param_name,
    )


def _is_coroutine(call: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(call) or (
        not inspect.isclass(call)
        and not inspect.isfunction(call)
        and inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004 - asked of its kind
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """How a route is answered, and everything that is called for it."""

    handle: Handler
    calls: Sequence[Callable[..., Any]]


def plan(route: RouteContext) -> Plan | None:
    """How `route` is answered, or None when FastAPI has to do it."""
    root = _planned(route.dependant)
    if (
        root is None
        or route.body_field is not None
        or route.is_sse_stream
        or route.is_json_stream
        or route.response_model_include is not None
        or route.response_model_exclude is not None
        or not isinstance(route.response_class, DefaultPlaceholder)
    ):
        return None
    write = _writer(route)
    sets_headers = root.answers_by_response()

    async def handle(request: Request) -> Response:
        solving = _Solving(request, _headers_only() if sets_headers else None, {}, [])
        values = await root.values(solving)
        if solving.errors:
            raise RequestValidationError(solving.errors)
        result = await root.call(**values)
        return result if isinstance(result, Response) else write(result, solving.answer)

    return Plan(handle, root.calls())


def _headers_only() -> Response:
    """What a route may set headers and a status on before there is an answer."""
    answer = Response.__new__(Response)
    answer.status_code = None  # type: ignore[assignment]  # as FastAPI gives it: none is set yet
    answer.background = None
    answer.body = b""
    answer.raw_headers = []
    return answer


def _writer(route: RouteContext) -> Callable[[Any, Response | None], Response]:
    """Writes down what the route's function gives back."""
    field = route.response_field
    options = {
        "by_alias": route.response_model_by_alias,
        "exclude_unset": route.response_model_exclude_unset,
        "exclude_defaults": route.response_model_exclude_defaults,
        "exclude_none": route.response_model_exclude_none,
    }
    usual: int = route.status_code or 200

    def write(result: Any, set_by_route: Response | None) -> Response:
        status = (set_by_route.status_code if set_by_route is not None else None) or usual
        response: Response
        if field is None:
            response = JSONResponse(jsonable_encoder(result), status_code=status)
        else:
            value, errors = field.validate(result, {}, loc=("response",))
            if errors:
                raise ResponseValidationError(errors=errors)
            response = _Json(field.serialize_json(value, **options), status)
        if not is_body_allowed_for_status_code(status):
            response.body = b""
        if set_by_route is not None:
            response.raw_headers.extend(set_by_route.raw_headers)
        return response

    return write
