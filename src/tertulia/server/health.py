"""Is it alive, is it ready, which version, and what Prometheus reads."""

import asyncio
import platform
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field

import tertulia
from tertulia.kernel.errors import NotSignedInError, TertuliaError
from tertulia.kernel.http import Router
from tertulia.kernel.settings import Settings
from tertulia.server.metrics import Metrics

READY_SECONDS = 3.0

Check = Callable[[], Awaitable[None]]
"""Raises when its part of the server is not usable."""


class HealthOut(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class ReadyOut(BaseModel):
    """Each part the server needs, and whether it can be used."""

    status: str = Field(examples=["ready"])
    checks: dict[str, str] = Field(examples=[{"database": "ok"}])


class VersionOut(BaseModel):
    """What is running."""

    version: str = Field(examples=["0.1.0"])
    python: str = Field(examples=["3.12.1"])


def router(
    settings: Settings, metrics: Metrics, checks: dict[str, Check], refresh: Check
) -> APIRouter:
    """The routes every orchestrator knows. They ask for no credentials and count against no limit."""
    routes = Router(tags=["health"])

    @routes.get("/healthz", summary="Is the process alive?")
    async def healthz() -> HealthOut:
        return HealthOut(status="ok")

    @routes.get("/readyz", summary="Can it do its work?", responses={503: {"model": ReadyOut}})
    async def readyz(response: Response) -> ReadyOut:
        results = await asyncio.gather(*(_outcome(check) for check in checks.values()))
        found = dict(zip(checks, results, strict=True))
        if all(result == "ok" for result in found.values()):
            return ReadyOut(status="ready", checks=found)
        response.status_code = 503
        response.headers["Retry-After"] = "2"
        return ReadyOut(status="not ready", checks=found)

    @routes.get("/version", summary="Which version runs here?")
    async def version() -> VersionOut:
        return VersionOut(version=tertulia.__version__, python=platform.python_version())

    @routes.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    async def figures(authorization: Annotated[str, Header()] = "") -> Response:
        if settings.metrics_token is not None:
            wanted = f"Bearer {settings.metrics_token.get_secret_value()}"
            if not compare_digest(authorization.encode(), wanted.encode()):
                raise NotSignedInError("Send TERTULIA_METRICS_TOKEN as a bearer token.")
        await refresh()
        return Response(metrics.render(), headers={"Content-Type": metrics.content_type})

    return routes


async def _outcome(check: Check) -> str:
    try:
        async with asyncio.timeout(READY_SECONDS):
            await check()
    except TimeoutError:
        return "does not answer in time"
    except TertuliaError as error:
        return error.detail
    return "ok"
