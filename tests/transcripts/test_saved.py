"""Saved searches, and the people whom references follow."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin

from tertulia.kernel.database import Database
from tertulia.transcripts import saved
from tertulia.transcripts.domain import Draft
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

URL = "/api/search/saved"


async def save(api: httpx.AsyncClient, who: Person, name: str, **more: Any) -> dict[str, Any]:
    answer = await api.post(URL, json={"name": name, **more}, headers=who.headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def names(api: httpx.AsyncClient, who: Person) -> list[str]:
    answer = await api.get(URL, headers=who.headers)
    return [one["name"] for one in answer.json()["items"]]


async def test_a_search_is_kept_with_its_filters(
    hall_api: httpx.AsyncClient, owner: Person
) -> None:
    filters = {"kind": ["calls"], "tag": ["vip"], "min_seconds": 60.0, "order": "time"}
    made = await save(hall_api, owner, "Refunds", q='refund* "my money"', filters=filters)
    assert (made["q"], made["is_shared"]) == ('refund* "my money"', False)
    assert {k: v for k, v in made["filters"].items() if v} == filters
    changed = await hall_api.patch(
        f"{URL}/{made['id']}", json={"name": "Returns"}, headers=owner.headers
    )
    assert (changed.json()["name"], changed.json()["q"]) == ("Returns", made["q"])
    assert await names(hall_api, owner) == ["Returns"]
    gone = await hall_api.delete(f"{URL}/{made['id']}", headers=owner.headers)
    assert (gone.status_code, await names(hall_api, owner)) == (204, [])


async def test_what_is_shared_is_seen_and_only_its_maker_changes_it(
    hall_api: httpx.AsyncClient, owner: Person, member: Person, outsider: Person
) -> None:
    space = str(owner.space.id)
    shared = await save(hall_api, owner, "b", is_shared=True, space_id=space)
    own = await save(hall_api, owner, "A", space_id=space)
    assert await names(hall_api, owner) == ["A", "b"]
    assert await names(hall_api, member) == ["b"]
    assert await names(hall_api, outsider) == []
    for which, who, status in ((shared, member, 403), (own, member, 404), (shared, outsider, 404)):
        url = f"{URL}/{which['id']}"
        assert (await hall_api.delete(url, headers=who.headers)).status_code == status
        patched = await hall_api.patch(url, json={"name": "x"}, headers=who.headers)
        assert patched.status_code == status


async def test_there_is_an_end_to_it(
    hall_api: httpx.AsyncClient, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "MOST_SAVED", 1)
    nameless = await hall_api.post(URL, json={"name": " "}, headers=owner.headers)
    assert nameless.status_code == 422
    await save(hall_api, owner, "one")
    full = await hall_api.post(URL, json={"name": "two"}, headers=owner.headers)
    assert (full.status_code, full.json()["code"]) == (409, "conflict")


@pytest.fixture
async def conversations(
    database: Database, hall: TranscriptService, begin: Begin, owner: Person, outsider: Person
) -> None:
    """p-1 in two conversations, p-2 in one, somebody of another space."""
    at = datetime(2026, 3, 1, tzinfo=UTC)
    for hours, people, space in (
        (0, ["p-1"], owner), (1, ["p-1", "p-2"], owner), (2, ["p-9"], outsider),
    ):  # fmt: skip
        made = await begin(started_at=at + timedelta(hours=hours), space_id=space.space.id)
        async with database.transaction() as tx:
            drafts = [Draft(f"u{i}", "hola", i, i + 1, person=p) for i, p in enumerate(people)]
            await hall.append(tx, made.id, drafts)
            await hall.finish(tx, None, made.id)


async def people(
    api: httpx.AsyncClient, who: Person, query: str = ""
) -> list[tuple[str, str, int]]:
    answer = await api.get(f"/api/people{query}", headers=who.headers)
    return [(p["reference"], p["name"], p["conversations"]) for p in answer.json()["items"]]


async def test_a_reference_follows_somebody_and_has_a_name(
    hall_api: httpx.AsyncClient, owner: Person, outsider: Person, conversations: None
) -> None:
    assert await people(hall_api, owner) == [("p-1", "", 2), ("p-2", "", 1)]
    await hall_api.put(
        "/api/people", json={"reference": "p-2", "name": "Ana 100%"}, headers=owner.headers
    )
    assert await people(hall_api, owner, "?q=ANA") == [("p-2", "Ana 100%", 1)]
    assert await people(hall_api, owner, "?q=0%25") == [("p-2", "Ana 100%", 1)]
    assert await people(hall_api, owner, "?q=_") == []
    assert await people(hall_api, outsider) == [("p-9", "", 1)]
    refused = await hall_api.get(f"/api/people?space_id={owner.space.id}", headers=outsider.headers)
    assert refused.status_code == 404
    await hall_api.put("/api/people", json={"reference": "p-2", "name": ""}, headers=owner.headers)
    assert ("p-2", "", 1) in await people(hall_api, owner)


async def test_two_references_that_are_one_person_become_one(
    hall_api: httpx.AsyncClient, owner: Person, member: Person, conversations: None
) -> None:
    body = {"reference": "p-2", "into": "p-1", "space_id": str(owner.space.id)}
    refused = await hall_api.post("/api/people/merge", json=body, headers=member.headers)
    assert refused.status_code == 403
    merged = await hall_api.post("/api/people/merge", json=body, headers=owner.headers)
    assert merged.json() == {"conversations": 1}
    assert await people(hall_api, owner) == [("p-1", "", 2)]
    found = await hall_api.get("/api/search?q=hola&person=p-1", headers=owner.headers)
    assert len(found.json()["items"]) == 3
    same = {**body, "into": "p-2"}
    assert (await hall_api.post("/api/people/merge", json=same, headers=owner.headers)).is_error
