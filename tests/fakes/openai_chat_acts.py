"""What a fake chat model does when it is asked: each act is used once, then it says what it says by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.fakes.loopback import served


@dataclass(frozen=True)
class Act:
    """One reply. `then` says how it ends."""

    text: str = ""
    tool: tuple[str, str] | None = None
    """A tool's name and its arguments, as raw JSON."""
    then: Literal["stop", "length", "refuse", "cut", "hang", "garbage", "silence"] = "stop"
    """`cut` drops the line, `silence` ends the stream without saying that it has ended."""
    status: int = 200
    retry_after: str | None = None
    pause_seconds: float = 0.0
    """Between words."""
    tokens: tuple[int, int] = (11, 7)

    @property
    def words(self) -> list[str]:
        return [word + " " for word in self.text.split(" ")[:-1]] + self.text.split(" ")[-1:]


def fail(status: int, retry_after: str | None = None) -> Act:
    return Act(status=status, retry_after=retry_after)


Reply = Callable[[dict[str, Any]], str]


@dataclass
class FakeChat:
    """Acts to come, and what was asked. A vendor's fake writes the wire."""

    key: str = "test-key"
    acts: list[Act] = field(default_factory=list)
    reply: Reply = field(default=lambda _: "Good morning to you.")
    """What it says when no act is left."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client leaves before the end."""

    routes: tuple[str, ...] = ()
    root: str = ""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        """Gives the address that goes into the settings."""
        app = Starlette(routes=[Route(path, self._chat, methods=["POST"]) for path in self.routes])
        async with served(app) as address:
            yield f"{address}{self.root}"

    def authorised(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.key}"

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        if not self.authorised(request):
            return JSONResponse(self.error(401, f"Incorrect key: {self.key}"), 401)
        act = self.acts.pop(0) if self.acts else Act(self.reply(body))
        if act.status != 200:
            headers = {"Retry-After": act.retry_after} if act.retry_after else None
            # a vendor quotes what it was sent: none of it may reach a log or an exception's text
            return JSONResponse(self.error(act.status, f"no: {body}"), act.status, headers)
        if act.then == "hang" and not act.text:
            await self._hang()
        if act.then == "garbage":
            return Response(b"data: {not json\n\n", media_type="text/event-stream")
        return StreamingResponse(self._watched(act, body), media_type="text/event-stream")

    async def _watched(self, act: Act, body: dict[str, Any]) -> AsyncIterator[str]:
        try:
            async for event in self.events(act, body):
                yield event
        except asyncio.CancelledError:
            self.gone.set()
            raise

    async def _hang(self) -> None:
        self.hanging.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.gone.set()
            raise

    async def paced(self, act: Act) -> AsyncIterator[str]:
        """The words, then what comes instead of an end."""
        for word in act.words:
            yield word
            if act.pause_seconds:
                await asyncio.sleep(act.pause_seconds)
        if act.then == "cut":
            raise ConnectionError("dropped on purpose")
        if act.then == "hang":
            await self._hang()

    def error(self, status: int, message: str) -> dict[str, Any]:
        raise NotImplementedError(status, message)

    def events(self, act: Act, body: dict[str, Any]) -> AsyncIterator[str]:
        raise NotImplementedError(act, body)
