"""Anthropic's Messages API, streamed."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from tests.fakes.openai_chat_acts import Act, FakeChat


def event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n"


@dataclass
class AnthropicServer(FakeChat):
    """Writes message events."""

    routes: tuple[str, ...] = ("/v1/messages",)

    def authorised(self, request: Request) -> bool:
        sent = request.headers.get("x-api-key") or request.headers.get("authorization", "")
        return sent.removeprefix("Bearer ") == self.key

    def error(self, status: int, message: str) -> dict[str, Any]:
        kinds = {
            401: "authentication_error",
            404: "not_found_error",
            429: "rate_limit_error",
            529: "overloaded_error",
        }
        kind = kinds.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    async def events(self, act: Act, body: dict[str, Any]) -> AsyncIterator[str]:
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": act.tokens[0], "output_tokens": 1},
        }
        yield event("message_start", {"message": message})
        index = 0
        if act.text:
            yield event(
                "content_block_start",
                {"index": index, "content_block": {"type": "text", "text": ""}},
            )
            async for word in self.paced(act):
                delta = {"type": "text_delta", "text": word}
                yield event("content_block_delta", {"index": index, "delta": delta})
            yield event("content_block_stop", {"index": index})
            index += 1
        if act.then == "silence":
            return
        if act.tool:
            name, arguments = act.tool
            block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
            yield event("content_block_start", {"index": index, "content_block": block})
            delta = {"type": "input_json_delta", "partial_json": arguments}
            yield event("content_block_delta", {"index": index, "delta": delta})
            yield event("content_block_stop", {"index": index})
        ends = {
            "stop": "tool_use" if act.tool else "end_turn",
            "length": "max_tokens",
            "refuse": "refusal",
        }
        end = {"stop_reason": ends[act.then], "stop_sequence": None}
        yield event("message_delta", {"delta": end, "usage": {"output_tokens": act.tokens[1]}})
        yield event("message_stop", {})
