"""Webhooks over HTTP: shapes, and who may."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI
from tests.fixtures.identity import Key, Person
from tests.fixtures.webhooks import Reached

from tertulia.identity.access import Access
from tertulia.kernel.ids import new_id
from tertulia.webhooks import Webhooks
from tertulia.webhooks.api import router

pytestmark = pytest.mark.db


@pytest.fixture
async def http(
    identity_app: FastAPI, webhooks: Webhooks, access: Access
) -> AsyncIterator[httpx.AsyncClient]:
    identity_app.include_router(router(webhooks, access))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(identity_app), base_url="http://tertulia.test"
    ) as client:
        yield client


async def create(
    http: httpx.AsyncClient, who: Person | Key, space: Person, url: str
) -> dict[str, str]:
    body = {"url": url, "types": ["member.*"], "space_id": str(space.space.id)}
    answer = await http.post("/api/webhooks", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    created: dict[str, str] = answer.json()
    return created


async def test_the_whole_life_of_a_webhook(
    http: httpx.AsyncClient,
    owner: Person,
    receiver: Reached,
    drain_jobs: Callable[[], Awaitable[None]],
) -> None:
    created = await create(http, owner, owner, receiver.url)
    assert created["secret"].startswith("whsec_")
    path = f"/api/webhooks/{created['id']}"
    listed = (await http.get("/api/webhooks", headers=owner.headers)).json()["items"]
    assert [w["id"] for w in listed] == [created["id"]]
    assert "secret" not in listed[0]
    changed = await http.patch(path, json={"description": "Door"}, headers=owner.headers)
    assert changed.json() == {**listed[0], "description": "Door"}

    tried = await http.post(f"{path}/test", headers=owner.headers)
    assert (tried.status_code, tried.json()["status"]) == (202, "pending")
    await drain_jobs()
    found = await http.get(f"/api/webhooks/deliveries/{tried.json()['id']}", headers=owner.headers)
    assert found.json()["status"] == "succeeded"
    assert found.json()["payload"]["type"] == "webhook.test"
    assert [a["response_status"] for a in found.json()["log"]] == [204]

    again = await http.post(
        f"/api/webhooks/deliveries/{tried.json()['id']}/replay", headers=owner.headers
    )
    assert again.status_code == 202
    page = (await http.get(f"{path}/deliveries?limit=1", headers=owner.headers)).json()
    assert [d["id"] for d in page["items"]] == [again.json()["id"]]
    rest = await http.get(
        f"{path}/deliveries", params={"cursor": page["next_cursor"]}, headers=owner.headers
    )
    assert [d["id"] for d in rest.json()["items"]] == [tried.json()["id"]]
    assert rest.json()["next_cursor"] is None

    rotated = await http.post(f"{path}/rotate", headers=owner.headers)
    assert rotated.json()["secret"] not in ("", created["secret"])
    assert (await http.delete(path, headers=owner.headers)).status_code == 204
    assert (
        await http.patch(path, json={"enabled": True}, headers=owner.headers)
    ).status_code == 404


async def test_admins_and_keys_may_members_may_not_and_outsiders_learn_nothing(
    http: httpx.AsyncClient,
    owner: Person,
    admin: Person,
    member: Person,
    outsider: Person,
    key: Key,
    receiver: Reached,
) -> None:
    created = await create(http, admin, owner, receiver.url)
    await create(http, key, owner, receiver.url)
    tried = await http.post(f"/api/webhooks/{created['id']}/test", headers=admin.headers)
    webhook, delivery = (
        f"/api/webhooks/{created['id']}",
        f"/api/webhooks/deliveries/{tried.json()['id']}",
    )
    routes = [
        ("GET", f"/api/webhooks?space_id={owner.space.id}", None),
        (
            "POST",
            "/api/webhooks",
            {"url": receiver.url, "types": [], "space_id": str(owner.space.id)},
        ),
        ("PATCH", webhook, {"enabled": False}),
        ("DELETE", webhook, None),
        ("POST", f"{webhook}/rotate", None),
        ("POST", f"{webhook}/test", None),
        ("GET", f"{webhook}/deliveries", None),
        ("GET", delivery, None),
        ("POST", f"{delivery}/replay", None),
    ]
    for method, path, body in routes:
        for who, status in ((member.headers, 403), (outsider.headers, 404), ({}, 401)):
            answer = await http.request(method, path, json=body, headers=who)
            assert answer.status_code == status, (method, path, answer.text)
    for who in (member, outsider):
        assert (await http.get("/api/webhooks", headers=who.headers)).json() == {"items": []}


async def test_foreign_and_unknown_ids_are_answered_alike(
    http: httpx.AsyncClient, owner: Person, outsider: Person, receiver: Reached
) -> None:
    created = await create(http, owner, owner, receiver.url)
    foreign = await http.post(f"/api/webhooks/{created['id']}/rotate", headers=outsider.headers)
    unknown = await http.post(f"/api/webhooks/{new_id()}/rotate", headers=outsider.headers)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() == unknown.json()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "http://10.0.0.1/"}, "address_refused"),
        ({"url": "http://[::1]:80/"}, "address_refused"),
        ({"url": "ftp://example.org/"}, "invalid_request"),
        ({"types": ["nothing.here"]}, "invalid_request"),
        ({"more": 1}, "invalid_request"),
        ({"description": "x" * 501}, "invalid_request"),
    ],
)
async def test_what_cannot_work_is_refused(
    http: httpx.AsyncClient, owner: Person, change: dict[str, object], code: str
) -> None:
    body = {"url": "http://127.0.0.1:1/", "types": [], "space_id": str(owner.space.id), **change}
    answer = await http.post("/api/webhooks", json=body, headers=owner.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_events_are_described_with_examples(http: httpx.AsyncClient, owner: Person) -> None:
    types = (await http.get("/api/webhooks/types", headers=owner.headers)).json()
    assert [t["name"] for t in types] == [
        "member.joined",
        "member.left",
        "webhook.disabled",
        "webhook.test",
    ]
    assert types[-1]["example"] == {"message": "It works."}
