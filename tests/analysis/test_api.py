"""Analyses and questions over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.fixtures.analysis import Spoken
from tests.fixtures.identity import Person

from tertulia.analysis.domain import RUN
from tertulia.identity.service import IdentityService
from tertulia.kernel.database import Database
from tertulia.transcripts.domain import READ
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]


async def test_an_analysis_from_its_request_to_its_end(
    analysis_api: httpx.AsyncClient,
    owner: Person,
    member: Person,
    outsider: Person,
    spoken: Spoken,
    drain_jobs: Drain,
    database: Database,
    hall: TranscriptService,
) -> None:
    made = await spoken("meeting.en")
    url = f"/api/transcripts/{made.id}/analysis"
    none = await analysis_api.get(url, headers=owner.headers)
    assert (none.status_code, none.json()["code"]) == (404, "analysis_missing")
    asked = await analysis_api.post(url, json={}, headers=member.headers)
    assert asked.status_code == 202, asked.text
    assert asked.json()["status"] == "PENDING"
    assert asked.json()["results"]["tasks"] is None
    clash = await analysis_api.post(url, json={"chain": "openai:gpt-x"}, headers=owner.headers)
    assert (clash.status_code, clash.json()["code"]) == (409, "analysis_running")
    await drain_jobs()
    done = (await analysis_api.get(url, headers=owner.headers)).json()
    assert (done["status"], done["provider"], done["outdated"]) == ("DONE", "offline", False)
    [first, *_] = done["results"]["tasks"]
    assert first["evidence"][0]["utterance_id"] == "u5"
    async with database.transaction() as tx:
        await hall.edit(tx, [made.space_id], made.id, "u0", text="Good evening.")
    assert (await analysis_api.get(url, headers=owner.headers)).json()["outdated"] is True
    for method in ("GET", "POST", "DELETE"):
        body = {"json": {}} if method == "POST" else {}
        hidden = await analysis_api.request(method, url, headers=outsider.headers, **body)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "transcript_missing")
    assert (await analysis_api.delete(url, headers=member.headers)).status_code == 204
    assert (await analysis_api.get(url, headers=owner.headers)).status_code == 404


async def test_questions(analysis_api: httpx.AsyncClient, owner: Person, spoken: Spoken) -> None:
    made = await spoken("meeting.en")
    question = {"question": "Who calls the bank?"}
    one = await analysis_api.post(
        f"/api/transcripts/{made.id}/ask", json=question, headers=owner.headers
    )
    assert one.status_code == 200, one.text
    assert one.json()["said"] is True
    assert one.json()["answer"] is None
    assert one.json()["provider"] == "offline"
    assert one.json()["citations"][0]["transcript_id"] == str(made.id)
    every = await analysis_api.post("/api/search/ask", json=question, headers=owner.headers)
    assert every.status_code == 200, every.text
    assert every.json()["citations"]
    none = await analysis_api.post(
        "/api/search/ask?kind=calls", json=question, headers=owner.headers
    )
    assert (none.json()["said"], none.json()["citations"]) == (False, [])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("analysis", {"fields": ["nonsense"]}, 422),
        ("analysis", {"chain": "nobody:x"}, 422),
        ("analysis", {"chain": "x" * 501}, 422),
        ("analysis", {"chain": ", ,"}, 422),
        ("ask", {"question": ""}, 422),
        ("ask", {"question": "   "}, 422),
        ("ask", {"question": "x" * 1_001}, 422),
        ("ask", {}, 422),
        ("ask", {"question": "who", "chain": "<script>"}, 422),
    ],
)
async def test_bad_bodies(
    analysis_api: httpx.AsyncClient,
    owner: Person,
    spoken: Spoken,
    path: str,
    body: dict[str, Any],
    status: int,
) -> None:
    made = await spoken("meeting.en")
    answer = await analysis_api.post(
        f"/api/transcripts/{made.id}/{path}", json=body, headers=owner.headers
    )
    assert answer.status_code == status, answer.text
    assert "<script>" not in answer.text


async def test_a_key_needs_the_scope(
    analysis_api: httpx.AsyncClient,
    database: Database,
    identity: IdentityService,
    owner: Person,
    spoken: Spoken,
) -> None:
    async def key(*scopes: str) -> dict[str, str]:
        async with database.transaction() as tx:
            made_key = await identity.keys.create(tx, owner.principal, name="k", scopes=scopes)
        return {"Authorization": f"Bearer {made_key[1]}"}

    for scope in (READ, RUN):
        if scope not in [s.name for s in identity.scopes]:
            identity.scopes.register(scope, "For this test.")
    made = await spoken("meeting.en")
    reading = await key(READ)
    url = f"/api/transcripts/{made.id}"
    refused = await analysis_api.post(f"{url}/analysis", json={}, headers=reading)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    refused = await analysis_api.post(f"{url}/ask", json={"question": "who"}, headers=reading)
    assert refused.status_code == 403
    running = await key(RUN, READ)
    asked = await analysis_api.post(f"{url}/analysis", json={}, headers=running)
    assert asked.status_code == 202
    missing = await analysis_api.post(
        f"/api/transcripts/{uuid4()}/analysis", json={}, headers=running
    )
    assert missing.status_code == 404
