"""OpenAI's audio API through the official client, against a real server on loopback."""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import av
import httpx
import numpy as np
import openai
import pytest
from fastapi import FastAPI, Header
from tests.fakes.engines import CountingRecognizer, Fixed, HummingVoice, WavDecoder, wav_of
from tests.fakes.loopback import served

from tertulia.kernel.errors import NotSignedInError
from tertulia.kernel.http import correlation_id
from tertulia.speech.api import router
from tertulia.speech.decoding import Decoder
from tertulia.speech.domain import SAMPLE_RATE_HZ
from tertulia.speech.engines.errors import EngineUnavailableError, RecognitionError
from tertulia.speech.engines.espeak import EspeakVoice
from tertulia.speech.protocol import SpeechRequest, TranscriptionForm, TranslationForm
from tertulia.speech.service import Engines, SpeechService

pytestmark = pytest.mark.unit

LIMIT = 8_000_000


@dataclass
class Server:
    url: str
    one: CountingRecognizer
    hum: HummingVoice
    client: openai.AsyncOpenAI
    http: httpx.AsyncClient


async def require(authorization: Annotated[str, Header()] = "") -> None:
    if authorization != "Bearer sk-good":
        raise NotSignedInError("This key is not known. Make one with `tertulia keys create`.")


def app_over(service: SpeechService) -> FastAPI:
    app = FastAPI()
    app.include_router(router(service, require, max_upload_bytes=LIMIT))

    @app.middleware("http")
    async def correlated(request: Any, call_next: Any) -> Any:
        correlation_id.set("corr-7")
        return await call_next(request)

    return app


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one, hum = CountingRecognizer("one"), HummingVoice("hum")
    service = SpeechService(
        Engines({"one": one}, {}, {"hum": hum}), WavDecoder(), Fixed("one"), tts=("hum",)
    )
    async with (
        served(app_over(service)) as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-good", max_retries=0) as client,
        httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer sk-good"}) as http,
    ):
        yield Server(url, one, hum, client, http)


def recording(seconds: float = 2.0) -> tuple[str, bytes, str]:
    sound = np.random.default_rng(0).uniform(-0.2, 0.2, round(seconds * SAMPLE_RATE_HZ))
    return "talk.wav", wav_of(sound), "audio/wav"


async def test_json(server: Server) -> None:
    found = await server.client.audio.transcriptions.create(file=recording(), model="whisper-1")
    assert found.text == "one.0 one.1 one.2 one.3"
    assert found.usage is not None
    assert found.usage.type == "duration"
    assert found.usage.seconds == 2


async def test_verbose_json_with_words_and_segments(server: Server) -> None:
    found = await server.client.audio.transcriptions.create(
        file=recording(),
        model="one",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="es",
        prompt="before",
        temperature=0.3,
    )
    assert (found.language, found.duration) == ("spanish", 2.0)
    assert found.words is not None
    assert found.segments is not None
    assert [w.word for w in found.words] == ["one.0", "one.1", "one.2", "one.3"]
    assert (found.segments[0].start, found.segments[0].end) == (0.0, 1.95)
    assert found.segments[0].avg_logprob == pytest.approx(-0.1054)
    options = server.one.heard[0][1]
    assert (options.language, options.prompt, options.temperature, options.words) == (
        "es",
        "before",
        0.3,
        True,
    )


async def test_verbose_json_has_segments_alone_when_nothing_is_asked(server: Server) -> None:
    found = await server.client.audio.transcriptions.create(
        file=recording(), model="one", response_format="verbose_json"
    )
    assert found.words is None
    assert found.segments


async def test_text_srt_and_vtt(server: Server) -> None:
    texts = {
        form: await server.client.audio.transcriptions.create(
            file=recording(1), model="one", response_format=form
        )
        for form in ("text", "srt", "vtt")
    }
    assert texts == {
        "text": "one.0 one.1\n",
        "srt": "1\n00:00:00,000 --> 00:00:00,950\none.0 one.1\n",
        "vtt": "WEBVTT\n\n00:00:00.000 --> 00:00:00.950\none.0 one.1\n",
    }


async def test_stream(server: Server) -> None:
    events = await server.client.audio.transcriptions.create(
        file=recording(70), model="one", stream=True
    )
    seen = [event async for event in events]
    deltas = [e.delta for e in seen if e.type == "transcript.text.delta"]
    assert len(deltas) > 1
    assert seen[-1].type == "transcript.text.done"
    assert seen[-1].text == "".join(deltas)


async def test_stream_that_fails_at_once_has_its_own_status(server: Server) -> None:
    server.one.failures = [RecognitionError("away")]
    with pytest.raises(openai.InternalServerError) as raised:
        await server.client.audio.transcriptions.create(file=recording(), model="one", stream=True)
    assert (raised.value.status_code, raised.value.code) == (502, "stt_error")


async def test_stream_that_fails_on_the_way_says_so(server: Server) -> None:
    events = await server.client.audio.transcriptions.create(
        file=recording(70), model="one", stream=True
    )
    first = await anext(events)
    assert first.type == "transcript.text.delta"
    server.one.failures = [RecognitionError("away")] * 9
    with pytest.raises(openai.APIError, match="away"):
        await _rest(events)


async def _rest(events: Any) -> None:
    async for _ in events:
        continue


async def test_diarized_json(server: Server) -> None:
    found = await server.client.audio.transcriptions.create(
        file=recording(), model="one", response_format="diarized_json"
    )
    assert found.segments[0].speaker == "A"
    assert server.one.heard[0][1].diarise


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
async def test_translation(server: Server) -> None:
    found = await server.client.audio.translations.create(
        file=recording(), model="whisper-1", response_format="verbose_json"
    )
    assert found.language == "english"
    assert server.one.heard[0][1].translate


async def test_channels_are_ours(server: Server) -> None:
    rng = np.random.default_rng(1)
    stereo = wav_of(rng.uniform(-0.2, 0.2, 16_000), rng.uniform(-0.2, 0.2, 16_000))
    found = await server.client.audio.transcriptions.create(
        file=("call.wav", stereo),
        model="one",
        response_format="verbose_json",
        extra_body={"channels": "true"},
    )
    assert found.segments is not None
    assert [s.channel for s in found.segments] == [0, 1]  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav"])
async def test_speech_in_every_format(server: Server, form: Any) -> None:
    answer = await server.client.audio.speech.create(
        input="Hello there.", model="tts-1", voice="alloy", response_format=form
    )
    with av.open(io.BytesIO(answer.content)) as container:
        seconds = sum(f.samples / f.sample_rate for f in container.decode(audio=0))
    assert seconds == pytest.approx(0.6, abs=0.15)


async def test_speech_as_pcm(server: Server) -> None:
    answer = await server.client.audio.speech.create(
        input="Hello there.", model="hum", voice="low", response_format="pcm", speed=2.0
    )
    assert len(answer.content) / 2 / 24_000 == pytest.approx(0.3, abs=0.02)
    assert answer.response.headers["content-type"] == "audio/pcm"
    assert (server.hum.options[0].voice, server.hum.options[0].speed) == ("low", 2.0)


async def test_speech_is_streamed(server: Server) -> None:
    pieces = []
    async with server.client.audio.speech.with_streaming_response.create(
        input="One sentence here. " * 20, model="hum", voice="alloy", response_format="wav"
    ) as answer:
        async for piece in answer.iter_bytes():
            pieces.append(piece)  # noqa: PERF401 - the client's own way
    assert len(pieces) > 1
    assert answer.headers["transfer-encoding"] == "chunked"


async def test_speech_as_events(server: Server) -> None:
    answer = await server.http.post(
        "/v1/audio/speech",
        json={"input": "Hi.", "model": "hum", "voice": {"id": "low"}, "stream_format": "sse"},
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith('data: {"type": "speech.audio.delta", "audio": "')
    assert '"type": "speech.audio.done"' in answer.text.splitlines()[-2]


async def test_speech_that_fails_has_its_own_status(server: Server) -> None:
    server.hum.breaks_after = 0
    with pytest.raises(openai.InternalServerError) as raised:
        await server.client.audio.speech.create(input="Hi.", model="hum", voice="low")
    assert raised.value.status_code == 503


async def test_models(server: Server) -> None:
    listed = [m.id async for m in server.client.models.list()]
    assert {"whisper-1", "tts-1", "auto", "one", "hum"} <= set(listed)
    one = await server.client.models.retrieve("one")
    assert (one.object, one.owned_by) == ("model", "tertulia")
    with pytest.raises(openai.NotFoundError) as raised:
        await server.client.models.retrieve("nobody/at-all")
    assert raised.value.code == "model_not_found"


async def test_voices(server: Server) -> None:
    listed = (await server.http.get("/v1/audio/voices")).json()
    assert [v["id"] for v in listed["data"]] == ["low", "high"]


async def test_errors_have_openais_shape_and_ours_beside(server: Server) -> None:
    answer = await server.http.post(
        "/v1/audio/transcriptions", data={"model": "nobody"}, files={"file": recording()}
    )
    assert answer.status_code == 404
    body = answer.json()
    assert body["error"] == {
        "message": "nobody is not an engine here. There are: one.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }
    assert (body["code"], body["correlation_id"]) == ("model_not_found", "corr-7")
    assert answer.headers["x-outcome-detail"] == "model_not_found"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": "7"}, "temperature"),
        ({"response_format": "pdf"}, "response_format"),
        ({"language": "klingon"}, "language"),
        ({"timestamp_granularities[]": "letter"}, "timestamp_granularities.0"),
    ],
)
async def test_a_wrong_field_is_named(server: Server, fields: dict[str, str], param: str) -> None:
    answer = await server.http.post(
        "/v1/audio/transcriptions", data={"model": "one", **fields}, files={"file": recording()}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == param


async def test_a_missing_file_is_named(server: Server) -> None:
    answer = await server.http.post(
        "/v1/audio/transcriptions", data={"model": "one"}, files={"other": b""}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == "file"


async def test_a_body_that_is_no_form(server: Server) -> None:
    answer = await server.http.post("/v1/audio/transcriptions", json={"model": "one"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media")
    broken = await server.http.post(
        "/v1/audio/transcriptions",
        content=b"--x\r\nnonsense",
        headers={"content-type": "multipart/form-data; boundary=y"},
    )
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("body", [{}, {"input": ""}, {"input": "x", "speed": 9}])
async def test_speech_without_sense_is_refused(server: Server, body: dict[str, Any]) -> None:
    answer = await server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_strangers_are_refused_before_their_upload_is_read(server: Server) -> None:
    stranger = openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="sk-bad", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as raised:
        await stranger.audio.transcriptions.create(file=recording(), model="one")
    await stranger.close()
    assert raised.value.code == "not_signed_in"

    async def endless() -> AsyncIterator[bytes]:
        yield b"--b\r\n"

    answer = await server.http.post(
        "/v1/audio/transcriptions",
        content=endless(),
        headers={"content-type": "multipart/form-data; boundary=b", "Authorization": "Bearer no"},
    )
    assert answer.status_code == 401


async def test_too_large_an_upload_is_refused(server: Server) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        await server.client.audio.transcriptions.create(
            file=("big.wav", b"\0" * (LIMIT + 1)), model="one"
        )
    assert (raised.value.status_code, raised.value.code) == (413, "payload_too_large")


async def test_a_large_upload_goes_by_the_disk_and_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = await server.client.audio.transcriptions.create(file=recording(60), model="one")
    assert found.text.endswith("one.119")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - pathlib's way is refused in async code


async def test_retry_after_reaches_the_client(server: Server) -> None:
    server.one.failures = [EngineUnavailableError("full", retry_after_seconds=9)]
    with pytest.raises(openai.InternalServerError) as raised:
        await server.client.audio.transcriptions.create(file=recording(), model="one")
    assert raised.value.response.headers["retry-after"] == "9"


async def test_a_client_that_goes_away_stops_the_work(server: Server) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def hang(*_: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    server.one._transcribe_impl = hang  # type: ignore[method-assign,assignment]
    work = asyncio.create_task(
        server.client.audio.transcriptions.create(file=recording(), model="one")
    )
    await asyncio.wait_for(begun.wait(), 10)
    work.cancel()
    await asyncio.wait_for(stopped.wait(), 10)


@pytest.mark.engine
async def test_spoken_and_heard_again_through_the_real_decoder() -> None:
    """Real speech by eSpeak NG, as webm-like Opus, through the decoder's process and back."""
    decoder = Decoder(workers=1)
    await decoder.start()
    one = CountingRecognizer("one")
    voices = {"espeak": EspeakVoice()}
    service = SpeechService(
        Engines({"one": one}, {}, voices), decoder, Fixed("one"), tts=("espeak",)
    )
    try:
        async with (
            served(app_over(service)) as url,
            openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-good", max_retries=0) as client,
        ):
            said = await client.audio.speech.create(
                input="Good morning to everybody.",
                model="tts-1",
                voice="nova",
                response_format="opus",
            )
            heard = await client.audio.transcriptions.create(
                file=("said.ogg", said.content), model="one", response_format="verbose_json"
            )
            with pytest.raises(openai.APIStatusError) as raised:
                await client.audio.transcriptions.create(
                    file=("notes.wav", b"this is text, not sound"), model="one"
                )
    finally:
        await decoder.close()
    assert 1.0 < heard.duration < 4.0
    assert np.abs(one.heard[0][0]).max() > 0.05
    assert raised.value.code == "audio_unreadable"


def test_the_description_shows_what_is_really_sent_and_answered() -> None:
    service = SpeechService(Engines({}, {}, {}), WavDecoder(), Fixed())
    described = app_over(service).openapi()["paths"]
    summaries = [each["summary"] for path in described.values() for each in path.values()]
    assert not [summary for summary in summaries if summary == summary.title()]
    speech = described["/v1/audio/speech"]["post"]["requestBody"]["content"]["application/json"]
    for example in speech["examples"].values():
        SpeechRequest.model_validate(example["value"])
    for path, form in (("transcriptions", TranscriptionForm), ("translations", TranslationForm)):
        operation = described[f"/v1/audio/{path}"]["post"]
        sent = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["example"]
        assert form.model_validate(sent).response_format == "verbose_json"
        answers = operation["responses"]["200"]["content"]
        shown = answers["application/json"]["examples"]
        assert shown["verbose_json"]["value"]["text"] == shown["json"]["value"]["text"]
        assert answers["text/vtt"]["example"].startswith("WEBVTT\n")
