"""The storage contract: nineteen fields, three operations, three indexes."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.fixtures.identity import Person

from tertulia.doors.voice.domain import AudioSession
from tertulia.doors.voice.store import AudioSessionRow, AudioSessionStore
from tertulia.kernel.database import Database
from tertulia.kernel.ids import new_id

pytestmark = pytest.mark.db

CONTRACT = [
    "id",
    "corr_id",
    "api_key_id",
    "user_external_id",
    "created_at",
    "request_mime_type",
    "request_duration_seconds",
    "transcript",
    "reply_text",
    "tts_available",
    "tts_storage_ref",
    "usage_stt_ms",
    "usage_llm_ms",
    "usage_tts_ms",
    "usage_total_ms",
    "provider_stt",
    "provider_llm",
    "provider_tts",
    "meta_tags",
]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def turn(owner: Person, n: int, **more: object) -> AudioSession:
    session = AudioSession(
        id=new_id(),
        corr_id=f"c{n}",
        api_key_id="k1",
        user_external_id="ana",
        created_at=NOON + timedelta(seconds=n),
        request_mime_type="audio/webm",
        request_duration_seconds=1.5,
        transcript="hello",
        reply_text="Good day.",
        tts_available=False,
        tts_storage_ref=None,
        usage_stt_ms=1,
        usage_llm_ms=2,
        usage_tts_ms=3,
        usage_total_ms=6,
        provider_stt="gladia|whisper",
        provider_llm="offline",
        provider_tts="espeak",
        meta_tags={"a": "b"},
        space_id=owner.space.id,
        bot_id=new_id(),
        bot_name="Host",
    )
    return replace(session, **more)  # type: ignore[arg-type]


def test_the_columns_stand_in_the_order_of_the_fields() -> None:
    names = [field.name for field in fields(AudioSession)]
    assert [column.name for column in AudioSessionRow.__table__.columns] == names


def test_all_nineteen_fields_come_first_and_in_order() -> None:
    assert [field.name for field in fields(AudioSession)][: len(CONTRACT)] == CONTRACT
    assert len(CONTRACT) == 19


async def test_turns_are_created_and_listed_the_newest_first(
    database: Database, owner: Person, outsider: Person
) -> None:
    store = AudioSessionStore()
    async with database.transaction() as tx:
        for n in range(5):
            assert await store.create(tx, turn(owner, n))
        assert await store.create(tx, turn(owner, 9, user_external_id="bo", api_key_id="k2"))
    spaces = [owner.space.id]
    async with database.transaction() as tx:
        by_user = await store.list_by_user(tx, spaces, "ana", 2, 1)
        by_key = await store.list_by_api_key(tx, spaces, "k2", 10, 0)
        elsewhere = await store.list_by_user(tx, [outsider.space.id], "ana", 10, 0)
    assert [s.corr_id for s in by_user] == ["c3", "c2"]
    assert by_key == [
        turn(
            owner,
            9,
            id=by_key[0].id,
            bot_id=by_key[0].bot_id,
            user_external_id="bo",
            api_key_id="k2",
        )
    ]
    assert elsewhere == []


async def test_only_a_turn_that_failed_gives_way(database: Database, owner: Person) -> None:
    store = AudioSessionStore()
    async with database.transaction() as tx:
        assert await store.create(tx, turn(owner, 1, outcome="stt_error"))
        assert await store.create(tx, turn(owner, 1))
        assert not await store.create(tx, turn(owner, 1, reply_text="other"))
        found = await store.by_corr_id(tx, "c1")
    assert found is not None
    assert (found.outcome, found.reply_text) == ("ok", "Good day.")


def test_the_three_indexes_are_there(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(
            "select indexdef from pg_indexes where tablename = 'audio_sessions'"
        ).fetchall()
    found = " ".join(row[0] for row in rows)
    assert (
        "UNIQUE INDEX uq_audio_sessions_corr_id ON public.audio_sessions USING btree (corr_id)"
        in found
    )
    assert "(user_external_id, created_at DESC)" in found
    assert "(api_key_id, created_at DESC)" in found
