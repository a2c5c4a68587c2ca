"""Unknown speakers of a call, told apart by their channels."""

import pytest
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin

from tertulia.kernel.database import Database
from tertulia.transcripts.domain import Draft
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db


async def test_one_of_two_unknown_speakers_gets_a_name(
    database: Database, hall: TranscriptService, owner: Person, begin: Begin
) -> None:
    call = await begin()
    async with database.transaction() as tx:
        drafts = [Draft("a", "Hello", 0, 1, channel=0), Draft("b", "Hello", 1, 2, channel=1)]
        await hall.append(tx, call.id, drafts)
        await hall.rename_speaker(tx, [owner.space.id], call.id, None, "Agent", channel=0)
        said = await hall.segments(tx, call, None, 10)
    assert [(s.channel, s.speaker) for s in said] == [(0, "Agent"), (1, None)]
