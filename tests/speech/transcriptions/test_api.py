"""Transcriptions over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from tests.fixtures.identity import Key, Person
from tests.speech.transcriptions.conftest import HeldReader

from tertulia.blobs.backends.local import LocalStore
from tertulia.identity.access import Access
from tertulia.identity.authenticator import Authenticator
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import NotFoundError, TertuliaError
from tertulia.kernel.http import explain_validation, problem_response
from tertulia.speech.decoding import AudioUnreadableError
from tertulia.speech.formats import FORMATS
from tertulia.speech.transcriptions import api
from tertulia.speech.transcriptions.domain import Wishes
from tertulia.speech.transcriptions.protocol import Format
from tertulia.speech.transcriptions.service import TranscriptionService
from tertulia.speech.transcriptions.tasks import TranscriptionTasks

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]


@pytest.fixture
async def client(
    database: Database,
    service: TranscriptionService,
    tasks: TranscriptionTasks,
    authenticator: Authenticator,
    local_store: LocalStore,
    clock: HeldClock,
) -> AsyncIterator[httpx.AsyncClient]:
    async def known(_: Request, error: Exception) -> Response:
        assert isinstance(error, TertuliaError)
        return problem_response(error)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(explain_validation(error))

    app = FastAPI()
    app.state.database = database
    app.include_router(api.router(service, Access(authenticator), local_store, clock))
    app.add_exception_handler(TertuliaError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tertulia") as client:
        yield client


async def handed_over(
    client: httpx.AsyncClient, person: Person | Key, data: bytes = b"sound", **fields: str
) -> str:
    files = {"file": ("monday.mp3", data, "audio/mpeg")}
    answer = await client.post("/api/transcribe", files=files, data=fields, headers=person.headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def got(client: httpx.AsyncClient, person: Person, path: str) -> Any:
    answer = await client.get(path, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_from_a_recording_to_its_text(
    client: httpx.AsyncClient, owner: Person, drain_jobs: Drain, reader: HeldReader
) -> None:
    id_ = await handed_over(client, owner, language="Spanish", engine="whisper", channels="split")
    waiting = await got(client, owner, f"/api/transcribe/{id_}")
    assert (waiting["status"], waiting["segments"], waiting["error"]) == ("queued", [], None)
    assert (waiting["engine"], waiting["language"]) == ("whisper", "es")
    await drain_jobs()
    assert reader.heard == [(b"sound", Wishes("whisper", "es", True))]
    done = await got(client, owner, f"/api/transcribe/{id_}")
    assert (done["status"], done["progress"], done["engine"]) == ("done", 1, "gladia|whisper")
    assert [s["text"] for s in done["segments"]] == ["buenos días", "hola"]
    assert done["segments"][0]["words"][0] == {
        "text": "buenos",
        "start": 0.5,
        "end": 1.0,
        "confidence": 0.9,
    }
    assert done["segments"][1]["channel"] == 1
    listed = await got(client, owner, "/api/transcribe")
    assert [item["id"] for item in listed["items"]] == [id_]
    assert "segments" not in listed["items"][0]


async def test_every_export_is_a_file_with_the_recordings_name(
    client: httpx.AsyncClient, owner: Person, drain_jobs: Drain
) -> None:
    assert set(FORMATS) == set(Format.__args__)
    id_ = await handed_over(client, owner)
    early = await client.get(f"/api/transcribe/{id_}/export", headers=owner.headers)
    assert (early.status_code, early.json()["code"]) == (409, "transcription_unfinished")
    await drain_jobs()
    for form in FORMATS:
        address = f"/api/transcribe/{id_}/export?format={form}"
        answer = await client.get(address, headers=owner.headers)
        assert answer.status_code == 200
        assert f"monday.{form}" in answer.headers["content-disposition"]
        assert len(answer.content) > 10
        if form in ("txt", "srt", "vtt", "md"):
            assert "buenos días" in answer.text


async def test_the_recording_can_be_listened_to_in_ranges(
    client: httpx.AsyncClient, owner: Person
) -> None:
    id_ = await handed_over(client, owner, b"0123456789")
    headers = {**owner.headers, "Range": "bytes=2-4"}
    answer = await client.get(f"/api/transcribe/{id_}/audio", headers=headers)
    assert (answer.status_code, answer.content) == (206, b"234")


async def test_somebody_elses_is_answered_as_unknown(
    client: httpx.AsyncClient, owner: Person, member: Person, outsider: Person, drain_jobs: Drain
) -> None:
    id_ = await handed_over(client, owner)
    await drain_jobs()
    for stranger in (member, outsider):
        for method, path in (
            ("GET", ""),
            ("GET", "/export"),
            ("GET", "/audio"),
            ("DELETE", ""),
        ):
            answer = await client.request(
                method, f"/api/transcribe/{id_}{path}", headers=stranger.headers
            )
            assert (answer.status_code, answer.json()["code"]) == (404, "transcription_missing")
        assert (await got(client, stranger, "/api/transcribe"))["items"] == []
    space = owner.space.id
    answer = await client.get(f"/api/transcribe?space_id={space}", headers=outsider.headers)
    assert answer.status_code == 404


async def test_nobody_in_particular_is_refused_before_the_body_is_read(
    client: httpx.AsyncClient,
) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    answer = await client.post("/api/transcribe", content=body())
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


async def test_removing_it_removes_everything(
    client: httpx.AsyncClient, owner: Person, local_store: LocalStore
) -> None:
    id_ = await handed_over(client, owner)
    for status in (204, 404):
        answer = await client.delete(f"/api/transcribe/{id_}", headers=owner.headers)
        assert answer.status_code == status
    assert [blob async for blob in local_store.list()] == []


async def test_why_it_failed_is_a_problem_document(
    client: httpx.AsyncClient, owner: Person, drain_jobs: Drain, reader: HeldReader
) -> None:
    reader.answers = [AudioUnreadableError("Send a recording.")]
    id_ = await handed_over(client, owner)
    await drain_jobs()
    failed = await got(client, owner, f"/api/transcribe/{id_}")
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "audio_unreadable"
    assert failed["error"]["detail"] == "Send a recording."


async def test_pages_follow_each_other(
    client: httpx.AsyncClient, owner: Person, clock: HeldClock
) -> None:
    made = []
    for _ in range(5):
        made.append(await handed_over(client, owner))
        await clock.advance(1)
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = await got(client, owner, f"/api/transcribe?limit=2{cursor}")
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    assert page["next_cursor"] is None


@pytest.mark.parametrize(
    ("data", "fields", "status", "word"),
    [
        (b"", {}, 422, "empty"),
        (b"x" * 1001, {}, 413, "1000"),
        (b"x", {"language": "elvish"}, 422, "language"),
        (b"x", {"channels": "three"}, 422, "channels"),
        (b"x", {"engine": "e" * 300}, 422, "engine"),
    ],
)
async def test_what_cannot_be_taken_leaves_nothing_behind(
    client: httpx.AsyncClient,
    owner: Person,
    local_store: LocalStore,
    data: bytes,
    fields: dict[str, str],
    status: int,
    word: str,
) -> None:
    files = {"file": ("a.mp3", data, "audio/mpeg")}
    answer = await client.post("/api/transcribe", files=files, data=fields, headers=owner.headers)
    assert answer.status_code == status
    assert word in answer.json()["detail"]
    assert (await got(client, owner, "/api/transcribe"))["items"] == []


async def test_a_form_without_a_file_says_what_is_missing(
    client: httpx.AsyncClient, owner: Person
) -> None:
    empty = await client.post("/api/transcribe", files={"other": b"x"}, headers=owner.headers)
    assert (empty.status_code, empty.json()["detail"]) == (422, "file: Field required.")
    plain = await client.post("/api/transcribe", content=b"x", headers=owner.headers)
    assert plain.status_code == 415


async def test_an_engine_nobody_knows_is_refused_at_once(
    client: httpx.AsyncClient,
    owner: Person,
    service: TranscriptionService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(wishes: Wishes) -> None:
        raise NotFoundError(f"{wishes.engine} is no engine.")

    monkeypatch.setattr(service, "_check", refuse)
    files = {"file": ("a.mp3", b"x", "audio/mpeg")}
    answer = await client.post("/api/transcribe", files=files, headers=owner.headers)
    assert answer.status_code == 404
