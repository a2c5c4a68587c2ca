"""What surrounds every request."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from tertulia.kernel.errors import ConflictError, TertuliaError
from tertulia.kernel.http import problem_response
from tertulia.kernel.settings import Settings
from tertulia.server.metrics import Metrics
from tertulia.server.middleware import Surroundings

pytestmark = pytest.mark.unit


def client(**settings: Any) -> httpx.AsyncClient:
    """A tiny application inside the surroundings."""
    app = FastAPI()

    @app.post("/read")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/large/read")
    async def read_large(request: Request) -> int:
        return len(await request.body())

    @app.get("/ok")
    async def ok() -> str:
        return "ok"

    @app.get("/breaks")
    async def breaks() -> str:
        raise ValueError("they said: a secret")

    @app.get("/clash")
    async def clash() -> str:
        raise ConflictError("Already there.")

    async def known(_: Request, error: Exception) -> PlainTextResponse:
        assert isinstance(error, TertuliaError)
        return problem_response(error)  # type: ignore[return-value]

    async def unexpected(_: Request, __: Exception) -> PlainTextResponse:
        return problem_response(TertuliaError())  # type: ignore[return-value]

    app.add_exception_handler(TertuliaError, known)
    app.add_exception_handler(Exception, unexpected)
    wrapped = Surroundings(
        app,
        Settings(max_body_bytes=2048, max_upload_bytes=8192, **settings),
        Metrics(),
        large=("/large/",),
    )
    transport = httpx.ASGITransport(app=wrapped, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_every_answer_names_its_request_and_its_outcome() -> None:
    async with client() as c:
        good = await c.get("/ok")
        bad = await c.get("/clash")
    assert good.headers["x-outcome"] == "ok"
    assert bad.headers["x-outcome"] == "error"
    assert bad.headers["x-outcome-detail"] == "conflict"
    assert bad.json()["correlation_id"] == bad.headers["x-correlation-id"]
    assert good.headers["x-correlation-id"] != bad.headers["x-correlation-id"]


async def test_a_given_correlation_id_is_kept_when_it_is_one() -> None:
    async with client() as c:
        kept = await c.get("/ok", headers={"X-Correlation-Id": "order-66"})
        replaced = await c.get("/ok", headers={"X-Correlation-Id": "no spaces; no\ttricks"})
    assert kept.headers["x-correlation-id"] == "order-66"
    assert "tricks" not in replaced.headers["x-correlation-id"]


async def test_browsers_are_kept_safe() -> None:
    async with client() as c:
        headers = (await c.get("/ok")).headers
    policy = headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("size", [2048, 2049])
async def test_a_body_past_the_limit_is_refused_announced_or_not(size: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 512):
            yield b"x" * min(512, size - start)

    async with client() as c:
        announced = await c.post("/read", content=b"x" * size)
        streamed = await c.post("/read", content=chunks())
        large = await c.post("/large/read", content=b"x" * size)
    expected = 200 if size <= 2048 else 413
    assert announced.status_code == streamed.status_code == expected
    assert large.status_code == 200
    if expected == 413:
        assert streamed.json()["code"] == "payload_too_large"


async def test_a_client_that_stops_sending_is_told_so() -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with client(request_timeout_seconds=0.05) as c:
        answer = await c.post("/read", content=never())
    assert answer.status_code == 408
    assert answer.json()["code"] == "request_timeout"


async def test_an_unexpected_error_is_answered_and_logged_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with client() as c:
        answer = await c.get("/breaks")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "secret" not in answer.text


async def test_an_error_nobody_answered_is_answered_here(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("they said: a secret")

    wrapped = Surroundings(breaks, Settings(), Metrics(), large=())
    transport = httpx.ASGITransport(app=wrapped)
    with caplog.at_level(logging.ERROR):
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as c:
            answer = await c.get("/api/x")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "secret" not in answer.text
    assert "unexpected error" in caplog.text


async def test_an_answer_that_breaks_half_way_is_left_incomplete() -> None:
    """The server closes such a connection, so that nobody takes the half for the whole."""
    sent: list[str] = []

    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        raise ValueError("they said: a secret")

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "scheme": "http", "headers": []}
    await Surroundings(breaks, Settings(), Metrics(), large=())(scope, receive, send)
    assert sent == ["http.response.start", "http.response.body"]
