"""Deepgram's own Python client speaks to this server as to Deepgram's."""

import asyncio
import io
import json
import wave
from itertools import pairwise
from typing import Any

import pytest
from deepgram import AsyncDeepgramClient, DeepgramClient
from deepgram.environment import DeepgramClientEnvironment
from deepgram.listen.v1.types import ListenV1Metadata, ListenV1Results
from tests.fixtures.live import LiveServer, chunks, utterances
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    # the official client still names what its own dependency gives up
    pytest.mark.filterwarnings("ignore:websockets.*:DeprecationWarning"),
]


def environment(server: LiveServer) -> DeepgramClientEnvironment:
    return DeepgramClientEnvironment(
        base=server.url,
        production=f"ws://127.0.0.1:{server.port}",
        agent=server.url,
        agent_rest=server.url,
    )


async def test_the_official_client_works_unchanged(live_server: LiveServer) -> None:
    sound, said = utterances(3)
    client = AsyncDeepgramClient(api_key=live_server.key, environment=environment(live_server))
    async with client.listen.v1.connect(
        model="nova-3", encoding="linear16", sample_rate="16000", interim_results="true",
        tag="Deepgram", keyterm="w5",
    ) as socket:  # fmt: skip

        async def speak() -> None:
            for piece in chunks(sound):
                await socket.send_media(piece)
                await asyncio.sleep(0.04)
            await socket.send_keep_alive()
            await socket.send_close_stream()

        speaking = asyncio.create_task(speak())
        heard = [message async for message in socket]
        await speaking
    results = [m for m in heard if isinstance(m, ListenV1Results)]
    finals = [r for r in results if r.is_final]
    words = [word for r in finals for word in r.channel.alternatives[0].words]
    assert [w.word for w in words] == said
    assert all(a.start <= b.start for a, b in pairwise(words))
    assert any(not r.is_final for r in results)
    assert isinstance(heard[-1], ListenV1Metadata)
    assert heard[-1].duration == pytest.approx(len(sound) / 32_000, abs=0.1)
    transcript_id = heard[-1].transcript_id  # type: ignore[attr-defined]
    assert live_server.text(transcript_id) == said


def test_the_client_that_blocks_works_too(live_server: LiveServer) -> None:
    sound, said = utterances(1, pause=0.0)
    client = DeepgramClient(api_key=live_server.key, environment=environment(live_server))
    with client.listen.v1.connect(
        model="scripted", encoding="linear16", sample_rate="16000"
    ) as one:
        for piece in chunks(sound):
            one.send_media(piece)
        one.send_finalize()
        first = one.recv()
        assert isinstance(first, ListenV1Results)
        assert first.from_finalize is True
        assert first.channel.alternatives[0].transcript.split() == said
        one.send_close_stream()
        assert isinstance(one.recv(), ListenV1Metadata)


async def said_by(server: LiveServer, query: str, frames: list[Any], key: str) -> list[Any]:
    address = f"ws://127.0.0.1:{server.port}/v1/listen?{query}"
    got: list[Any] = []
    async with connect(address, subprotocols=["token", key], proxy=None) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "token"  # type: ignore[comparison-overlap]
        for frame in frames:
            await socket.send(frame)
        try:
            async with asyncio.timeout(30):
                while True:
                    got.append(json.loads(await socket.recv()))
        except ConnectionClosed:
            got.append(socket.close_code)
    return got


async def test_a_browser_shows_its_key_as_a_subprotocol(live_server: LiveServer) -> None:
    sound, said = utterances(1)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(sound)
    frames = [buffer.getvalue(), json.dumps({"type": "CloseStream"})]
    got = await said_by(live_server, "language=multi", frames, live_server.key)
    texts = [m["channel"]["alternatives"][0]["transcript"] for m in got[:-2]]
    assert texts == [" ".join(said)]
    assert (got[-2]["type"], got[-1]) == ("Metadata", 1000)


async def test_what_is_wrong_is_said(live_server: LiveServer) -> None:
    wrong = await said_by(live_server, "", [b"xx"], "tk_wrong")
    assert (wrong[0]["variant"], wrong[-1]) == ("NOT_AUTHORIZED", 4001)
    for query in ("", "encoding=g729"):
        refused = await said_by(live_server, query, [b"no header at all"], live_server.key)
        assert (refused[0]["variant"], refused[-1]) == ("UNSUPPORTED_FORMAT", 4000)
    nothing = await said_by(
        live_server, "", ["{}", json.dumps({"type": "CloseStream"})], live_server.key
    )
    assert nothing[0]["type"] == "Error"
    assert nothing[-1] == 1000
