"""Deepgram's live protocol, so that its clients speak to this server unchanged; the text is kept in the hall as well.

https://developers.deepgram.com/reference/speech-to-text/listen-streaming
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from tertulia.doors.live import protocol
from tertulia.doors.live.connection import Connection, accepted, guarded, until_revoked
from tertulia.doors.live.domain import (
    LONGEST_HOT_WORD,
    LONGEST_LIMIT_SECONDS,
    MOST_HOT_WORDS,
)
from tertulia.doors.live.entry import Doorkeeper
from tertulia.doors.live.errors import Close, Code, LiveError
from tertulia.doors.live.node import LiveNode
from tertulia.doors.live.running import RunningSession
from tertulia.doors.live.service import LiveService
from tertulia.doors.live.wanted import Wanted
from tertulia.identity.domain import SPEECH, Principal
from tertulia.identity.rate_limits import CREATE, RateLimiter
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.speech.decoding.streams import begins_recording

PATH = "/v1/listen"
_ENCODINGS = {
    "linear16": "audio/pcm;rate={rate};channels={channels}",
    "linear32": "audio/pcm;rate={rate};channels={channels};encoding=float32",
    "mulaw": "audio/pcm;rate={rate};channels={channels};encoding=mulaw",
    "alaw": "audio/pcm;rate={rate};channels={channels};encoding=alaw",
    "opus": "audio/opus",
    "ogg-opus": "audio/ogg",
}
_RATES = {"mulaw": 8_000, "alaw": 8_000}
_DEFAULT_RATE_HZ = 16_000
_ANY_LANGUAGE = ("multi", "")
TRUE = ("true", "1")


class Listener(Connection):
    """Tells a session's events in Deepgram's words."""

    def __init__(self, send: Send, clock: Clock, *, interim: bool) -> None:
        super().__init__(send, clock)
        self._interim = interim
        self._heard_bytes = hashlib.sha256()
        self.session: RunningSession | None = None
        self.finalizing = False
        self._model = {"name": "tertulia", "version": "1", "arch": "tertulia"}

    def took(self, sound: bytes) -> None:
        self._heard_bytes.update(sound)

    def ack(self, received_seq: int, committed_seq: int, now: float | None = None) -> None:
        """Deepgram has no acknowledgements."""

    def tell(self, event: str, data: Mapping[str, Any]) -> None:
        match event:
            case "transcription_partial":
                if self._interim:
                    self.post(json.dumps(self._results(data, final=False)))
            case "transcription_final":
                self.post(json.dumps(self._results(data, final=True)))
                self.finalizing = False
            case "session_completed":
                self.post(json.dumps(self._metadata(data)))
            case "error":
                self.post(json.dumps(_error(data)))

    def _results(self, data: Mapping[str, Any], *, final: bool) -> dict[str, Any]:
        start, end = data["start_time"], data["end_time"]
        confidence = data["confidence"] if data["confidence"] is not None else 0.0
        alternative = {
            "transcript": data["text_content"],
            "confidence": confidence,
            "words": [_word(word, confidence) for word in data["words"]],
        }
        if data["language"]:
            alternative["languages"] = [data["language"]]
        found = {
            "type": "Results",
            "channel_index": [0, 1],
            "duration": round(end - start, 3),
            "start": start,
            "is_final": final,
            "speech_final": final,
            "channel": {"alternatives": [alternative]},
            "metadata": {
                "request_id": data["session_id"],
                "model_info": self._model,
                "model_uuid": data["session_id"],
            },
        }
        return {**found, "from_finalize": self.finalizing} if final else found

    def _metadata(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": data["session_id"],
            "sha256": self._heard_bytes.hexdigest(),
            "created": self._clock.now().isoformat(),
            "duration": data["duration_seconds"],
            "channels": 1,
            "transcript_id": data["transcript_id"],
        }


def _word(word: Mapping[str, Any], confidence: float) -> dict[str, Any]:
    text = str(word["text"])
    return {
        "word": text.strip('.,;:!?¡¿"«»()').lower() or text,
        "start": word["start"],
        "end": word["end"],
        "confidence": word["confidence"] if word["confidence"] is not None else confidence,
        "punctuated_word": text,
    }


def _error(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "Error",
        "variant": data["code"],
        "description": data["message"],
        "message": data["action"],
    }


class DeepgramSocket:
    """An ASGI application for `PATH`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        service: LiveService,
        node: LiveNode,
        doorkeeper: Doorkeeper,
        limiter: RateLimiter,
    ) -> None:
        self._database = database
        self._clock = clock
        self._service = service
        self._node = node
        self._doorkeeper = doorkeeper
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        translated = _with_bearer(scope)
        if not await accepted(scope, receive, _choosing(send, scope)):
            return
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=200)
        listener = Listener(send, self._clock, interim=_one(asked, "interim_results") in TRUE)
        async with guarded(listener):
            visitor = await self._doorkeeper.visitor(translated)
            if visitor.session is not None:
                raise LiveError(
                    Code.NOT_AUTHORIZED, "An API key is taken here.", close=Close.NOT_AUTHORIZED
                )
            visitor.principal.need(SPEECH)
            await self._limiter.check(CREATE, visitor.principal.label)
            watch = asyncio.create_task(until_revoked(visitor.principal, listener))
            try:
                await self._listen(visitor.principal, asked, receive, listener)
            finally:
                watch.cancel()

    async def _listen(
        self, who: Principal, asked: Mapping[str, list[str]], receive: Receive, listener: Listener
    ) -> None:
        seq = 0
        session: RunningSession | None = None
        while not listener.ended:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                break
            data = message.get("bytes")
            if data is None:
                await self._control(str(message["text"]), session, listener)
            elif data:
                if session is None:
                    session = await self._begin(who, asked, data, listener)
                seq += 1
                listener.took(data)
                await _take(session, seq, data, listener)
            elif session is not None:
                _stop(session)  # an empty frame is how older clients close
        if session is not None and not session.lost:
            self._node.detach(session, listener)
            _stop(session)

    async def _begin(
        self, who: Principal, asked: Mapping[str, list[str]], first: bytes, listener: Listener
    ) -> RunningSession:
        language = _one(asked, "language")
        known = self._service.live_engines()
        model = _one(asked, "model")
        wanted = Wanted(
            title=_one(asked, "tag")[:300],
            language=None if language in _ANY_LANGUAGE else language,
            engine=model if model and model.split(",")[0] in known else None,
            hot_words=_hot_words(asked),
            diarise=_one(asked, "diarize") in TRUE or bool(_one(asked, "diarize_model")),
            mime_type=_mime(asked, first),
            duration_limit=LONGEST_LIMIT_SECONDS,
            metadata={"protocol": "deepgram"},
        )
        async with self._database.transaction() as tx:
            created = await self._service.create(tx, who, wanted)
        session, _ = await self._node.attach(created.session_id, listener, None, None)
        self._node.welcome(session, listener)
        listener.session = session
        return session

    async def _control(self, text: str, session: RunningSession | None, listener: Listener) -> None:
        try:
            said = json.loads(text)
            kind = said["type"]
        except (ValueError, TypeError, KeyError, RecursionError):
            listener.tell("error", protocol.error_data(_unknown()))
            return
        if kind == "CloseStream":
            if session is None:
                listener.end(Close.DONE)
            else:
                _stop(session)
        elif kind == "Finalize" and session is not None:
            listener.finalizing = True
            await session.pause()
            session.resume()
        elif kind == "KeepAlive" and session is not None:
            session.pace.last_activity = self._clock.monotonic()
        elif kind not in ("Finalize", "KeepAlive", "Configure"):
            listener.tell("error", protocol.error_data(_unknown()))


def _unknown() -> LiveError:
    return LiveError(
        Code.INVALID_MESSAGE, "The messages are KeepAlive, Finalize, CloseStream and binary sound."
    )


def _stop(session: RunningSession) -> None:
    if not session.lost:
        session.stop(None)


async def _take(session: RunningSession, seq: int, sound: bytes, listener: Listener) -> None:
    if session.offer(seq, sound):
        listener.busy = True
        await session.feed()
        listener.busy = False


def _one(asked: Mapping[str, list[str]], name: str) -> str:
    return asked.get(name, [""])[0].strip()


def _hot_words(asked: Mapping[str, list[str]]) -> list[str]:
    """`keyterm`, and `keywords` with their weight left out."""
    words = [*asked.get("keyterm", []), *(w.split(":")[0] for w in asked.get("keywords", []))]
    return [word[:LONGEST_HOT_WORD] for word in words if word.strip()][:MOST_HOT_WORDS]


def _mime(asked: Mapping[str, list[str]], first: bytes) -> str:
    """The form the address names or, without one, that of the recording."""
    encoding = _one(asked, "encoding")
    if encoding:
        form = _ENCODINGS.get(encoding)
        if form is None:
            known = ", ".join(_ENCODINGS)
            raise LiveError(
                Code.UNSUPPORTED_FORMAT, f"encoding: {known} are taken.", close=Close.BAD_ADDRESS
            )
        rate = _one(asked, "sample_rate") or str(_RATES.get(encoding, _DEFAULT_RATE_HZ))
        return form.format(rate=rate, channels=_one(asked, "channels") or "1")
    if first.startswith((b"RIFF", b"RF64")):
        return "audio/wav"
    if begins_recording(first):
        return "audio/ogg" if first.startswith(b"OggS") else "audio/webm"
    raise LiveError(
        Code.UNSUPPORTED_FORMAT,
        "The sound has no header that is known. Say what it is with `encoding` and `sample_rate`.",
        close=Close.BAD_ADDRESS,
    )


def _with_bearer(scope: Scope) -> Scope:
    """`Authorization: Token KEY`, or the subprotocols `token, KEY` of a browser, as this server knows them."""
    offered = list(scope.get("subprotocols", ()))
    secret = offered[1] if len(offered) > 1 and offered[0] in ("token", "bearer") else None
    headers = []
    for name, value in scope["headers"]:
        is_token = name == b"authorization" and value[:6].lower() == b"token "
        headers.append((name, b"Bearer " + value[6:] if is_token else value))
    if secret is not None:
        headers.append((b"authorization", b"Bearer " + secret.encode("latin-1")))
    return {**scope, "headers": headers, "subprotocols": []}


def _choosing(send: Send, scope: Scope) -> Send:
    """A browser that offered subprotocols only goes on when one of them is chosen."""
    offered = [name for name in scope.get("subprotocols", ()) if name in ("token", "bearer")]

    async def chosen(message: Any) -> None:
        if message["type"] == "websocket.accept" and offered:
            message = {**message, "subprotocol": offered[0]}
        await send(message)

    return chosen
