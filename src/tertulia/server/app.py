"""The ASGI application: every router, its errors, and what surrounds them."""

from functools import partial
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Scope

import tertulia
from tertulia.demo import api as demo_api
from tertulia.identity import api as identity
from tertulia.identity.domain import SPEECH
from tertulia.identity.rate_limits import CREATE, DEFAULT
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.http import (
    explain_http,
    explain_validation,
    problem_response,
    unexpected_error,
)
from tertulia.kernel.http_table import RouteTable
from tertulia.ledger import api as ledger_api
from tertulia.server import health, reference, status
from tertulia.server.live import Sockets
from tertulia.server.middleware import RawHeaders, Surroundings
from tertulia.server.page import Page
from tertulia.server.voice import voice_routers
from tertulia.server.wiring import Services
from tertulia.speech import api as audio_api
from tertulia.speech.transcriptions import api as transcribe_api
from tertulia.webhooks import api as webhooks_api

LARGE_BODIES = ("/audio", "/v1/audio/", "/api/transcribe", "/api/transcripts/")
"""Addresses that take recordings; everything else takes small bodies only."""

FEATURES: tuple[str, ...] = ("live", "talk", "transcribe", "library", "costs", "turns")
"""The rooms that are open here; the page shows no other."""

COUNTED = ("/api/", "/v1/", "/audio", "/text")
"""Addresses that count against a caller's limit."""

COSTLY = (
    "/audio",
    "/text",
    "/api/bots",
    "/v1/audio/",
    "/api/transcribe",
    "/api/keys",
    "/api/spaces",
    "/api/webhooks",
    "/api/transcripts/import",
    "/api/streaming/sessions",
    "/api/search/ask",
)
"""Addresses where a POST makes something that costs work or room."""
COSTLY_ENDS = ("/ask", "/analysis")
"""The same of what is below a transcript's own address."""


def create_app(services: Services) -> ASGIApp:
    """The whole application over one set of services."""
    return surround(create_api(services), services)


def surround(api: FastAPI, services: Services) -> ASGIApp:
    """Adds the page and what every request goes through."""
    api.mount("/", Page())
    sockets = services.live.sockets(
        services.database,
        services.clock,
        services.access,
        services.authenticator,
        services.limiter,
        services.events,
    )
    # traces are taken inside FastAPI's layers; who wants them pays for these
    routed = api if services.settings.otlp_endpoint else RouteTable(api)
    return Surroundings(
        Sockets(routed, sockets),
        services.settings,
        services.metrics,
        large=LARGE_BODIES,
        limit=partial(_count, services),
    )


async def _count(services: Services, scope: Scope) -> RawHeaders:
    """Counts what callers ask of the API; health, metrics and the page's files are free."""
    path: str = scope["path"]
    if not path.startswith(COUNTED):
        return ()
    costly = scope["method"] == "POST" and (path.startswith(COSTLY) or path.endswith(COSTLY_ENDS))
    who = services.access.caller(HTTPConnection(scope))
    return (await services.limiter.take(CREATE if costly else DEFAULT, who)).raw_headers()


def create_api(services: Services) -> FastAPI:
    """The API alone, as OpenAPI describes it."""
    api = FastAPI(
        title="Tertulia",
        version=tertulia.__version__,
        summary="One self-hosted server for spoken conversations.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=_operation_id,
        swagger_ui_oauth2_redirect_url=None,
    )
    api.state.database = services.database
    figures = partial(status.refresh_metrics, services)
    api.include_router(
        health.router(services.settings, services.metrics, status.checks(services), figures)
    )
    api.include_router(
        identity.router(
            services.identity,
            services.access,
            services.accounts,
            services.limiter,
            services.settings,
            features=FEATURES,
        )
    )
    api.include_router(webhooks_api.router(services.webhooks, services.access))
    api.include_router(status.router(services))
    api.include_router(services.live.router(services.access))
    api.include_router(
        audio_api.router(
            services.speech.service,
            services.access.require(SPEECH),
            max_upload_bytes=services.settings.max_upload_bytes,
            clock=services.clock,
        )
    )
    api.include_router(
        transcribe_api.router(
            services.transcriptions, services.access, services.blob_store, services.clock
        )
    )
    for part in services.hall_parts.routers(services.access, services.blob_store):
        api.include_router(part)
    for part in services.analyses.routers(services.access):
        api.include_router(part)
    api.include_router(ledger_api.router(services.ledger, services.access))
    api.include_router(demo_api.router(services.demo, services.access))
    for part in voice_routers(services):
        api.include_router(part)
    api.include_router(reference.router(api))
    for kind, handler in (
        (TertuliaError, _known),
        (RequestValidationError, _invalid),
        (HTTPException, _refused),
        (Exception, _unexpected),
    ):
        api.add_exception_handler(kind, cast(Any, handler))
    return api


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _known(_: Request, error: TertuliaError) -> Response:
    return problem_response(error)


async def _unexpected(_: Request, __: Exception) -> Response:
    return problem_response(unexpected_error())


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    return problem_response(explain_validation(error))


async def _refused(_: Request, error: HTTPException) -> Response:
    return explain_http(error)
