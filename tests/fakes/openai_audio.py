"""An OpenAI-compatible audio server that does what it is told: answers, refuses, hangs, or drops the line."""

import asyncio
import io
import json
import math
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.fakes.loopback import served

RATE_HZ = 24_000


@dataclass
class OpenAIAudio:
    """What it was asked, and what it does next; each behaviour is used once, then it answers well."""

    key: str = "sk-test"
    behaviours: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    text: str = "good morning everybody"
    language: str = "english"
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        app = Starlette(
            routes=[
                Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
                Route("/v1/audio/translations", self._transcribe, methods=["POST"]),
                Route("/v1/audio/speech", self._speak, methods=["POST"]),
            ]
        )
        async with served(app) as address:
            yield f"{address}/v1"

    async def _misbehave(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            error = {"message": f"Incorrect API key: {self.key}", "code": "invalid_api_key"}
            return JSONResponse({"error": error}, 401)
        behaviour = self.behaviours.pop(0) if self.behaviours else "well"
        match behaviour:
            case "429":
                return JSONResponse({"error": {"message": "slow"}}, 429, {"Retry-After": "2"})
            case "500" | "503" | "400" | "413" | "404":
                return JSONResponse({"error": {"message": self.text}}, int(behaviour))
            case "garbage":
                return Response(b"<html>\xff not json, not wav", media_type="text/html")
            case "hang":
                self.answered.set()
                await asyncio.Event().wait()
            case "drop":
                return StreamingResponse(self._dropped(), media_type="application/json")
        self._behaviour = behaviour
        return None

    async def _dropped(self) -> AsyncIterator[bytes]:
        yield b'{"te'
        raise ConnectionError("dropped on purpose")

    async def _transcribe(self, request: Request) -> Response:
        refusal = await self._misbehave(request)
        if refusal:
            return refusal
        async with request.form() as form:
            data = await form["file"].read()  # type: ignore[union-attr]
            fields = {k: form.getlist(k) for k in form if k != "file"}
        with wave.open(io.BytesIO(data)) as file:
            seconds = file.getnframes() / file.getframerate()
            assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        self.asked.append({"path": request.url.path, "seconds": seconds, **fields})
        if fields["response_format"] == ["json"]:
            return JSONResponse({"text": self.text})
        answer: dict[str, Any] = {
            "task": "transcribe",
            "language": self.language,
            "duration": seconds,
            "text": self.text,
            "segments": [
                {
                    "id": 0,
                    "seek": 0,
                    "start": 0.0,
                    "end": seconds,
                    "text": f" {self.text}",
                    "tokens": [1],
                    "temperature": 0.0,
                    "avg_logprob": math.log(0.9),
                    "compression_ratio": 1.0,
                    "no_speech_prob": 0.01,
                }
            ],
        }
        if "word" in fields.get("timestamp_granularities[]", ()):
            words = self.text.split()
            step = seconds / len(words)
            answer["words"] = [
                {"word": w, "start": n * step, "end": (n + 1) * step} for n, w in enumerate(words)
            ]
        return JSONResponse(answer)

    async def _speak(self, request: Request) -> Response:
        refusal = await self._misbehave(request)
        if refusal:
            return refusal
        asked = json.loads(await request.body())
        self.asked.append(asked)
        return StreamingResponse(self._wave(asked), media_type="audio/wav")

    async def _wave(self, asked: dict[str, Any]) -> AsyncIterator[bytes]:
        count = int(RATE_HZ * 0.03 * len(asked["input"]) / asked["speed"])
        tone = np.sin(np.arange(count) * 2 * math.pi * 300 / RATE_HZ) * 8000
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(tone.astype("<i2").tobytes())
        data = buffer.getvalue()
        for at in range(0, len(data), 4097):
            if at and self._behaviour == "drop_later":
                raise ConnectionError("dropped on purpose")
            yield data[at : at + 4097]
