"""What is left of a turn in the database and in the file store, however it ends."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.fakes.talking import said
from tests.fixtures.identity import Person
from tests.fixtures.voice import Talk, form

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.domain import BlobStoreError
from tertulia.doors.voice.store import AudioSessionStore
from tertulia.kernel.database import Database
from tertulia.kernel.errors import UnavailableError
from tertulia.speech.engines.errors import RecognitionError

pytestmark = pytest.mark.db

WAV = ("question.wav", said(1.0), "audio/wav")


async def ask(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/audio", files={"file": WAV}, data=form(**fields))


async def left(database: Database) -> dict[str, Any]:
    """How much of what lies in the tables that a turn writes."""
    async with database.transaction() as tx:
        blobs = await tx.session.execute(text("select kind, state from blob order by kind"))
        counts = {
            table: await tx.session.scalar(text(f"select count(*) from {table}"))
            for table in ("audio_sessions", "transcripts", "transcript_segments", "uses")
        }
        claims = await tx.session.scalar(text("select count(*) from voice_claims"))
    return {"blobs": [tuple(row) for row in blobs], **counts, "claims": claims}


BOTH = [("voice-reply", "kept"), ("voice-request", "kept")]
NOTHING = {"audio_sessions": 0, "transcripts": 0, "transcript_segments": 0, "uses": 0, "claims": 0}


async def test_a_turn_leaves_its_row_its_sounds_its_transcript_and_its_uses(
    voice_api_client: httpx.AsyncClient, database: Database
) -> None:
    assert (await ask(voice_api_client)).status_code == 200
    assert await left(database) == {
        "blobs": BOTH,
        "audio_sessions": 1,
        "transcripts": 1,
        "transcript_segments": 2,
        "uses": 4,
        "claims": 0,
    }


async def test_a_turn_that_failed_leaves_no_sound(
    voice_api_client: httpx.AsyncClient, database: Database, talk: Talk, local_store: LocalStore
) -> None:
    talk.ear.failures = [RecognitionError("broken")]
    assert (await ask(voice_api_client)).status_code == 502
    assert await left(database) == {**NOTHING, "audio_sessions": 1, "blobs": []}
    assert [blob async for blob in local_store.list()] == []


async def test_a_turn_whose_voice_failed_leaves_what_was_asked(
    voice_api_client: httpx.AsyncClient, database: Database, talk: Talk
) -> None:
    talk.voice.breaks_after = 0
    assert (await ask(voice_api_client)).status_code == 200
    assert (await left(database))["blobs"] == [("voice-request", "kept")]


async def test_a_turn_nobody_has_answered_because_its_bot_is_missing_leaves_nothing(
    voice_api_client: httpx.AsyncClient, database: Database
) -> None:
    assert (await ask(voice_api_client, bot="nobody")).status_code == 404
    assert await left(database) == {**NOTHING, "blobs": []}


async def test_where_the_database_goes_away_nothing_is_half_written_and_it_can_be_asked_again(
    voice_api_client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> bool:
        raise UnavailableError("The database does not answer.")

    monkeypatch.setattr(AudioSessionStore, "create", away)
    answer = await ask(voice_api_client, corr_id="again")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_error")
    monkeypatch.undo()
    # what was sent already is nobody's, and goes with the next sweep
    arriving = [("voice-reply", "arriving"), ("voice-request", "arriving")]
    assert await left(database) == {**NOTHING, "blobs": arriving}
    assert (await ask(voice_api_client, corr_id="again")).status_code == 200
    assert [b for b in (await left(database))["blobs"] if b[1] == "kept"] == BOTH


async def test_where_only_the_question_cannot_be_stored_nothing_is_answered(
    voice_api_client: httpx.AsyncClient,
    database: Database,
    local_store: LocalStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put = local_store.put

    async def half(key: str, *args: Any, **kwargs: Any) -> Any:
        if key.startswith("voice-request/"):
            raise BlobStoreError("away")
        return await put(key, *args, **kwargs)

    monkeypatch.setattr(local_store, "put", half)
    answer = await ask(voice_api_client)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_error")
    assert answer.json()["cause"] == "blob_store_unavailable"
    assert {**(await left(database)), "blobs": []} == {**NOTHING, "blobs": []}


async def test_a_store_that_hangs_holds_no_connection_and_is_let_go_of(
    voice_service: Any, database: Database, owner: Person, local_store: LocalStore, monkeypatch: Any
) -> None:
    from contextlib import aclosing

    from tertulia.bots.domain import Rights
    from tertulia.doors.voice.domain import Caller, VoiceAsked

    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(*_: Any, **__: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(local_store, "put", hang)
    caller = Caller(owner.space.id, "user:x", Rights())
    async with aclosing(voice_service.answer(VoiceAsked(caller, "c", audio=said(1.0)))) as events:
        await anext(events)
        await asyncio.wait_for(begun.wait(), 10)
        pool: Any = database.engine.pool
        assert pool.checkedout() == 0
    assert ended.is_set()
    assert (await left(database))["claims"] == 0
