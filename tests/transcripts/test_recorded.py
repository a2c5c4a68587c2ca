"""A conversation that is over when it comes is kept as one that was begun, added to and finished."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Heard, Told

from tertulia.jobs import Jobs
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.speech.domain import Word
from tertulia.transcripts.domain import Draft, Kind, State
from tertulia.transcripts.finalising import WRITE_DOCUMENT
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

SAID = [
    Draft(
        "question",
        "¿A qué hora abrís?\x00",
        0.0,
        1.5,
        speaker="Ana",
        person="cust-7",
        confidence=0.5,
        words=(Word("¿A", 0.0, 0.2), Word("qué", 0.2, 0.5)),
    ),
    Draft("answer", "De diez a siete.", 1.5, 4.25, speaker="Host", language="es"),
    Draft("question", "a second one of the same name", 0.0, 9.0),
]


async def test_it_is_as_if_it_had_been_begun_added_to_and_finished(
    database: Database, hall: TranscriptService, owner: Person, hall_clock: HeldClock
) -> None:
    space, began = owner.space.id, hall_clock.now() - timedelta(hours=1)
    told = {"title": " A  bot ", "language": "ES", "provider": "whisper", "started_at": began}
    told |= {"tags": ["branch:north", "branch:north"], "created_by": owner.user.id}
    async with database.transaction() as tx:
        made = await hall.create(tx, space, Kind.VOICE, source_id="1", **told)  # type: ignore[arg-type]
        await hall.append(tx, made.id, SAID)
        slow = await hall.finish(tx, [space], made.id)
        quick = await hall.record(tx, space, Kind.VOICE, SAID, source_id="2", **told)  # type: ignore[arg-type]
    assert replace(quick, id=slow.id, source_id="1") == slow
    assert (quick.state, quick.duration_seconds, quick.people) == (State.FINAL, 4.25, ("cust-7",))
    async with database.transaction() as tx:
        assert await hall.get(tx, [space], quick.id) == quick
        of_slow, of_quick = [await hall.segments(tx, t, None, 9) for t in (slow, quick)]
        assert [replace(s, transcript_id=slow.id) for s in of_quick] == of_slow
        assert [s.text for s in of_quick] == ["¿A qué hora abrís?", "De diez a siete."]


async def test_it_is_told_of_once_it_is_kept(
    database: Database, hall: TranscriptService, owner: Person, heard: Heard, told: Told, jobs: Jobs
) -> None:
    async with database.transaction() as tx:
        made = await hall.record(tx, owner.space.id, Kind.VOICE, SAID, source_id="1")
        assert (heard.events, told.events) == ([], [])
    assert [type_ for _, type_, _ in told.events] == ["transcript.opened", "transcript.final"]
    assert {topic for topic, _, _ in heard.events} == {
        f"transcript:{made.id}",
        f"space:{owner.space.id}",
    }
    async with database.transaction() as tx:
        assert await jobs.holds(tx, WRITE_DOCUMENT, str(made.id))
        again = await hall.record(tx, owner.space.id, Kind.VOICE, [], source_id="1")
        assert again.id == made.id
    assert len(told.events) == 2


async def test_a_conversation_in_which_nothing_is_said_is_whole_too(
    database: Database, hall: TranscriptService, owner: Person
) -> None:
    async with database.transaction() as tx:
        made = await hall.record(tx, owner.space.id, Kind.VOICE, [])
    assert (made.state, made.duration_seconds, made.people) == (State.FINAL, 0.0, ())
