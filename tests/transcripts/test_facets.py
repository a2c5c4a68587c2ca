"""What the conversations found have in common."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin

from tertulia.kernel.database import Database
from tertulia.transcripts.domain import Filter, Kind
from tertulia.transcripts.searching import Query
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.store import facets

pytestmark = pytest.mark.db


def counts(answer: httpx.Response, name: str) -> dict[str, int]:
    return {count["value"]: count["number"] for count in answer.json()[name]}


@pytest.fixture
async def three(begin: Begin) -> None:
    """Three conversations that differ in everything."""
    common: dict[str, Any] = {"tags": ["a"], "people": ["p-1"]}
    await begin(
        "hola mundo", "hola otra vez", speakers=["Ana"], language="es", kind=Kind.CALLS,
        provider="gladia|whisper", started_at=datetime(2026, 1, 31, 23, tzinfo=UTC), **common,
    )  # fmt: skip
    await begin(
        "hola", "adiós", speakers=["Ana", "Eva"], language="es-MX", provider="whisper",
        started_at=datetime(2026, 2, 1, tzinfo=UTC), **common,
    )  # fmt: skip
    await begin("hello", language="en", started_at=datetime(2025, 12, 1, tzinfo=UTC))


async def test_conversations_are_counted_once_for_each_value(
    hall_api: httpx.AsyncClient, owner: Person, three: None
) -> None:
    answer = await hall_api.get("/api/search/facets?q=hola", headers=owner.headers)
    seen = answer.json()
    assert (seen["conversations"], seen["complete"]) == (2, True)
    assert counts(answer, "kinds") == {"calls": 1, "live": 1}
    assert counts(answer, "languages") == {"es": 2}
    assert counts(answer, "speakers") == {"Ana": 2}
    assert counts(answer, "people") == {"p-1": 2}
    assert counts(answer, "tags") == {"a": 2}
    assert counts(answer, "engines") == {"whisper": 2, "gladia": 1}
    assert [count["value"] for count in seen["months"]] == ["2026-01", "2026-02"]


async def test_without_words_all_that_the_filters_leave_are_counted(
    hall_api: httpx.AsyncClient, owner: Person, outsider: Person, three: None
) -> None:
    every = await hall_api.get("/api/search/facets", headers=owner.headers)
    assert counts(every, "languages") == {"es": 2, "en": 1}
    assert counts(every, "speakers") == {"Ana": 2, "Eva": 1}
    some = await hall_api.get("/api/search/facets?engine=gladia&tag=a", headers=owner.headers)
    assert (some.json()["conversations"], counts(some, "kinds")) == (1, {"calls": 1})
    others = await hall_api.get("/api/search/facets?q=hola", headers=outsider.headers)
    assert others.json()["conversations"] == 0


async def test_of_very_many_the_latest_are_counted(
    database: Database,
    hall: TranscriptService,
    owner: Person,
    three: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facets, "COUNTED", 2)
    async with database.transaction() as tx:
        found = await hall.facets(tx, Query.parse("hola"), Filter([owner.space.id]))
        every = await hall.facets(tx, Query.parse(""), Filter([owner.space.id]))
    assert (found.conversations, found.complete) == (2, False)
    assert (every.conversations, every.complete) == (2, False)
    assert [count.value for count in every.counts["months"]] == ["2026-01", "2026-02"]
