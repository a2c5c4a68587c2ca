"""What surrounds every request: its correlation id, its outcome, its limits, and headers that keep browsers safe.

One ASGI layer does all of it. Each further layer costs every request, and they share their state anyway.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from tertulia.kernel.errors import PayloadTooLargeError, TertuliaError
from tertulia.kernel.http import correlation_id, problem_response, unexpected_error
from tertulia.kernel.http_table import TEMPLATE
from tertulia.kernel.settings import Settings
from tertulia.server.metrics import Metrics

log = logging.getLogger("tertulia.request")

CORRELATION = re.compile(r"[A-Za-z0-9._:-]{1,128}")
QUIET = {"/healthz", "/readyz", "/metrics"}

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # the component family places pop-ups by inline style
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

SECURITY_HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(self), microphone=(self), geolocation=()"),
)
_RAW_SECURITY = [(k.lower().encode(), v.encode()) for k, v in SECURITY_HEADERS]
_RAW_HSTS = (b"strict-transport-security", b"max-age=31536000")
_OK = (b"x-outcome", b"ok")
_ERROR = (b"x-outcome", b"error")
_NO_STORE = (b"cache-control", b"no-store")

RawHeaders = Sequence[tuple[bytes, bytes]]

Limit = Callable[[Scope], Awaitable[RawHeaders]]
"""Counts a request against its caller's limit: gives the headers that say what is left, or raises."""


class SlowClientError(TertuliaError):
    """The client took longer to send its request than the server waits."""

    status = 408
    code = "request_timeout"
    title = "The request did not arrive in time"


class Surroundings:
    """The ASGI layer round the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        metrics: Metrics,
        *,
        large: Iterable[str],
        limit: Limit | None = None,
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._large = tuple(large)
        self._count = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        name = _given_name(scope) or str(uuid7())
        token = correlation_id.set(name)
        try:
            scope.setdefault("state", {})
            if scope["type"] == "http":
                await self._http(_Request(scope, send, name), receive)
            else:
                await self._app(scope, receive, send)
        finally:
            correlation_id.reset(token)

    async def _http(self, request: "_Request", receive: Receive) -> None:
        scope = request.scope
        body = _Body(receive, self._limit(scope["path"]), self._settings.request_timeout_seconds)
        try:
            body.refuse_announced(scope)
            if self._count is not None:
                request.left = await self._count(scope)
            await self._app(scope, body.receive, request.send)
        except TertuliaError as error:
            await request.fail(error)
        except Exception:
            # an answer that was under way ends here, incomplete
            log.exception("unexpected error")
            if not request.status:
                await request.fail(unexpected_error())
        finally:
            self._record(request)

    def _record(self, request: "_Request") -> None:
        seconds = time.perf_counter() - request.started
        template = request.template()
        self._metrics.request(request.scope["method"], template, request.status, seconds)
        if template not in QUIET and log.isEnabledFor(logging.INFO):
            log.info(
                "request",
                extra={
                    "method": request.scope["method"],
                    "route": template,
                    "status": request.status,
                    "ms": round(seconds * 1000, 1),
                },
            )

    def _limit(self, path: str) -> int:
        if path.startswith(self._large):
            return self._settings.max_upload_bytes
        return self._settings.max_body_bytes


class _Body:
    """The request's body, counted and timed."""

    def __init__(self, receive: Receive, limit_bytes: int, timeout_seconds: float) -> None:
        self._receive = receive
        self._limit = limit_bytes
        self._timeout = timeout_seconds
        self._seen = 0
        self._done = False

    def refuse_announced(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._limit:
                raise self._too_large()

    async def receive(self) -> Message:
        if self._done:
            return await self._receive()
        try:
            async with asyncio.timeout(self._timeout):
                message = await self._receive()
        except TimeoutError:
            raise SlowClientError(
                f"Nothing arrived for {self._timeout:g} s. Send the request again, without pauses."
            ) from None
        self._seen += len(message.get("body", b""))
        self._done = not message.get("more_body", False)
        if self._seen > self._limit:
            raise self._too_large()
        return message

    def _too_large(self) -> PayloadTooLargeError:
        return PayloadTooLargeError(f"At most {self._limit} bytes are accepted here. Send less.")


def _given_name(scope: Scope) -> str | None:
    """The correlation id that the caller gave, if it is one."""
    for name, value in scope["headers"]:
        if name == b"x-correlation-id":
            text: str = value.decode("latin-1")
            return text if CORRELATION.fullmatch(text) else None
    return None


class _Request:
    """What is known of one request, and the headers its answer gets."""

    __slots__ = ("_correlation_id", "_send", "left", "scope", "started", "status")

    def __init__(self, scope: Scope, send: Send, correlation_id: str) -> None:
        self.scope = scope
        self.started = time.perf_counter()
        self.status = 0
        self.left: RawHeaders = ()
        """What is left of the caller's limit."""
        self._send = send
        self._correlation_id = correlation_id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers: list[tuple[bytes, bytes]] = message["headers"]
            if self.scope["path"].startswith("/api/") and not _says_caching(headers):
                headers.append(_NO_STORE)
            headers += _RAW_SECURITY
            if self.scope["scheme"] == "https":
                headers.append(_RAW_HSTS)
            headers.append((b"x-correlation-id", self._correlation_id.encode()))
            headers.append(_ERROR if self.status >= 400 else _OK)
            headers += self.left
        await self._send(message)

    async def fail(self, error: TertuliaError) -> None:
        """Answers with a problem document, unless an answer has begun already."""
        if self.status:
            log.warning("answer cut short", extra={"code": error.code})
            return
        response = problem_response(error)
        MutableHeaders(raw=response.raw_headers)["Connection"] = "close"
        await response(self.scope, _nothing, self.send)

    def template(self) -> str:
        """The address with names in the place of values; values are people's and stay out of logs and labels."""
        known: str | None = self.scope.get(TEMPLATE)
        if known is not None:
            return known
        if "route" not in self.scope:
            return "other"
        path: str = self.scope["path"]
        for name, value in reversed(self.scope.get("path_params", {}).items()):
            before, found, after = path.rpartition(str(value))
            path = f"{before}{{{name}}}{after}" if found else path
        return path


def _says_caching(headers: RawHeaders) -> bool:
    for name, _ in headers:  # noqa: SIM110 - a generator would cost each answer more than the loop
        if name == b"cache-control":
            return True
    return False


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
