"""A turn as server-sent events, so that words are read and sound is heard while the rest is being made."""

import base64
import json
from typing import Any

from tertulia.bots.result import Heard, Sounded, Wrote
from tertulia.doors.voice.service import Begun, VoiceEvent
from tertulia.kernel.errors import TertuliaError

EVENTS = "text/event-stream"


def written(event: VoiceEvent) -> bytes:
    """One event on the wire; the answer itself is written by `done`."""
    if isinstance(event, Begun):
        return _event("session", {"session_id": str(event.session_id), "corr_id": event.corr_id})
    if isinstance(event, Heard):
        said = {"text": event.text, "language": event.language, "input_seconds": event.seconds}
        return _event("transcript", said)
    if isinstance(event, Wrote):
        return _event("reply", {"delta": event.text})
    if isinstance(event, Sounded):
        return _event("audio", _sound(event))
    return b""


def done(answer: dict[str, Any]) -> bytes:
    """The last event: the answer, as it would be without events."""
    return _event("done", answer)


def failed(error: TertuliaError, corr_id: str) -> bytes:
    """The last event of a turn that failed: the problem document."""
    return _event("error", error.problem(corr_id))


def _sound(event: Sounded) -> dict[str, Any]:
    return {
        "sentence": event.sentence,
        "text": event.text,
        "start_seconds": round(event.start_seconds, 3),
        "sample_rate_hz": event.sample_rate_hz,
        "pcm16": base64.b64encode(event.pcm16).decode(),
    }


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, default=str)}\n\n".encode()
