"""An OpenAI-compatible server: `/v1/chat/completions` streamed as server-sent events, and `/v1/embeddings`."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.fakes.loopback import served
from tests.fakes.openai_chat_acts import Act, FakeChat


def sse(data: dict[str, Any] | str) -> str:
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"


@dataclass
class OpenAIChatServer(FakeChat):
    """Writes chat completion chunks."""

    routes: tuple[str, ...] = ("/v1/chat/completions",)
    root: str = "/v1"
    embedded: list[list[str]] = field(default_factory=list)
    address: str = ""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        chat = [Route(path, self._chat, methods=["POST"]) for path in self.routes]
        app = Starlette(routes=[*chat, Route("/v1/embeddings", self._embed, methods=["POST"])])
        async with served(app) as address:
            yield f"{address}{self.root}"

    async def _embed(self, request: Request) -> Response:
        body = await request.json()
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        self.embedded.append(texts)
        data = [
            {"object": "embedding", "index": n, "embedding": vector(text)}
            for n, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 3 * len(texts), "total_tokens": 3 * len(texts)}
        return JSONResponse(
            {"object": "list", "data": data, "model": body["model"], "usage": usage}
        )

    def error(self, status: int, message: str) -> dict[str, Any]:
        codes = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
        kind = "context_length_exceeded" if status == 400 else codes.get(status, "server_error")
        return {"error": {"message": message, "type": "error", "param": None, "code": kind}}

    async def events(self, act: Act, body: dict[str, Any]) -> AsyncIterator[str]:
        def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return sse({**head, "choices": [choice]})

        head = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_750_000_000,
            "model": body["model"],
        }
        yield chunk({"role": "assistant", "content": ""})
        if act.then == "refuse":
            yield chunk({"refusal": "I cannot help with that."})
            yield chunk({}, "stop")
        else:
            if act.text:
                async for word in self.paced(act):
                    yield chunk({"content": word})
            if act.then == "silence":
                return
            if act.tool:
                name, arguments = act.tool
                call = {"index": 0, "id": "call_1", "type": "function"}
                yield chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]})
                half = len(arguments) // 2
                for part in (arguments[:half], arguments[half:]):
                    yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
            ends = {"stop": "tool_calls" if act.tool else "stop", "length": "length"}
            yield chunk({}, ends[act.then])
        usage = {"prompt_tokens": act.tokens[0], "completion_tokens": act.tokens[1]}
        yield sse({**head, "choices": [], "usage": {**usage, "total_tokens": sum(act.tokens)}})
        yield sse("[DONE]")


def vector(text: str) -> list[float]:
    """Always the same for the same text, and shared words bring texts near."""
    found = [0.0] * 16
    for word in text.lower().split():
        found[hashlib.sha256(word.strip(".,?!").encode()).digest()[0] % 16] += 1.0
    return found
