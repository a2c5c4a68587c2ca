"""`POST /audio` and `/text`: the answer, its failures, and that one corr_id is answered once."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.fakes.talking import said
from tests.fixtures.identity import Key, Person
from tests.fixtures.transcripts import Told
from tests.fixtures.voice import Talk, form

from tertulia.blobs.backends.local import LocalStore
from tertulia.doors.voice.service import VoiceService
from tertulia.kernel.database import Database
from tertulia.kernel.errors import UnavailableError
from tertulia.language.errors import ModelRefusedError, ModelTimeoutError
from tertulia.ledger.domain import Asked
from tertulia.ledger.service import Ledger
from tertulia.speech.engines.errors import RecognitionError
from tertulia.transcripts.domain import Filter, Kind
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

WAV = ("q.wav", said(2.0), "audio/wav")


async def ask(client: httpx.AsyncClient, audio: Any = WAV, **fields: Any) -> httpx.Response:
    headers = fields.pop("headers", None)
    return await client.post("/audio", files={"file": audio}, data=form(**fields), headers=headers)


async def test_a_recording_is_answered_kept_and_stands_in_the_hall(
    voice_api_client: httpx.AsyncClient,
    talk: Talk,
    key: Key,
    owner: Person,
    database: Database,
    hall: TranscriptService,
    ledger: Ledger,
    told: Told,
) -> None:
    answer = await ask(
        voice_api_client,
        corr_id="order-1",
        user_external_id="cust-7",
        meta='{"branch": "north", "n": 3}',
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["corr_id"], body["transcript"], body["reply_text"]) == (
        "order-1",
        "hello there",
        "Good day.",
    )
    assert body["meta"] == {"branch": "north", "n": "3"}
    usage = body["usage"]
    assert (usage["provider_stt"], usage["provider_llm"], usage["provider_tts"]) == (
        "ear",
        "ollama",
        "hum",
    )
    assert usage["input_seconds"] == 2.0
    assert usage["output_seconds"] > 0

    sound = await voice_api_client.get(body["tts_url"], headers={"Authorization": ""})
    assert (sound.status_code, sound.headers["content-type"]) == (200, "audio/mpeg")
    assert len(sound.content) > 500
    asked = await voice_api_client.get(f"/api/audio-sessions/{body['session_id']}/audio?of=request")
    assert asked.content == WAV[1]

    kept = (await voice_api_client.get(f"/api/audio-sessions/{body['session_id']}")).json()
    assert kept["api_key_id"] == str(key.principal.key_id)
    assert (kept["user_external_id"], kept["request_mime_type"]) == ("cust-7", "audio/wav")
    assert (kept["outcome"], kept["tts_available"]) == ("ok", True)
    async with database.transaction() as tx:
        [found] = await hall.list(tx, Filter([owner.space.id], kinds=[Kind.VOICE]), None, 10)
        segments = await hall.segments(tx, found, None, 10)
        entries = await ledger.entries(tx, Asked((owner.space.id,)), None, 10)
    assert str(found.id) == body["transcript_id"]
    assert [(s.text, s.speaker, s.person) for s in segments] == [
        ("hello there", "cust-7", "cust-7"),
        ("Good day.", "Host", None),
    ]
    assert found.tags == ("branch:north", "n:3")
    assert {(e.use.engine, e.use.unit) for e in entries} == {
        ("ear", "seconds"),
        ("ollama", "tokens_in"),
        ("ollama", "tokens_out"),
        ("hum", "characters"),
    }
    assert {e.use.transcript_id for e in entries} == {found.id}
    assert ("voice.turn", "order-1") in [(t, d.get("corr_id")) for _, t, d in told.events]


async def test_everything_is_told_while_it_happens(
    voice_api_client: httpx.AsyncClient, talk: Talk
) -> None:
    talk.model.answers = [["One is done. ", "Two."]]
    answer = await ask(voice_api_client, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for block in answer.text.strip().split("\n\n")
        if (lines := block.split("\n"))
    ]
    names = [name for name, _ in events]
    assert names[:2] == ["session", "transcript"]
    assert names[-1] == "done"
    assert "".join(d["delta"] for n, d in events if n == "reply") == "One is done. Two."
    sounds = [d for n, d in events if n == "audio"]
    assert [s["text"] for s in sounds] == ["One is done.", "Two."]
    assert sounds[1]["start_seconds"] > 0
    assert names.index("audio") < names.index("done")
    assert events[-1][1]["reply_text"] == "One is done. Two."


async def test_the_same_corr_id_is_answered_from_memory(
    voice_api_client: httpx.AsyncClient, talk: Talk, outsider: Person
) -> None:
    first = (await ask(voice_api_client, corr_id="c1")).json()
    again = (await ask(voice_api_client, corr_id="c1")).json()
    header = (
        await voice_api_client.post(
            "/text", json={"text": "other", "corr_id": "c1"}, headers={"X-Correlation-Id": "c9"}
        )
    ).json()
    assert first["session_id"] == again["session_id"] == header["session_id"]
    assert talk.ear.calls == 1
    taken = await ask(voice_api_client, corr_id="c1", headers=outsider.headers)
    assert (taken.status_code, taken.json()["code"]) == (409, "corr_id_taken")


async def test_two_at_once_run_once(voice_api_client: httpx.AsyncClient, talk: Talk) -> None:
    go = asyncio.Event()
    talk.model.answers = [["Slowly", go, " done."]]
    asking = [asyncio.create_task(ask(voice_api_client, corr_id="twin")) for _ in range(3)]
    await asyncio.wait_for(talk.model.begun.wait(), 10)
    go.set()
    bodies = [(await task).json() for task in asking]
    assert len({body["session_id"] for body in bodies}) == 1
    assert {body["reply_text"] for body in bodies} == {"Slowly done."}
    assert (talk.ear.calls, len(talk.model.asked)) == (1, 1)


async def test_what_failed_may_be_asked_again(
    voice_api_client: httpx.AsyncClient, talk: Talk
) -> None:
    talk.ear.failures = [RecognitionError("broken")]
    failed = await ask(voice_api_client, corr_id="again")
    assert (failed.status_code, failed.json()["code"]) == (502, "stt_error")
    assert failed.json()["cause"] == "stt_error"
    listed = (await voice_api_client.get("/api/audio-sessions?failed=true")).json()["items"]
    assert [(s["corr_id"], s["outcome"]) for s in listed] == [("again", "stt_error")]
    assert (await ask(voice_api_client, corr_id="again")).status_code == 200
    figures = (await voice_api_client.get("/api/audio-sessions/figures")).json()
    assert figures["outcomes"] == [{"outcome": "ok", "turns": 1}]
    assert {s["stage"] for s in figures["stages"]} == {"stt", "llm", "tts"}


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (ModelRefusedError("no"), 502, "llm_error"),
        (ModelTimeoutError("late"), 504, "provider_timeout"),
    ],
)
async def test_a_model_that_fails_is_told_in_the_door_s_words(
    voice_api_client: httpx.AsyncClient, talk: Talk, failure: Exception, status: int, code: str
) -> None:
    talk.model.answers = [[failure]]
    answer = await ask(voice_api_client)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    talk.model.answers = [[failure]]
    told_ = await ask(voice_api_client, headers={"Accept": "text/event-stream"})
    assert told_.text.rstrip().split("\n\n")[-1].startswith("event: error")


async def test_a_voice_that_fails_still_answers(
    voice_api_client: httpx.AsyncClient, talk: Talk
) -> None:
    talk.voice.breaks_after = 0
    answer = await ask(voice_api_client)
    body = answer.json()
    assert (answer.status_code, answer.headers["x-outcome-detail"]) == (200, "audio.tts_error")
    assert (body["tts_available"], body["tts_url"], body["reply_text"]) == (
        False,
        None,
        "Good day.",
    )


async def test_when_nothing_can_be_kept_nothing_is_answered(
    voice_api_client: httpx.AsyncClient,
    voice_service: VoiceService,
    local_store: LocalStore,
    database: Database,
    hall: TranscriptService,
    owner: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(*_: Any, **__: Any) -> Any:
        raise UnavailableError("The disk is away.")

    monkeypatch.setattr(local_store, "put", full)
    answer = await ask(voice_api_client, corr_id="kept")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_error")
    assert answer.headers["retry-after"]
    monkeypatch.undo()
    async with database.transaction() as tx:
        assert not await hall.list(tx, Filter([owner.space.id]), None, 10)
    assert (await ask(voice_api_client, corr_id="kept")).status_code == 200


@pytest.mark.parametrize(
    ("audio", "fields", "status", "code"),
    [
        (("a.wav", said(1.0) * 80, "audio/wav"), {}, 413, "payload_too_large"),
        (WAV, {"language": "klingon"}, 400, "invalid_request"),
        (WAV, {"meta": "[1]"}, 400, "invalid_request"),
        (WAV, {"meta": "{"}, 400, "invalid_request"),
        (WAV, {"meta": '{"a": {"b": 1}}'}, 400, "invalid_request"),
        (WAV, {"corr_id": "two words"}, 400, "invalid_request"),
        (WAV, {"format": "exe"}, 400, "invalid_request"),
        (WAV, {"bot": "nobody"}, 404, "bot_missing"),
        (WAV, {"bot": str(uuid4())}, 404, "bot_missing"),
        (WAV, {"space_id": str(uuid4())}, 404, "not_found"),
    ],
)
async def test_bad_requests_are_refused_before_anything_is_asked(
    voice_api_client: httpx.AsyncClient,
    talk: Talk,
    audio: Any,
    fields: dict[str, Any],
    status: int,
    code: str,
) -> None:
    answer = await ask(voice_api_client, audio, **fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not talk.model.asked


async def test_forms_without_a_file_and_other_bodies(voice_api_client: httpx.AsyncClient) -> None:
    none = await voice_api_client.post("/audio", files={"other": WAV})
    assert (none.status_code, none.json()["status"]) == (400, 400)
    plain = await voice_api_client.post(
        "/audio", content=b"x", headers={"Content-Type": "audio/wav"}
    )
    assert (plain.status_code, plain.json()["code"]) == (415, "unsupported_media")
    nobody = await voice_api_client.post(
        "/audio", files={"file": WAV}, headers={"Authorization": ""}
    )
    assert nobody.status_code == 401


async def test_turns_are_listed_by_user_and_by_key(
    voice_api_client: httpx.AsyncClient, key: Key, owner: Person, outsider: Person
) -> None:
    for n in range(4):
        user = "ana" if n % 2 else "bo"
        body = {
            "text": f"hello {n}",
            "user_external_id": user,
            "meta": {"n": str(n)},
            "speak": False,
        }
        assert (await voice_api_client.post("/text", json=body)).status_code == 200
    await voice_api_client.post("/text", json={"text": "own"}, headers=owner.headers)

    async def listed(query: str, headers: dict[str, str] | None = None) -> list[str]:
        answer = await voice_api_client.get(f"/api/audio-sessions?{query}", headers=headers)
        return [item["transcript"] for item in answer.json()["items"]]

    assert await listed("user_external_id=ana") == ["hello 3", "hello 1"]
    assert await listed(f"api_key_id={key.principal.key_id}&limit=2&offset=1") == [
        "hello 2",
        "hello 1",
    ]
    assert await listed(f"api_key_id=user:{owner.user.id}") == ["own"]
    assert await listed("tag=n:2") == ["hello 2"]
    assert len(await listed("tag=n")) == 4
    assert await listed("", outsider.headers) == []
    assert await listed("user_external_id=ana", outsider.headers) == []


async def test_a_link_opens_only_what_it_was_made_for(
    voice_api_client: httpx.AsyncClient, outsider: Person
) -> None:
    url = (await ask(voice_api_client)).json()["tts_url"]
    path, query = url.split("?")
    no_one = {"Authorization": ""}
    assert (await voice_api_client.get(path, headers=no_one)).status_code == 401
    wrong = await voice_api_client.get(f"{path}?{query}x", headers=no_one)
    assert wrong.status_code == 403
    other = await voice_api_client.get(path, headers=outsider.headers)
    assert other.json()["code"] == "audio_session_missing"
    request = await voice_api_client.get(f"{url}&of=request", headers=no_one)
    assert request.status_code == 401


async def test_a_conversation_is_remembered_by_its_caller(
    voice_api_client: httpx.AsyncClient, talk: Talk, owner: Person
) -> None:
    asked = {"bot": "Table booking", "conversation_id": "c", "speak": False}
    replies = []
    for text in ("a table for two tomorrow at noon", "inside", "my name is bo", "yes"):
        body = (await voice_api_client.post("/text", json={**asked, "text": text})).json()
        replies.append(body["reply_text"])
    assert body["form"]["values"]["people"] == "2"
    assert replies[-1].startswith("Your table is booked, Bo.")
    other = await voice_api_client.post(
        "/text", json={**asked, "text": "yes"}, headers=owner.headers
    )
    assert "how many people" in other.json()["reply_text"]


async def test_a_turn_is_removed_with_its_sound_and_its_transcript(
    voice_api_client: httpx.AsyncClient, database: Database, hall: TranscriptService, owner: Person
) -> None:
    body = (await ask(voice_api_client)).json()
    path = f"/api/audio-sessions/{body['session_id']}"
    assert (await voice_api_client.delete(path)).status_code == 204
    assert (await voice_api_client.get(path)).status_code == 404
    async with database.transaction() as tx:
        assert not await hall.list(tx, Filter([owner.space.id]), None, 10)


async def test_what_the_hall_forgets_is_forgotten_here(
    voice_api_client: httpx.AsyncClient, voice_service: VoiceService, database: Database
) -> None:
    body = (await ask(voice_api_client)).json()
    async with database.transaction() as tx:
        await voice_service.forget(tx, [UUID(body["transcript_id"])])
    path = f"/api/audio-sessions/{body['session_id']}"
    assert (await voice_api_client.get(path)).status_code == 404


async def test_leaving_in_the_middle_stops_the_model_and_is_noted(
    voice_app: Any, voice_service: VoiceService, talk: Talk, owner: Person, database: Database
) -> None:
    from contextlib import aclosing

    from tertulia.bots.domain import Rights
    from tertulia.bots.result import Wrote
    from tertulia.doors.voice.domain import Caller, VoiceAsked

    talk.model.answers = [["I begin ", asyncio.Event()]]
    caller = Caller(owner.space.id, "user:x", Rights())
    told_ = voice_service.answer(VoiceAsked(caller, "gone", text="hello"))
    async with aclosing(told_) as events:  # type: ignore[type-var]
        async for event in events:
            if isinstance(event, Wrote):
                break
    assert talk.model.closed.is_set()
    async with database.transaction() as tx:
        [kept] = await voice_service.list_by_api_key(tx, [owner.space.id], "user:x", 10, 0)
    assert (kept.outcome, kept.reply_text) == ("client_gone", "I begin")
