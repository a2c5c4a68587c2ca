"""The demo of a space: made by jobs, once; removed whole, and nothing else with it."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from tests.demo.voices import QuickVoice
from tests.fixtures.identity import Person

from tertulia.blobs.service import BlobService
from tertulia.demo import Demo, api
from tertulia.demo.domain import TAG, scripts
from tertulia.demo.tasks import DemoTasks
from tertulia.identity.access import Access
from tertulia.identity.service import IdentityService
from tertulia.jobs import Jobs
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database, Transaction
from tertulia.transcripts.domain import Kind, State, Transcript
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]


@pytest.fixture
def understood() -> list[Transcript]:
    """What was handed on to be analysed."""
    return []


@pytest.fixture
def demo(
    hall: TranscriptService,
    hall_recordings: Recordings,
    hall_blobs: BlobService,
    hall_clock: HeldClock,
    jobs: Jobs,
    identity: IdentityService,
    understood: list[Transcript],
) -> Demo:
    """The demo with its job."""

    async def understand(tx: Transaction, made: Transcript) -> None:
        understood.append(made)

    made = Demo(hall, hall_recordings, hall_blobs, QuickVoice(), jobs, hall_clock, understand)
    DemoTasks(made, identity).register(jobs)
    return made


async def begin(database: Database, demo: Demo, owner: Person) -> None:
    async with database.transaction() as tx:
        await demo.begin(tx, owner.space.id, by=owner.user.id)


async def there(database: Database, demo: Demo, owner: Person) -> list[Transcript]:
    async with database.transaction() as tx:
        return await demo.there(tx, owner.space.id)


async def test_every_script_becomes_a_conversation_with_sound_and_analysis(
    database: Database, demo: Demo, owner: Person, drain_jobs: Drain, understood: list[Transcript]
) -> None:
    await begin(database, demo, owner)
    await drain_jobs()
    made = await there(database, demo, owner)
    assert {one.title for one in made} == {script.title for script in scripts()}
    assert {one.state for one in made} == {State.FINAL}
    assert all(one.audio is not None and TAG in one.tags and one.people for one in made)
    assert {one.id for one in understood} == {one.id for one in made}


async def test_second_time_adds_nothing(
    database: Database, demo: Demo, owner: Person, drain_jobs: Drain
) -> None:
    await begin(database, demo, owner)
    await begin(database, demo, owner)
    await drain_jobs()
    before = await there(database, demo, owner)
    await begin(database, demo, owner)
    await drain_jobs()
    assert [one.id for one in await there(database, demo, owner)] == [one.id for one in before]


async def test_job_that_ran_twice_keeps_one(database: Database, demo: Demo, owner: Person) -> None:
    [script, *_] = scripts()
    performance = await demo.perform(script)
    for _ in range(2):
        async with database.transaction() as tx:
            await demo.keep(tx, owner.space.id, script, performance)
    assert len(await there(database, demo, owner)) == 1


async def test_only_what_was_made_is_removed(
    database: Database,
    demo: Demo,
    owner: Person,
    hall: TranscriptService,
    drain_jobs: Drain,
) -> None:
    await begin(database, demo, owner)
    await drain_jobs()
    async with database.transaction() as tx:
        mine = await hall.create(tx, owner.space.id, Kind.LIVE, title="Mine", tags=[TAG])
    async with database.transaction() as tx:
        assert await demo.remove(tx, owner.space.id) == len(scripts())
    assert await there(database, demo, owner) == []
    async with database.transaction() as tx:
        assert (await hall.get(tx, [owner.space.id], mine.id)).title == "Mine"


async def test_space_that_went_meanwhile_gets_none(
    database: Database, demo: Demo, owner: Person, identity: IdentityService, drain_jobs: Drain
) -> None:
    async with database.transaction() as tx:
        gone = await identity.spaces.create(tx, owner.user.id, "Gone soon")
        await demo.begin(tx, gone.id)
    async with database.transaction() as tx:
        await tx.session.execute(text("delete from spaces where id = :id"), {"id": gone.id})
    await drain_jobs()
    async with database.transaction() as tx:
        assert await demo.there(tx, gone.id) == []


async def test_over_http(
    database: Database, demo: Demo, owner: Person, access: Access, drain_jobs: Drain
) -> None:
    app = FastAPI()
    app.state.database = database
    app.include_router(api.router(demo, access))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://demo.test", headers=owner.headers
    ) as client:
        nothing = (await client.get("/api/demo")).json()
        assert nothing == {"conversations": 0, "of": len(scripts()), "transcripts": []}
        assert (await client.post("/api/demo")).status_code == 202
        await drain_jobs()
        whole = (await client.get("/api/demo")).json()
        assert whole["conversations"] == whole["of"] == len(whole["transcripts"])
        assert (await client.delete("/api/demo")).status_code == 204
        assert (await client.get("/api/demo")).json()["conversations"] == 0
