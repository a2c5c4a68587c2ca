"""Sessions that no server speaks for any more are ended with their text; old logs are forgotten, sessions are not."""

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Heard

from tertulia.doors.live.domain import EndReason, Progress, Restart, Status, StreamingSession
from tertulia.doors.live.node import LiveNode, Waits
from tertulia.doors.live.service import LiveService
from tertulia.doors.live.store import LiveStore, Report
from tertulia.doors.live.wanted import Wanted
from tertulia.events.service import Events
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.ledger.domain import Prices
from tertulia.ledger.service import Ledger
from tertulia.transcripts.domain import Draft, State
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

LONG = timedelta(hours=1).total_seconds()


class OneEngine:
    def live_names(self, engine: str | None, language: str | None) -> Sequence[str]:
        return ("scripted",)

    def all_names(self) -> Sequence[str]:
        return ("scripted",)


@pytest.fixture
def live(
    database: Database, hall: TranscriptService, hall_clock: HeldClock, heard: Heard
) -> LiveService:
    async def unknown() -> None:
        return None

    held_nowhere: Any = SimpleNamespace(waits=Waits(), name="this", find=lambda _: None)
    return LiveService(
        database,
        hall_clock,
        hall=hall,
        events=cast(Events, heard),
        ledger=Ledger(hall_clock, Prices(), cheaper={}, currency="EUR"),
        node=cast(LiveNode, held_nowhere),
        engines=OneEngine(),
        load=unknown,
    )


async def spoken(
    database: Database, live: LiveService, hall: TranscriptService, clock: HeldClock, who: Person
) -> StreamingSession:
    """A session whose server died after one confirmed utterance."""
    async with database.transaction() as tx:
        made = await live.create(tx, who.principal, Wanted(title="Left"))
    taken = await live.take(made.session_id, "another")
    assert taken is not None
    progress = Progress(Restart(20, 0, 32_000), 32_000, (), 25, 25, 40_000)
    report = Report(
        session_id=made.session_id, term=taken.term, status=Status.RECORDING, left=None,
        progress=progress, last_activity=clock.now(), provider="scripted", language="en", header=b"",
    )  # fmt: skip
    async with database.transaction() as tx:
        await LiveStore().report(tx, [report], clock.now())
        await hall.append(tx, made.transcript_id, [Draft("u00000001", "kept words", 0.0, 2.0)])
    return made


async def found(database: Database, id_: UUID) -> StreamingSession:
    async with database.transaction() as tx:
        session = await LiveStore().find(tx, id_)
    assert session is not None
    return session


async def test_the_sweep_ends_what_nobody_speaks_for(
    database: Database, live: LiveService, hall: TranscriptService, hall_clock: HeldClock,
    heard: Heard, owner: Person,
) -> None:  # fmt: skip
    left = await spoken(database, live, hall, hall_clock, owner)
    async with database.transaction() as tx:
        never = await live.create(tx, owner.principal, Wanted())
    assert await live.sweep() == 0  # their clients may still come
    await hall_clock.advance(LONG)
    held = await spoken(database, live, hall, hall_clock, owner)
    assert await live.sweep() == 2
    assert await live.sweep() == 0

    over = await found(database, left.session_id)
    assert (over.status, over.end_reason) == (Status.ERROR, EndReason.CONNECTION_LOST)
    async with database.transaction() as tx:
        kept = await hall.get(tx, None, left.transcript_id)
        segments = await hall.segments(tx, kept, None, 10)
    assert (kept.state, kept.provider, kept.language) == (State.FINAL, "scripted", "en")
    assert [segment.text for segment in segments] == ["kept words"]
    assert (await found(database, never.session_id)).end_reason is EndReason.NEVER_CONNECTED
    assert (await found(database, held.session_id)).status is Status.RECORDING
    ended = [data["session_id"] for _, type_, data in heard.events if type_ == "session_completed"]
    assert sorted(ended) == sorted([str(left.session_id), str(never.session_id)])


async def test_old_logs_are_purged_and_the_session_stays(
    database: Database, live: LiveService, hall: TranscriptService, hall_clock: HeldClock,
    owner: Person,
) -> None:  # fmt: skip
    old = await spoken(database, live, hall, hall_clock, owner)
    await hall_clock.advance(LONG)
    await live.sweep()
    await hall_clock.advance(timedelta(days=10).total_seconds())
    young = await spoken(database, live, hall, hall_clock, owner)
    await live.purge(timedelta(days=30))
    assert len(await log(database, old.session_id)) == 2
    await live.purge(timedelta(days=7))
    assert await log(database, old.session_id) == []
    assert await log(database, young.session_id) == ["connecting"]
    assert (await found(database, old.session_id)).end_reason is EndReason.CONNECTION_LOST


async def log(database: Database, id_: UUID) -> list[str]:
    async with database.transaction() as tx:
        return [entry.event for entry in await LiveStore().log(tx, id_, 10)]
