"""Gladia's v2 API on loopback: uploads, jobs that are polled, and live sessions that may lose their socket."""

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from tests.fakes.loopback import served

BYTES_A_SECOND = 32_000
STEP = BYTES_A_SECOND // 2


@dataclass
class Session:
    """A live session: it outlives its sockets, and forgets what it has not acknowledged when one is lost."""

    options: dict[str, Any]
    received: int = 0
    said: int = 0
    sockets: int = 0
    stopped: bool = False


@dataclass
class Gladia:
    """`behaviours` are used once each by HTTP requests; `live` by sockets, in the order they connect."""

    key: str = "gladia-key"
    behaviours: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    seconds: float = 0.0
    polls_until_done: int = 1
    job_fails: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        routes = [
            Route("/v2/upload", self._upload, methods=["POST"]),
            Route("/v2/pre-recorded", self._job, methods=["POST"]),
            Route("/v2/pre-recorded/{id}", self._poll),
            Route("/v2/live", self._init, methods=["POST"]),
            WebSocketRoute("/v2/live", self._socket),
        ]
        async with served(Starlette(routes=routes)) as self.url:
            yield self.url

    async def _misbehave(self, request: Request) -> Response | None:
        if request.headers.get("x-gladia-key") != self.key:
            return JSONResponse({"message": f"bad key, not {self.key}"}, 401)
        behaviour = self.behaviours.pop(0) if self.behaviours else "well"
        match behaviour:
            case "429":
                return JSONResponse({"message": "busy"}, 429, {"Retry-After": "1"})
            case "500" | "400":
                return JSONResponse({"message": "what was said"}, int(behaviour))
            case "garbage":
                return Response(b"\xff<html>", media_type="text/html")
            case "hang":
                self.answered.set()
                await asyncio.Event().wait()
        return None

    async def _upload(self, request: Request) -> Response:
        if refusal := await self._misbehave(request):
            return refusal
        async with request.form() as form:
            data = await form["audio"].read()  # type: ignore[union-attr]
        with wave.open(io.BytesIO(data)) as file:
            self.seconds = file.getnframes() / file.getframerate()
        self.requests.append(("upload", self.seconds))
        meta = {"id": "f1", "filename": "audio.wav", "audio_duration": self.seconds}
        return JSONResponse({"audio_url": f"{self.url}/file/f1", "audio_metadata": meta})

    async def _job(self, request: Request) -> Response:
        if refusal := await self._misbehave(request):
            return refusal
        body = await request.json()
        self.requests.append(("job", body))
        self._asked = body
        return JSONResponse({"id": "job-1", "result_url": f"{self.url}/v2/pre-recorded/job-1"}, 201)

    async def _poll(self, request: Request) -> Response:
        if refusal := await self._misbehave(request):
            return refusal
        self.requests.append(("poll", request.path_params["id"]))
        if self.job_fails:
            return JSONResponse({"id": "job-1", "status": "error", "error_code": 415})
        if self.polls_until_done > 0:
            self.polls_until_done -= 1
            return JSONResponse({"id": "job-1", "status": "processing"})
        text = {
            "full_transcript": "what was said",
            "languages": ["es"],
            "utterances": [self._utterance(0.0, self.seconds, "what was said")],
        }
        result = {
            "metadata": {"audio_duration": self.seconds, "billing_time": self.seconds},
            "transcription": text,
        }
        if self._asked.get("translation"):
            result["translation"] = {"success": True, "results": [text | {"languages": ["en"]}]}
        return JSONResponse({"id": "job-1", "status": "done", "result": result})

    @staticmethod
    def _utterance(start: float, end: float, text: str) -> dict[str, Any]:
        words = text.split()
        step = (end - start) / len(words)
        return {
            "text": f" {text}",
            "language": "es",
            "start": start,
            "end": end,
            "confidence": 0.8,
            "channel": 0,
            "speaker": 0,
            "words": [
                {
                    "word": f" {word}",
                    "start": start + n * step,
                    "end": start + (n + 1) * step,
                    "confidence": 0.8,
                }
                for n, word in enumerate(words)
            ],
        }

    async def _init(self, request: Request) -> Response:
        if refusal := await self._misbehave(request):
            return refusal
        body = await request.json()
        number = f"session{len(self.sessions)}-0000"
        self.sessions[number] = Session(body)
        url = f"{self.url.replace('http', 'ws', 1)}/v2/live?token={number}"
        return JSONResponse({"id": number, "created_at": "2026-01-01T00:00:00Z", "url": url}, 201)

    async def _socket(self, socket: WebSocket) -> None:
        token = socket.query_params["token"]
        session = self.sessions[token]
        session.sockets += 1
        behaviour, _, amount = (self.live.pop(0) if self.live else "well").partition(":")
        if behaviour == "refuse":
            await socket.close(4401)
            return
        await socket.accept()
        await self._send(socket, token, "start_session")
        try:
            await self._listen(socket, token, session, behaviour, float(amount or 0))
        except WebSocketDisconnect:
            return

    async def _listen(
        self, socket: WebSocket, token: str, session: Session, behaviour: str, amount: float
    ) -> None:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if behaviour == "deaf":
                self.answered.set()
                continue
            data = message.get("bytes")
            if data is None:
                assert json.loads(message["text"]) == {"type": "stop_recording"}
                if behaviour == "never_ends":
                    continue
                await self._end(socket, token, session)
                return
            if behaviour == "garbage":
                await socket.send_text("\x00 not json")
                continue
            if behaviour == "error":
                await self._send(socket, token, "error", {"message": "what was said"})
                continue
            if behaviour == "end" and session.received >= amount * BYTES_A_SECOND:
                await socket.close(4408)
                return
            if behaviour == "drop" and session.received + len(data) > amount * BYTES_A_SECOND:
                # The frame has arrived and is lost with the socket: it was not acknowledged.
                await socket.close(1011)
                return
            await self._heard(socket, token, session, len(data))

    async def _heard(self, socket: WebSocket, token: str, session: Session, size: int) -> None:
        before = session.received
        session.received += size
        times = [before / BYTES_A_SECOND, session.received / BYTES_A_SECOND]
        await self._send(
            socket,
            token,
            "audio_chunk",
            {"byte_range": [before, session.received], "time_range": times},
            acknowledged=True,
        )
        while session.said + STEP <= session.received:
            session.said += STEP
            await self._say(socket, token, session, final=session.said % BYTES_A_SECOND == 0)

    async def _say(self, socket: WebSocket, token: str, session: Session, *, final: bool) -> None:
        end = session.said / BYTES_A_SECOND
        number = -int(-end // 1)
        utterance = self._utterance(number - 1.0, end, f"second {number}")
        data = {"id": f"00_{number:08d}", "is_final": final, "utterance": utterance}
        await self._send(socket, token, "transcript", data)

    async def _end(self, socket: WebSocket, token: str, session: Session) -> None:
        session.stopped = True
        left = {
            "recording_duration": session.received / BYTES_A_SECOND,
            "recording_left_to_process": 0,
        }
        await self._send(socket, token, "stop_recording", left, acknowledged=True)
        if session.received % BYTES_A_SECOND:
            session.said = session.received
            await self._say(socket, token, session, final=True)
        await self._send(socket, token, "end_recording", {"recording_duration": 0.0})
        await self._send(socket, token, "end_session")
        await socket.close(1000)

    @staticmethod
    async def _send(
        socket: WebSocket, token: str, kind: str, data: Any = None, **more: Any
    ) -> None:
        envelope = {"session_id": token, "created_at": "2026-01-01T00:00:00Z", "type": kind}
        await socket.send_json({**envelope, **more, **({} if data is None else {"data": data})})
