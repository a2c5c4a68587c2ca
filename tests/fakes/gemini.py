"""Google's Gemini API: `streamGenerateContent` as server-sent events."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from tests.fakes.openai_chat_acts import Act, FakeChat


@dataclass
class GeminiServer(FakeChat):
    """Writes candidates."""

    routes: tuple[str, ...] = ("/v1beta/models/{call:path}", "/v1/models/{call:path}")

    def authorised(self, request: Request) -> bool:
        return request.headers.get("x-goog-api-key") == self.key

    def error(self, status: int, message: str) -> dict[str, Any]:
        kinds = {401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
        kind = kinds.get(status, "INTERNAL")
        return {"error": {"code": status, "message": message, "status": kind}}

    async def events(self, act: Act, body: dict[str, Any]) -> AsyncIterator[str]:
        def chunk(parts: list[dict[str, Any]], finish: str | None = None) -> str:
            candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
            if finish:
                candidate["finishReason"] = finish
            given, made = act.tokens
            usage = {"promptTokenCount": given, "candidatesTokenCount": made}
            document = {
                "candidates": [candidate],
                "usageMetadata": {**usage, "totalTokenCount": given + made},
                "modelVersion": "gemini-test",
                "responseId": "r1",
            }
            return f"data: {json.dumps(document)}\r\n\r\n"

        if act.text:
            async for word in self.paced(act):
                yield chunk([{"text": word}])
        if act.then == "silence":
            return
        if act.tool:
            name, arguments = act.tool
            yield chunk([{"functionCall": {"name": name, "args": json.loads(arguments)}}])
        ends = {"stop": "STOP", "length": "MAX_TOKENS", "refuse": "SAFETY"}
        yield chunk([{"text": ""}] if act.then != "refuse" else [], ends[act.then])
