"""Secrets in tools' headers: sealed in the database, opened for the request, shown to nobody."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.fakes.loopback import served
from tests.fakes.talking import NoSearch

from tertulia.bots.domain import MASK, Rights
from tertulia.bots.service import BotService
from tertulia.bots.tools import FAILED, Toolbox
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.outbound import OutboundGuard, guarded_client
from tertulia.kernel.sealing import Seal

pytestmark = pytest.mark.db

SECRET = "Bearer secret-9"
TOOL = {
    "name": "order",
    "url": "https://shop.example.org/orders",
    "headers": {"Authorization": SECRET, "X-Empty": ""},
}
BOT: dict[str, Any] = {
    "name": "Desk",
    "tools": [TOOL],
    "allowed_hosts": ["shop.example.org", "127.0.0.1"],
}


async def made(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("/api/bots", json={**BOT, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def masked(bot: dict[str, Any], **tool: Any) -> dict[str, Any]:
    """The bot as a page sends it back, with a tool that differs."""
    return {**BOT, "tools": [{**bot["tools"][0], **tool}]}


async def everything_kept(database: Database) -> str:
    async with database.transaction() as tx:
        rows = await tx.session.execute(text("select bots::text from bots order by id"))
        return "\n".join(rows.scalars())


async def test_the_database_never_holds_them_in_plain(
    voice_api_client: httpx.AsyncClient, database: Database
) -> None:
    bot = await made(voice_api_client)
    assert bot["tools"][0]["headers"] == {"Authorization": MASK, "X-Empty": MASK}
    assert bot["cannot_call"] is None
    assert "secret-9" not in await everything_kept(database)
    changed = await voice_api_client.put(
        f"/api/bots/{bot['id']}",
        json=masked(bot, headers={"Authorization": MASK, "X-Key": "secret-10"}),
    )
    assert changed.status_code == 200, changed.text
    kept = await everything_kept(database)
    assert "secret-9" not in kept
    assert "secret-10" not in kept


async def test_they_are_opened_for_the_request_alone(
    voice_api_client: httpx.AsyncClient,
    database: Database,
    bot_service: BotService,
    seal: Seal,
    tmp_path: Path,
) -> None:
    async def order(request: Request) -> Response:
        return JSONResponse({"key": request.headers.get("authorization")})

    client = guarded_client(OutboundGuard(["127.0.0.0/8"]), timeout_seconds=5)
    async with served(Starlette(routes=[Route("/orders", order)])) as url, client:
        tool = {**TOOL, "url": f"{url}/orders"}
        bot = await made(voice_api_client, tools=[tool])
        async with database.transaction() as tx:
            kept = await bot_service.get(tx, None, bot["id"])
        assert "secret-9" not in repr(kept)
        told = await Toolbox(client, NoSearch(), seal).call(kept, Rights(), "order", {})
        assert SECRET in told
        other = Seal(tmp_path / "elsewhere")
        told = await Toolbox(client, NoSearch(), other).call(kept, Rights(), "order", {})
        assert told == f"{FAILED}A stored secret cannot be read."


async def test_a_key_that_is_gone_is_told_and_leaves_the_rest_working(
    voice_api_client: httpx.AsyncClient,
    database: Database,
    bot_service: BotService,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    bot = await made(voice_api_client)
    monkeypatch.setattr(bot_service, "_seal", Seal(tmp_path, SecretStr("k" * 32)))
    listed = (await voice_api_client.get("/api/bots")).json()["items"][0]
    assert listed["cannot_call"].startswith("order: It was sealed with another key")
    renamed = await voice_api_client.put(f"/api/bots/{bot['id']}", json=masked(bot))
    assert renamed.json()["cannot_call"] == listed["cannot_call"]
    given = masked(bot, headers={"Authorization": "Bearer again", "X-Empty": ""})
    again = await voice_api_client.put(f"/api/bots/{bot['id']}", json=given)
    assert again.json()["cannot_call"] is None


async def test_what_was_kept_in_plain_or_under_an_older_key_is_sealed_anew(
    voice_api_client: httpx.AsyncClient,
    database: Database,
    hall_clock: HeldClock,
    seal: Seal,
    tmp_path: Path,
) -> None:
    first = await made(voice_api_client)
    await made(voice_api_client, name="None", tools=[])
    plain = "update bots set tools = jsonb_set(tools, '{0,headers,Authorization}', '\"Bearer secret-9\"')"
    async with database.transaction() as tx:
        await tx.session.execute(text(f"{plain} where id = :id"), {"id": first["id"]})
    assert "secret-9" in await everything_kept(database)
    old, new = SecretStr("o" * 32), SecretStr("n" * 32 + "," + "o" * 32)
    for key, seals in ((old, 1), (old, 0), (new, 1), (new, 0), (SecretStr("x" * 32), 0)):
        async with database.transaction() as tx:
            assert await BotService(hall_clock, Seal(tmp_path, key)).seal_anew(tx) == seals
        assert "secret-9" not in await everything_kept(database)
    newest = Seal(tmp_path, SecretStr("n" * 32))
    async with database.transaction() as tx:
        kept = await BotService(hall_clock, newest).get(tx, None, first["id"])
        assert BotService(hall_clock, newest).cannot_call(kept) is None


async def test_a_kept_secret_does_not_follow_a_tool_to_another_host(
    voice_api_client: httpx.AsyncClient,
) -> None:
    bot = await made(voice_api_client)
    path = f"/api/bots/{bot['id']}"
    for changed, said in (
        (masked(bot, url="https://127.0.0.1/orders"), "another host"),
        (masked(bot, name="renamed"), "none to keep"),
        (masked(bot, headers={"X-New": MASK}), "none to keep"),
    ):
        refused = await voice_api_client.put(path, json=changed)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        assert said in refused.json()["detail"]
    copy = await voice_api_client.post("/api/bots", json={**masked(bot), "name": "Copy"})
    assert "none to keep" in copy.json()["detail"]
    elsewhere = await voice_api_client.put(path, json=masked(bot, url="https://shop.example.org/2"))
    assert elsewhere.status_code == 200


async def test_a_change_is_tried_with_the_secrets_of_the_bot_it_changes(
    voice_api_client: httpx.AsyncClient, outsider: Any
) -> None:
    bot = await made(voice_api_client)
    trial = {"bot": masked(bot), "said": "hello"}
    without = await voice_api_client.post("/api/bots/trial", json=trial)
    assert "none to keep" in without.json()["detail"]
    tried = await voice_api_client.post("/api/bots/trial", json={**trial, "bot_id": bot["id"]})
    assert tried.status_code == 200, tried.text
    foreign = await voice_api_client.post(
        "/api/bots/trial", json={**trial, "bot_id": bot["id"]}, headers=outsider.headers
    )
    assert foreign.json()["code"] == "bot_missing"


async def test_a_header_that_cannot_be_sent_is_refused(voice_api_client: httpx.AsyncClient) -> None:
    for value in ("ключ", "a\nb", "x" * 5_000):
        tool = {**TOOL, "headers": {"Authorization": value}}
        answer = await voice_api_client.post("/api/bots", json={**BOT, "tools": [tool]})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert value[:10] not in answer.json()["detail"]
