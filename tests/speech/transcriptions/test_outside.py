"""What webhooks are told of transcriptions: that they ended, never what was said."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from tests.speech.transcriptions.conftest import Hand, HeldReader

from tertulia.kernel.database import Transaction
from tertulia.speech.decoding import AudioUnreadableError
from tertulia.speech.transcriptions.domain import DONE, FAILED, OUTSIDE, Owner
from tertulia.speech.transcriptions.service import TranscriptionService
from tertulia.speech.transcriptions.tasks import TranscriptionTasks

pytestmark = pytest.mark.db


class Heard:
    """Somebody outside who writes down what they are told."""

    def __init__(self) -> None:
        self.events: list[tuple[UUID, str, dict[str, Any]]] = []

    async def emit(
        self, tx: Transaction, space_id: UUID, type_: str, data: Mapping[str, Any]
    ) -> None:
        self.events.append((space_id, type_, dict(data)))


async def test_the_end_of_a_reading_is_told_once_and_without_its_text(
    hand_over: Hand,
    drain_jobs: Callable[[], Awaitable[None]],
    reader: HeldReader,
    service: TranscriptionService,
    tasks: TranscriptionTasks,
    owner_of: Owner,
) -> None:
    heard = Heard()
    service._outside = heard
    good = await hand_over(b"sound")
    await drain_jobs()
    reader.answers = [AudioUnreadableError("This is no recording.")]
    bad = await hand_over(b"noise")
    await drain_jobs()
    assert [type_ for _, type_, _ in heard.events] == [DONE, FAILED]
    assert {space_id for space_id, _, _ in heard.events} == {owner_of.space_id}
    assert heard.events[0][2]["id"] == str(good.id)
    assert heard.events[1][2] == {"id": str(bad.id), "code": "audio_unreadable"}
    assert "hola" not in str(heard.events)
    for _, type_, data in heard.events:
        assert set(data) == set(OUTSIDE[type_][1])
