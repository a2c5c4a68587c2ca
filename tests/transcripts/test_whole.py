"""The Library on a whole server: real recordings in three languages, found by their words, by meaning, and read again.

English is recognised here without any network. Spanish and Russian come from a server that speaks OpenAI's wire and
says what the recordings' own reference texts say.
"""

import asyncio
import csv
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.people import OWNER
from tests.fakes.openai_audio import OpenAIAudio
from tests.fakes.openai_chat import OpenAIChatServer
from tests.fixtures.server import launch

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SPANISH, RUSSIAN, ENGLISH = (
    "es/azure_cs_training_audio1.wav",
    "ru/deepspeech_ru.wav",
    "en/librivox_sense_0870.wav",
)
WAIT_SECONDS = 120.0
PAUSE_SECONDS = 0.1

Json = dict[str, Any]


@pytest.fixture(scope="session")
def said(speech: Path) -> dict[str, str]:
    """What is said in the recordings, by file."""
    with (speech / "MANIFEST.tsv").open(newline="") as file:
        return {row["file"]: row["reference"] for row in csv.DictReader(file, delimiter="\t")}


@pytest.fixture
async def vendor() -> AsyncIterator[tuple[OpenAIAudio, str]]:
    fake = OpenAIAudio()
    async with fake.run() as url:
        yield fake, url


@pytest.fixture
async def client(
    vendor: tuple[OpenAIAudio, str], tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    audio, url = vendor
    models = OpenAIChatServer()
    async with models.run() as models_url:
        server = await asyncio.to_thread(
            launch,
            tmp_path / "data",
            openai_url=url,
            openai_key=audio.key,
            openai_llm_url=models_url,
            openai_llm_key=models.key,
            embeddings="openai:tiny",
            llm="offline",
            download_models="false",
            rate_limit_create="10000/minute",
        )
        assert server.link
        try:
            async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
                claim = {"link": server.link.partition("link=")[2], **OWNER}
                await client.post("/api/auth/claim", json=claim)
                sign_in = {name: OWNER[name] for name in ("email", "password")}
                token = (await client.post("/api/auth/token", json=sign_in)).json()["token"]
                client.cookies.clear()
                client.headers["Authorization"] = f"Bearer {token}"
                yield client
        finally:
            await asyncio.to_thread(server.stop)


async def _got(client: httpx.AsyncClient, path: str, **asked: Any) -> Json:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def _until(ask: Callable[[], Awaitable[Json]], ready: Callable[[Json], bool]) -> Json:
    async with asyncio.timeout(WAIT_SECONDS):
        while not ready(found := await ask()):  # noqa: ASYNC110 - another process has no event for it
            await asyncio.sleep(PAUSE_SECONDS)
    return found


async def _transcribed(
    client: httpx.AsyncClient, recording: Path, language: str, engine: str
) -> str:
    """Hands a recording over; the conversation it becomes, once it is read."""
    sound = await asyncio.to_thread(recording.read_bytes)
    answer = await client.post(
        "/api/transcribe",
        files={"file": (recording.name, sound, "audio/wav")},
        data={"language": language, "engine": engine},
    )
    assert answer.status_code in (201, 202), answer.text
    path = f"/api/transcribe/{answer.json()['id']}"
    done = await _until(lambda: _got(client, path), lambda t: t["status"] in ("done", "failed"))
    assert done["status"] == "done", done
    return str(done["transcript_id"])


async def _found(client: httpx.AsyncClient, words: str, path: str = "/api/search") -> list[str]:
    hits = (await _got(client, path, q=words))["items"]
    return [hit["transcript"]["id"] for hit in hits]


async def test_real_recordings_in_three_languages_stand_in_the_library(
    client: httpx.AsyncClient,
    vendor: tuple[OpenAIAudio, str],
    speech: Path,
    said: dict[str, str],
) -> None:
    audio, _ = vendor
    audio.text, audio.language = said[SPANISH], "spanish"
    spanish = await _transcribed(client, speech / SPANISH, "es", "openai")
    audio.text, audio.language = said[RUSSIAN], "russian"
    russian = await _transcribed(client, speech / RUSSIAN, "ru", "openai")
    english = await _transcribed(client, speech / ENGLISH, "en", "pocketsphinx")

    listed = await _got(client, "/api/transcripts")
    assert {one["id"] for one in listed["items"]} == {spanish, russian, english}
    await _are_found_by_words(client, spanish, russian, english)
    await _are_found_by_meaning(client, said, spanish, russian)
    await _is_read_again(client, audio, english, said[ENGLISH])


async def _are_found_by_words(
    client: httpx.AsyncClient, spanish: str, russian: str, english: str
) -> None:
    for words, id_ in (
        ("conexion", spanish),  # said with an accent
        ("organizando", spanish),  # another form of the word
        ('"centros de llamadas"', spanish),
        ("pestan*", spanish),
        ("бедняги", russian),
        ("место", russian),
        ("leisures", english),
        ("consider", english),
    ):
        assert await _found(client, words) == [id_], words
    assert await _found(client, "centros бедняга") == []
    hit = (await _got(client, "/api/search", q="conexion"))["items"][0]
    assert [piece["text"] for piece in hit["pieces"] if piece["found"]] == ["conexión"]
    sound = await client.get(f"/api/transcripts/{russian}/audio", headers={"Range": "bytes=0-3"})
    assert (sound.status_code, sound.content) == (206, b"RIFF")


async def _are_found_by_meaning(
    client: httpx.AsyncClient, said: dict[str, str], spanish: str, russian: str
) -> None:
    options = await _got(client, "/api/search/options")
    assert options["meaning"], options
    for id_, words in ((russian, said[RUSSIAN]), (spanish, said[SPANISH][:80])):

        async def ask(words: str = words) -> Json:
            return await _got(client, "/api/search/meaning", q=words)

        def first(found: Json, id_: str = id_) -> bool:
            return bool(found["items"]) and found["items"][0]["transcript"]["id"] == id_

        await _until(ask, first)


async def _is_read_again(
    client: httpx.AsyncClient, audio: OpenAIAudio, id_: str, reference: str
) -> None:
    audio.text, audio.language = reference, "english"
    path = f"/api/transcripts/{id_}/readings"
    asked = await client.post(path, json={"engine": "openai", "language": "en"})
    assert asked.status_code in (201, 202), asked.text
    number = asked.json()["number"]
    listed = await _until(
        lambda: _got(client, path),
        lambda found: all(r["status"] in ("done", "failed") for r in found["items"]),
    )
    assert {r["status"] for r in listed["items"]} == {"done"}
    difference = await _got(client, f"{path}/{number}/difference")
    assert 0.3 < difference["agreement"] <= 1.0
    assert difference["same"] > 5
