"""Bots over HTTP: made, changed, tried, taken along."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.fixtures.identity import Person
from tests.fixtures.voice import Talk

from tertulia.bots.domain import MASK, secret_place
from tertulia.bots.service import from_file, to_file
from tertulia.bots.shipped import shipped_bots
from tertulia.kernel.sealing import Seal

pytestmark = pytest.mark.db

SCRIPT = (
    '[say]\ngreeting = "Welcome."\n[[intents]]\nname = "hi"\nwhen = "hello"\nsay = "Good day."\n'
)
TOOL = {
    "name": "find_order",
    "description": "Finds an order.",
    "url": "https://api.example.org/orders/{number}",
    "parameters": [{"name": "number"}],
    "headers": {"Authorization": "Bearer secret-9"},
}
BOT: dict[str, Any] = {
    "name": "Front desk",
    "language": "en",
    "llm": ["offline"],
    "script": SCRIPT,
    "tools": [TOOL],
    "allowed_hosts": ["api.example.org"],
    "limits": {"tool_calls": 2},
}


async def make(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("/api/bots", json={**BOT, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_bot_is_made_listed_changed_and_removed(
    voice_api_client: httpx.AsyncClient, member: Person, outsider: Person
) -> None:
    made = await make(voice_api_client)
    assert (made["version"], made["thinks_with"], made["is_shipped"]) == (1, "offline", False)
    assert made["tools"][0]["headers"] == {"Authorization": MASK}
    listed = (await voice_api_client.get("/api/bots")).json()["items"]
    assert [bot["name"] for bot in listed][:2] == ["Front desk", "Host"]
    assert len(listed) == 1 + len(shipped_bots())

    path = f"/api/bots/{made['id']}"
    body = {name: made[name] for name in BOT} | {"persona": "Kind.", "version": 1}
    changed = (await voice_api_client.put(path, json=body)).json()
    assert (changed["version"], changed["persona"]) == (2, "Kind.")
    late = await voice_api_client.put(path, json=body)
    assert (late.status_code, late.json()["code"]) == (409, "bot_outdated")
    for person, status in ((member, 403), (outsider, 404)):
        assert (
            await voice_api_client.put(path, json=body, headers=person.headers)
        ).status_code == status
        assert (await voice_api_client.delete(path, headers=person.headers)).status_code == status
    assert (await voice_api_client.get(path, headers=member.headers)).status_code == 200
    assert (await voice_api_client.delete(path)).status_code == 204
    assert (await voice_api_client.get(path)).json()["code"] == "bot_missing"


async def test_secrets_stay_when_they_come_back_as_dots(
    voice_api_client: httpx.AsyncClient, talk: Talk, database: Any, bot_service: Any, seal: Seal
) -> None:
    made = await make(voice_api_client)
    body = {name: made[name] for name in BOT}
    await voice_api_client.put(f"/api/bots/{made['id']}", json=body)
    async with database.transaction() as tx:
        kept = await bot_service.get(tx, None, made["id"])
    [value] = kept.tools[0].headers.values()
    place = secret_place(kept.id, kept.tools[0].name, "Authorization")
    assert seal.open(value, place) == "Bearer secret-9"
    file = await voice_api_client.get(f"/api/bots/{made['id']}/export")
    assert "secret-9" not in file.text
    assert file.headers["content-disposition"].startswith("attachment")


async def test_a_bot_goes_into_a_file_and_comes_back(voice_api_client: httpx.AsyncClient) -> None:
    made = await make(voice_api_client)
    file = (await voice_api_client.get(f"/api/bots/{made['id']}/export")).content
    back = await voice_api_client.post("/api/bots/import", content=file)
    assert back.status_code == 201, back.text
    assert back.json()["name"] == "Front desk 2"
    for name in ("script", "limits", "allowed_hosts", "llm", "language"):
        assert back.json()[name] == made[name]
    for content, code in (
        (b"\xff\xfe", "bot_file_unreadable"),
        (b"name = ", "bot_file_unreadable"),
        (b'colour = "red"', "bot_file_unreadable"),
        (b'name = "x"\nscript = "say = 1"', "script_invalid"),
        (b"#" * 2_000_000, "payload_too_large"),
    ):
        answer = await voice_api_client.post("/api/bots/import", content=content)
        assert answer.json()["code"] == code


def test_every_shipped_bot_survives_its_file() -> None:
    for bot in shipped_bots():
        again = from_file(to_file(bot).encode())
        assert (again.name, again.script, again.persona) == (bot.name, bot.script, bot.persona)


async def test_what_could_never_work_is_refused(voice_api_client: httpx.AsyncClient) -> None:
    await make(voice_api_client)
    for more, code in (
        ({}, "bot_name_taken"),
        ({"name": "x", "script": "say = 1"}, "script_invalid"),
        ({"name": "x", "tools": [{**TOOL, "url": "http://169.254.169.254/"}]}, "invalid_request"),
        ({"name": "x", "tools": [TOOL, TOOL]}, "invalid_request"),
        ({"name": " "}, "invalid_request"),
        ({"name": "x", "limits": {"tool_calls": 99}}, "invalid_request"),
    ):
        answer = await voice_api_client.post("/api/bots", json={**BOT, **more})
        assert answer.json()["code"] == code, more


async def test_a_shipped_bot_is_not_changed(voice_api_client: httpx.AsyncClient) -> None:
    bot = shipped_bots()[0]
    assert (await voice_api_client.get(f"/api/bots/{bot.id}")).json()["is_shipped"]
    changed = await voice_api_client.put(f"/api/bots/{bot.id}", json=BOT)
    assert (changed.status_code, changed.json()["code"]) == (409, "bot_shipped")
    assert (await voice_api_client.delete(f"/api/bots/{uuid4()}")).status_code == 404


async def test_a_bot_is_tried_without_being_saved(
    voice_api_client: httpx.AsyncClient, member: Person, talk: Talk
) -> None:
    async def tried(**body: Any) -> httpx.Response:
        return await voice_api_client.post("/api/bots/trial", json={"bot": BOT, **body})

    assert (await tried(said="")).json()["reply"] == "Welcome."
    answer = (await tried(said="hello")).json()
    assert (answer["reply"], answer["intent"], answer["provider"]) == ("Good day.", "hi", "offline")
    model = {**BOT, "llm": ["ollama:tiny"]}
    talk.model.answers = [["From the model."]]
    body = {"bot": model, "said": "x", "history": [{"said": "a", "replied": "b"}]}
    assert (await voice_api_client.post("/api/bots/trial", json=body)).json()[
        "provider"
    ] == "ollama"
    assert len(talk.model.asked[0]) == 4
    wrong = await tried(said="x", bot={**BOT, "script": "say = ["})
    assert wrong.json()["code"] == "script_invalid"
    refused = await voice_api_client.post(
        "/api/bots/trial", json={"bot": BOT, "said": "x"}, headers=member.headers
    )
    assert refused.status_code == 403
    assert len((await voice_api_client.get("/api/bots")).json()["items"]) == len(shipped_bots())
