"""What nobody should send, sent to the API: a clear refusal or the readable part, and the server goes on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
from fastapi import FastAPI
from tests.fakes.engines import CountingRecognizer, Fixed
from tests.fakes.loopback import served
from tests.speech.decoding.recordings import RATE_HZ, silent_opus, tone, wav
from tests.speech.decoding.test_files import CORRUPT

from tertulia.speech.api import router
from tertulia.speech.decoding import DecodeLimits, Decoder
from tertulia.speech.service import Engines, SpeechService

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]

LIMIT_BYTES = 4_000_000
LONGEST_SECONDS = 600


@dataclass
class Server:
    """A server over the real decoder, and the recogniser that says how much it was given."""

    http: httpx.AsyncClient
    heard: CountingRecognizer

    async def transcribe(self, name: str, data: bytes, **fields: str) -> httpx.Response:
        fields = {"model": "one", "response_format": "verbose_json", **fields}
        return await self.http.post(
            "/v1/audio/transcriptions", data=fields, files={"file": (name, data)}
        )


async def anybody() -> None:
    """Lets everyone in."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[Server]:
    decoder, one = Decoder(DecodeLimits(audio_seconds=LONGEST_SECONDS)), CountingRecognizer("one")
    await decoder.start()
    app = FastAPI()
    service = SpeechService(Engines({"one": one}, {}, {}), decoder, Fixed("one"))
    app.include_router(router(service, anybody, max_upload_bytes=LIMIT_BYTES))
    async with served(app) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
        yield Server(http, one)
    await decoder.close()


def refused(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code, of an answer that says in words what is wrong and quotes nothing."""
    body: dict[str, Any] = answer.json()
    error = body["error"]
    assert error["code"] == body["code"]
    assert error["type"] == "invalid_request_error"
    assert error["message"].endswith(".")
    assert "Traceback" not in answer.text
    assert "/tmp" not in answer.text
    return answer.status_code, body["code"]


@pytest.mark.parametrize("name", sorted(CORRUPT))
async def test_a_damaged_recording(server: Server, speech: Path, name: str) -> None:
    answer = await server.transcribe(name, (speech / "corrupt" / name).read_bytes())
    expected = CORRUPT[name]
    if expected in {"truncated", "whole"}:
        assert answer.status_code == 200
        assert answer.json()["duration"] > 0
        assert answer.json()["text"]
        return
    status, code = refused(answer)
    assert code == expected
    assert status in {400, 415, 422}
    assert name not in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("empty.wav", b"", "audio_empty"),
        ("byte.mp3", b"R", "audio_unreadable"),
        ("zeros.flac", b"\0" * 3000, "audio_unreadable"),
        ("letter.wav", b"Dear sir, this is not a recording. " * 200, "audio_unreadable"),
        ("page.mp3", b"<!doctype html><title>Sign in</title>" * 50, "audio_unreadable"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:5,\n/etc/passwd\n#EXT-X-ENDLIST\n", "audio_forbidden"),
        ("list.wav", b"ffconcat version 1.0\nfile '/etc/passwd'\n", "audio_forbidden"),
        ("away.mp3", b"http://127.0.0.1:9/secret.mp3\n", "audio_forbidden"),
    ],
)
async def test_what_is_no_recording(server: Server, name: str, data: bytes, code: str) -> None:
    assert refused(await server.transcribe(name, data))[1] == code


async def test_a_bomb(server: Server) -> None:
    bomb = silent_opus(LONGEST_SECONDS + 60)
    assert len(bomb) < LIMIT_BYTES / 10
    assert refused(await server.transcribe("small.webm", bomb)) == (422, "audio_too_long")


async def test_sixty_four_channels(server: Server) -> None:
    many = np.repeat(tone(1.0)[:, np.newaxis], 64, axis=1)
    recording = wav((many * 32767).astype(np.int16))
    mixed = await server.transcribe("choir.wav", recording)
    assert (mixed.status_code, mixed.json()["text"]) == (200, "one.0 one.1")
    apart = await server.transcribe("choir.wav", recording, channels="true")
    assert refused(apart)[1] == "audio_unreadable"


async def test_samples_that_are_not_numbers(server: Server) -> None:
    samples = tone(1.0)
    samples[::7] = np.nan
    samples[5] = np.inf
    answer = await server.transcribe("nan.wav", wav(samples))
    assert answer.json()["text"] == "one.0 one.1"
    assert np.isfinite(server.heard.heard[-1][0]).all()


async def test_the_server_goes_on(server: Server) -> None:
    answer = await server.transcribe("well.wav", wav((tone(1.0) * 32767).astype(np.int16)))
    assert answer.json()["duration"] == 1.0
    assert server.heard.heard[-1][0].size == RATE_HZ
