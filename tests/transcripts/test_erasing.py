"""Erased for good: conversations, people, recordings past their time; and the receipts that stay."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin, Reader

from tertulia.blobs.domain import Blob
from tertulia.blobs.intake import from_bytes
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database, Transaction
from tertulia.speech.domain import Recognition, Segment
from tertulia.transcripts.domain import Draft, Kind, Transcript
from tertulia.transcripts.erasing import Erasing, Keeping
from tertulia.transcripts.receipts import Retention
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.tasks import KeepingTasks

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]
DAY = 86_400.0
LEFT = (
    "transcripts", "transcript_segments", "transcript_edits", "transcript_waveforms",
    "transcript_readings", "transcript_reading_segments", "blob",
)  # fmt: skip


async def count(database: Database, table: str) -> int:
    async with database.transaction() as tx:
        return await tx.session.scalar(text(f"select count(*) from {table}")) or 0


async def everything(database: Database) -> str:
    """All that is kept anywhere, as one text."""
    async with database.transaction() as tx:
        tables = await tx.session.scalars(
            text("select tablename from pg_tables where schemaname = 'public'")
        )
        rows: list[str] = []
        for table in list(tables):
            rows += await tx.session.scalars(text(f'select t::text from "{table}" t'))
    return "\n".join(rows)


Said = Callable[..., Awaitable[Transcript]]


@pytest.fixture
def said(
    database: Database,
    hall: TranscriptService,
    hall_recordings: Recordings,
    hall_blobs: BlobService,
    begin: Begin,
    owner: Person,
    drain_jobs: Drain,
) -> Said:
    """A final conversation with its recording, document and waveform; `p-1=hola` is what a person says."""

    async def make(*told: tuple[str | None, str], **more: Any) -> Transcript:
        made = await begin(language="es", **more)
        drafts = [
            Draft(f"u{i}", words, i, i + 1, person=person) for i, (person, words) in enumerate(told)
        ]
        async with database.transaction() as tx:
            await hall.append(tx, made.id, drafts)
            blob = await hall_blobs.put(
                tx,
                from_bytes(b"sound"),
                kind="recording",
                content_type="audio/ogg",
                space_id=owner.space.id,
            )
            await hall_recordings.attach(tx, made.id, blob)
            await hall.finish(tx, None, made.id)
        await drain_jobs()
        return made

    return make


async def test_a_conversation_goes_with_all_that_hangs_on_it(
    database: Database,
    hall_api: httpx.AsyncClient,
    hall: TranscriptService,
    owner: Person,
    member: Person,
    said: Said,
    reader: Reader,
    drain_jobs: Drain,
) -> None:
    made = await said(("p-1", "palabras secretas"))
    url = f"/api/transcripts/{made.id}"
    await hall_api.patch(f"{url}/segments/u0", json={"text": "secreto"}, headers=owner.headers)
    reader.answers = [Recognition((Segment("secretas otra vez", 0, 1),), "es", 1.0, "whisper")]
    await hall_api.post(f"{url}/readings", json={}, headers=owner.headers)
    await drain_jobs()
    asked: list[Sequence[UUID]] = []

    async def farewell(tx: Transaction, ids: Sequence[UUID]) -> dict[str, int]:
        asked.append(ids)
        found = await tx.session.scalar(text("select count(*) from transcripts"))
        return {"analyses": found or 0}

    hall.before_erasure(farewell)
    answer = await hall_api.post(
        "/api/erasures/conversations",
        json={"transcript_ids": [str(made.id)]},
        headers=member.headers,
    )
    [receipt] = answer.json()["items"]
    assert receipt["counts"] == {
        "analyses": 1, "conversations": 1, "corrections": 1, "files": 2, "readings": 2, "segments": 1,
    }  # fmt: skip
    assert (receipt["reason"], receipt["asked_by"]) == ("asked", str(member.user.id))
    assert receipt["transcript_ids"] == [str(made.id)]
    assert asked == [[made.id]]
    for table in LEFT:
        assert await count(database, table) == 0, table
    assert "secret" not in await everything(database)
    kept = await hall_api.get(f"/api/erasures/{receipt['id']}", headers=owner.headers)
    assert kept.json() == receipt


async def test_all_or_none(
    database: Database, hall_api: httpx.AsyncClient, owner: Person, outsider: Person, begin: Begin
) -> None:
    mine, theirs = await begin("x"), await begin("y", space_id=outsider.space.id)
    ids = [str(mine.id), str(theirs.id)]
    answer = await hall_api.post(
        "/api/erasures/conversations", json={"transcript_ids": ids}, headers=owner.headers
    )
    assert (answer.status_code, await count(database, "transcripts")) == (404, 2)


async def test_a_person_is_taken_out_of_every_conversation(
    database: Database,
    hall_api: httpx.AsyncClient,
    hall: TranscriptService,
    hall_blobs: BlobService,
    owner: Person,
    said: Said,
    reader: Reader,
    drain_jobs: Drain,
) -> None:
    alone = await said(("p-1", "mi secreto"), people=["p-1"])
    shared = await said(("p-1", "mi secreto aquí"), ("p-2", "lo que dice otra"), (None, "alguien"))
    url = f"/api/transcripts/{shared.id}"
    await hall_api.patch(f"{url}/segments/u0", json={"text": "secretísimo"}, headers=owner.headers)
    name = {"reference": "p-1", "name": "Secretaria"}
    assert (await hall_api.put("/api/people", json=name, headers=owner.headers)).status_code == 204
    parted: list[Sequence[UUID]] = []

    async def farewell(_: Transaction, ids: Sequence[UUID]) -> None:
        parted.append(list(ids))

    hall.before_erasure(farewell)

    answer = await hall_api.post(
        "/api/erasures/person", json={"person": "p-1"}, headers=owner.headers
    )
    receipt = answer.json()
    assert receipt["counts"] == {
        "conversations": 1, "conversations_kept": 1, "corrections": 1, "files": 3, "recordings": 1, "segments": 2,
    }  # fmt: skip
    assert set(receipt["transcript_ids"]) == {str(alone.id), str(shared.id)}
    assert parted == [[alone.id], [shared.id]]
    assert "p-1" not in str(receipt)
    await drain_jobs()

    assert (await hall_api.get(f"/api/transcripts/{alone.id}", headers=owner.headers)).is_error
    seen = (await hall_api.get(url, headers=owner.headers)).json()
    assert (seen["audio"], seen["people"]) == (None, ["p-2"])
    left = (await hall_api.get(f"{url}/segments", headers=owner.headers)).json()["items"]
    assert [s["text"] for s in left] == ["lo que dice otra", "alguien"]
    document = await hall_api.get(f"{url}/document", headers=owner.headers)
    assert "lo que dice otra" in document.text
    assert "secret" not in document.text.casefold()
    kept = await everything(database)
    assert "secret" not in kept.casefold()
    assert "p-1" not in kept

    theirs = await hall_api.get("/api/erasures?person=p-1", headers=owner.headers)
    assert [r["id"] for r in theirs.json()["items"]] == [receipt["id"]]
    others = await hall_api.get("/api/erasures?person=p-2", headers=owner.headers)
    assert others.json()["items"] == []


async def test_a_person_is_taken_out_of_readings_that_are_not_current(
    database: Database, hall_api: httpx.AsyncClient, owner: Person, said: Said, reader: Reader,
    drain_jobs: Drain,
) -> None:  # fmt: skip
    made = await said(("p-1", "secreto"), ("p-2", "otra"))
    reader.answers = [Recognition((Segment("nada", 0, 1),), "es", 1.0, "whisper")]
    url = f"/api/transcripts/{made.id}/readings"
    await hall_api.post(url, json={}, headers=owner.headers)
    await drain_jobs()
    await hall_api.post(f"{url}/2/choose", json={}, headers=owner.headers)
    answer = await hall_api.post(
        "/api/erasures/person", json={"person": "p-1"}, headers=owner.headers
    )
    assert answer.json()["counts"]["reading_segments"] == 1
    first = await hall_api.get(f"{url}/1/segments", headers=owner.headers)
    assert [s["text"] for s in first.json()["items"]] == ["otra"]


async def test_nobody_of_that_name_leaves_a_receipt_that_says_so(
    hall_api: httpx.AsyncClient, owner: Person, member: Person
) -> None:
    body = {"person": "nobody", "space_id": str(owner.space.id)}
    answer = await hall_api.post("/api/erasures/person", json=body, headers=owner.headers)
    assert answer.json()["counts"] == {}
    refused = await hall_api.post("/api/erasures/person", json=body, headers=member.headers)
    assert refused.status_code == 403


# What time lets go of


@pytest.fixture
def keeping(hall_erasing: Erasing, hall_clock: HeldClock, jobs: Jobs) -> Keeping:
    """The rules, with their job."""
    keeping = Keeping(hall_erasing, hall_clock)
    KeepingTasks(keeping).register(jobs)
    return keeping


Round = Callable[[], Awaitable[None]]


@pytest.fixture
def night(database: Database, keeping: Keeping, jobs: Jobs, drain_jobs: Drain) -> Round:
    """The daily round."""

    async def round_() -> None:
        async with database.transaction() as tx:
            await jobs.enqueue(tx, "transcripts.retain")
        await drain_jobs()

    return round_


async def test_recordings_go_first_and_then_conversations(
    database: Database,
    hall_api: httpx.AsyncClient,
    hall_clock: HeldClock,
    owner: Person,
    member: Person,
    said: Said,
    night: Round,
) -> None:
    rules = {"rules": [{"kind": None, "transcript_days": 30, "audio_days": 7}]}
    url = f"/api/spaces/{owner.space.id}/retention"
    refused = await hall_api.put(url, json=rules, headers=member.headers)
    assert refused.status_code == 403
    assert (await hall_api.put(url, json=rules, headers=owner.headers)).json() == rules
    made = await said(("p-1", "hola"))

    async def seen() -> Any:
        answer = await hall_api.get(f"/api/transcripts/{made.id}", headers=owner.headers)
        return None if answer.is_error else answer.json()["audio"]

    await hall_clock.advance(6 * DAY)
    await night()
    assert await seen() is not None
    await hall_clock.advance(2 * DAY)
    await night()
    assert (await seen(), await count(database, "transcripts")) == (None, 1)
    await hall_clock.advance(30 * DAY)
    await night()
    await night()
    for table in LEFT:
        assert await count(database, table) == 0, table
    receipts = (await hall_api.get("/api/erasures", headers=owner.headers)).json()["items"]
    assert [(r["reason"], r["asked_by"], r["counts"].get("recordings")) for r in receipts] == [
        ("retention", None, None),
        ("retention", None, 1),
    ]


async def test_a_kind_s_own_rule_counts_and_other_spaces_are_left_alone(
    database: Database,
    keeping: Keeping,
    hall_clock: HeldClock,
    owner: Person,
    outsider: Person,
    begin: Begin,
    night: Round,
) -> None:
    async with database.transaction() as tx:
        space = owner.space.id
        rules = [Retention(space, None, 10, None), Retention(space, "meetings", None, None)]
        await keeping.set_rules(tx, space, rules)
    await begin("goes", kind=Kind.CALLS)
    stays = {
        (await begin("own rule", kind=Kind.MEETINGS)).id,
        (await begin("elsewhere", space_id=outsider.space.id)).id,
    }
    await hall_clock.advance(20 * DAY)
    stays.add((await begin("young")).id)
    await night()
    async with database.transaction() as tx:
        assert set(await tx.session.scalars(text("select id from transcripts"))) == stays


async def test_rules_that_are_none_are_refused(
    hall_api: httpx.AsyncClient, owner: Person, outsider: Person
) -> None:
    url = f"/api/spaces/{owner.space.id}/retention"
    twice = [{"kind": "calls", "transcript_days": 1}, {"kind": "calls", "transcript_days": 2}]
    for rules in (twice, [{"kind": "letters"}], [{"transcript_days": 0}]):
        answer = await hall_api.put(url, json={"rules": rules}, headers=owner.headers)
        assert answer.status_code == 422
    assert (await hall_api.get(url, headers=owner.headers)).json() == {"rules": []}
    assert (await hall_api.get(url, headers=outsider.headers)).status_code == 404


async def test_a_blob_that_is_shared_with_nothing_goes(
    database: Database, hall_erasing: Erasing, hall: TranscriptService, hall_blobs: BlobService,
    said: Said,
) -> None:  # fmt: skip
    made = await said((None, "hola"))
    async with database.transaction() as tx:
        found = await hall.locked(tx, None, made.id)
        assert found.audio is not None
        blob: Blob = await hall_blobs.get(tx, found.audio.blob_id)
        assert dict(await hall_erasing.recordings(tx, [found])) == {"recordings": 1}
        assert dict(await hall_erasing.recordings(tx, [await hall.locked(tx, None, made.id)])) == {}
    assert await count(database, f"blob where id = '{blob.id}'") == 0
