"""Finds the route of a request by its address at once, and answers it with as little between as can be."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from tertulia.kernel.http import TransactionRoute, in_transaction, takes_transaction
from tertulia.kernel.http_plan import Handler, plan

TEMPLATE = "tertulia.template"
"""Where a request keeps the address of its route, with names in the place of values."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A route, with everything about it that does not change."""

    route: BaseRoute
    endpoint: Any
    template: str
    path: re.Pattern[str]
    convertors: Mapping[str, Any]
    handle: Handler | None
    """How it is answered by its plan, if it has one."""
    app: ASGIApp
    """How FastAPI answers it."""

    def match(self, path: str) -> dict[str, Any] | None:
        """The values in the address, or None when it is not of this route."""
        found = self.path.match(path)
        if found is None:
            return None
        return {name: self.convertors[name].convert(v) for name, v in found.groupdict().items()}


class RouteTable:
    """An ASGI application in front of FastAPI: takes the requests it knows the route of past its layers.

    FastAPI tries router after router, each twice, inside five layers of its own. The answers are the same;
    what is not in the table (an unknown address, a wrong method, the page's files) FastAPI answers as ever.
    """

    def __init__(self, api: FastAPI) -> None:
        self._api = api
        self._entries: dict[tuple[str, int, str], list[_Entry]] | None = None
        self._building: asyncio.Task[None] | None = None
        self._handlers: dict[Any, Any] = {
            kind: handler
            for kind, handler in api.exception_handlers.items()
            if isinstance(kind, type) and kind is not Exception
        }
        self._explained: tuple[type[Exception], ...] = tuple(self._handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope.get("root_path") or self._api.dependency_overrides:
            await self._api(scope, receive, send)
            return
        if self._entries is None:
            # The first request does not wait for it.
            if self._building is None:
                self._building = asyncio.create_task(self._build_beside())
            await self._api(scope, receive, send)
            return
        entry, values = self._find(scope["method"], scope["path"])
        if entry is None:
            await self._api(scope, receive, send)
            return
        scope["app"] = self._api
        scope["route"] = entry.route
        scope["endpoint"] = entry.endpoint
        scope["path_params"] = values
        scope[TEMPLATE] = entry.template
        if entry.handle is not None:
            await self._by_plan(entry.handle, scope, receive, send)
        else:
            await self._by_fastapi(entry.app, scope, receive, send)

    async def _by_plan(self, handle: Handler, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await handle(request)
        except self._explained as error:
            response = await self._explain(request, error)
        await response(scope, receive, send)

    async def _by_fastapi(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        scope["starlette.exception_handlers"] = (self._handlers, {})
        async with AsyncExitStack() as files:
            scope["fastapi_middleware_astack"] = files
            await app(scope, receive, send)

    async def _explain(self, request: Request, error: Exception) -> Response:
        """The answer to an error, by the handler that is nearest to its kind."""
        kind = next(kind for kind in type(error).__mro__ if kind in self._handlers)
        return cast(Response, await self._handlers[kind](request, error))

    def _find(self, method: str, path: str) -> tuple[_Entry | None, dict[str, Any]]:
        assert self._entries is not None
        parts = path.split("/", 3)
        depth = path.count("/")
        near = self._entries.get((method, depth, "/".join(parts[:3])))
        if near is None:
            near = self._entries.get((method, depth, "/".join(parts[:2])), [])
        for entry in near:
            values = entry.match(path)
            if values is not None:
                return entry, values
        return None, {}

    async def _build_beside(self) -> None:
        """Makes the table while requests are answered without it."""
        contexts: list[RouteContext] = []
        for route in self._api.routes:
            contexts.extend(iter_route_contexts([route]))
            await asyncio.sleep(0)
        self._entries = _table(contexts)

    def build(self) -> None:
        """Makes the table now."""
        self._entries = _table(list(iter_route_contexts(self._api.routes)))


def _table(contexts: list[RouteContext]) -> dict[tuple[str, int, str], list[_Entry]]:
    """Routes by method, number of parts and first two parts of their address, each in its order.

    A route whose second part is a value stands by its first part alone, and beside those that share it.
    """
    known: list[tuple[set[str], int, str, _Entry]] = []
    for context in contexts:
        route = context.original_route
        path, methods = context.path_format, context.methods
        if not isinstance(route, APIRoute) or path is None or not methods:
            continue
        if any(type(c).__name__ == "PathConvertor" for c in context.param_convertors.values()):
            continue  # of any number of parts
        first = "/".join(path.split("/", 3)[:3]).partition("/{")[0]
        known.append((methods, path.count("/"), first, _entry(context, route)))
    table: dict[tuple[str, int, str], list[_Entry]] = {}
    places = {(method, depth, first) for methods, depth, first, _ in known for method in methods}
    for method, depth, first in places:
        wider = first.rpartition("/")[0]
        table[method, depth, first] = [
            entry
            for methods, its_depth, its_first, entry in known
            if method in methods and its_depth == depth and its_first in (first, wider)
        ]
    return table


def _entry(context: RouteContext, route: APIRoute) -> _Entry:
    planned = plan(context) if type(route) in (APIRoute, TransactionRoute) else None
    handle = planned.handle if planned is not None else None
    if planned is not None and takes_transaction(planned.calls):
        handle = in_transaction(planned.handle)
    return _Entry(
        route=route,
        endpoint=context.endpoint,
        template=context.path_format or "other",
        path=context.path_regex,
        convertors=context.param_convertors,
        handle=handle,
        app=cast(ASGIApp, context.app),
    )
