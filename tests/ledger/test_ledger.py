"""The ledger: what is written down, added up, and refused."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from tests.fixtures.identity import Key, Person

from tertulia.identity.access import Access
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import ConflictError, InvalidRequestError
from tertulia.ledger.api import router
from tertulia.ledger.domain import (
    Asked,
    BudgetExceededError,
    Dimension,
    Period,
    Prices,
    Spender,
    Unit,
    Use,
)
from tertulia.ledger.service import Ledger

pytestmark = pytest.mark.db

PRICES = {
    "openai": {"seconds": Decimal("0.0001"), "tokens_in": Decimal("0.00001")},
    "openai:large": {"seconds": Decimal("0.001")},
    "gladia": {"seconds": Decimal("0.0002")},
}


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(datetime(2026, 3, 10, 12, tzinfo=UTC))


@pytest.fixture
def ledger(clock: HeldClock) -> Ledger:
    return Ledger(
        clock, Prices(PRICES), cheaper={"gladia": "openai", "openai": "whisper"}, currency="EUR"
    )


def use(space_id: UUID, engine: str = "openai", **more: Any) -> Use:
    return Use(
        **{
            "door": "voice",
            "space_id": space_id,
            "engine": engine,
            "unit": Unit.SECONDS,
            "quantity": 100.0,
            **more,
        }
    )


async def write(database: Database, ledger: Ledger, *uses: Use) -> None:
    async with database.transaction() as tx:
        await ledger.record(tx, *uses)


async def test_a_use_is_kept_with_the_price_it_was_counted_at(
    database: Database, ledger: Ledger, owner: Person
) -> None:
    space = owner.space.id
    await write(
        database,
        ledger,
        use(space),
        use(space, model="large"),
        use(space, "whisper"),
        use(space, "azure"),
        use(space, unit=Unit.CHARACTERS),
    )
    async with database.transaction() as tx:
        entries = await ledger.entries(tx, Asked((space,)), None, 10)
    costs = {(e.use.engine, e.use.model, e.use.unit): e.cost for e in entries}
    assert costs == {
        ("openai", None, Unit.SECONDS): Decimal("0.01"),
        ("openai", "large", Unit.SECONDS): Decimal("0.1"),
        ("whisper", None, Unit.SECONDS): Decimal(0),
        ("azure", None, Unit.SECONDS): None,
        ("openai", None, Unit.CHARACTERS): Decimal(0),
    }
    assert {e.price_version for e in entries} == {ledger.prices.version}


def test_other_prices_have_another_version() -> None:
    dearer = {**PRICES, "gladia": {"seconds": Decimal(1)}}
    assert Prices(PRICES).version == Prices(dict(reversed(PRICES.items()))).version
    assert Prices(PRICES).version != Prices(dearer).version


async def test_uses_are_added_up_by_day_of_the_readers_zone_and_by_engine(
    database: Database, ledger: Ledger, owner: Person, clock: HeldClock
) -> None:
    space = owner.space.id
    await write(database, ledger, use(space, latency_ms=100), use(space, latency_ms=300))
    await clock.advance(timedelta(hours=11, minutes=30).total_seconds())
    await write(database, ledger, use(space, "azure"), use(space, unit=Unit.TOKENS_IN))
    async with database.transaction() as tx:
        utc = await ledger.totals(tx, Asked((space,)), [Dimension.DAY])
        madrid = await ledger.totals(tx, Asked((space,)), [Dimension.DAY], "Europe/Madrid")
        engines = await ledger.totals(tx, Asked((space,)), [Dimension.ENGINE, Dimension.DOOR])
        none = await ledger.totals(tx, Asked((uuid4(),)), [Dimension.DAY])
    assert [(t.group["day"], t.unit, t.uses, t.cost) for t in utc] == [
        ("2026-03-10", Unit.SECONDS, 3, Decimal("0.02")),
        ("2026-03-10", Unit.TOKENS_IN, 1, Decimal("0.001")),
    ]
    assert [(t.group["day"], t.unit, t.uses) for t in madrid] == [
        ("2026-03-10", Unit.SECONDS, 2),
        ("2026-03-11", Unit.SECONDS, 1),
        ("2026-03-11", Unit.TOKENS_IN, 1),
    ]
    assert [(t.group, t.unpriced_uses) for t in engines] == [
        ({"engine": "azure", "door": "voice"}, 1),
        ({"engine": "openai", "door": "voice"}, 0),
        ({"engine": "openai", "door": "voice"}, 0),
    ]
    assert madrid[0].latency_ms == 200
    assert none == []


async def set_budget(
    database: Database, ledger: Ledger, space: UUID, amount: str, **more: Any
) -> None:
    async with database.transaction() as tx:
        await ledger.set_budget(
            tx, space, more.get("key"), more.get("period", Period.DAY), Decimal(amount)
        )


async def allowed(
    database: Database, ledger: Ledger, space: UUID, engine: str, key: UUID | None = None
) -> str:
    async with database.transaction() as tx:
        return await ledger.allowed(tx, Spender(space, key), engine)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("openai", "whisper"),
        ("gladia", "whisper"),
        ("gladia,pocketsphinx", "whisper,pocketsphinx"),
        ("whisper", "whisper"),
        ("openai,whisper", "whisper"),
    ],
)
async def test_a_used_up_budget_leaves_what_is_free(
    database: Database, ledger: Ledger, owner: Person, asked: str, given: str
) -> None:
    space = owner.space.id
    await set_budget(database, ledger, space, "0.015")
    await write(database, ledger, use(space))
    assert await allowed(database, ledger, space, asked) == asked
    await write(database, ledger, use(space))
    assert await allowed(database, ledger, space, asked) == given


async def test_without_a_free_engine_a_used_up_budget_refuses_and_the_next_day_does_not(
    database: Database, ledger: Ledger, owner: Person, clock: HeldClock
) -> None:
    space = owner.space.id
    ledger = Ledger(clock, Prices(PRICES), cheaper={"openai": "gladia"}, currency="EUR")
    await set_budget(database, ledger, space, "0.01")
    await write(database, ledger, use(space))
    with pytest.raises(BudgetExceededError, match="EUR"):
        await allowed(database, ledger, space, "openai")
    await clock.advance(12 * 3600)
    assert await allowed(database, ledger, space, "openai") == "openai"


async def test_a_keys_budget_binds_that_key_alone(
    database: Database, ledger: Ledger, owner: Person, key: Key
) -> None:
    space, key_id = owner.space.id, key.principal.credential_id
    await set_budget(database, ledger, space, "0.01", key=key_id)
    await write(database, ledger, use(space))
    assert await allowed(database, ledger, space, "openai", key_id) == "openai"
    await write(database, ledger, use(space, api_key_id=key_id))
    assert await allowed(database, ledger, space, "openai", key_id) == "whisper"
    assert await allowed(database, ledger, space, "openai") == "openai"


async def test_one_budget_for_a_key_and_period(
    database: Database, ledger: Ledger, owner: Person
) -> None:
    space = owner.space.id
    await set_budget(database, ledger, space, "1")
    await set_budget(database, ledger, space, "1", period=Period.MONTH)
    with pytest.raises(ConflictError):
        await set_budget(database, ledger, space, "2")
    with pytest.raises(InvalidRequestError, match="API key"):
        await set_budget(database, ledger, space, "2", key=uuid4())


async def test_what_is_erased_leaves_only_its_sum(
    database: Database, ledger: Ledger, owner: Person
) -> None:
    space, transcript = owner.space.id, uuid4()
    await write(
        database,
        ledger,
        use(space, transcript_id=transcript, person="ana"),
        use(space, person="ana"),
        use(space, person="luis"),
    )
    async with database.transaction() as tx:
        assert await ledger.forget_transcripts(tx, [transcript]) == 1
        assert await ledger.forget_person(tx, space, "ana") == 1
        entries = await ledger.entries(tx, Asked((space,)), None, 10)
    assert sorted(str(e.use.person) for e in entries) == ["None", "None", "luis"]
    assert all(e.use.transcript_id is None for e in entries)
    assert sum(e.cost or 0 for e in entries) == Decimal("0.03")


@pytest.fixture
async def api(identity_app: FastAPI, ledger: Ledger, access: Access) -> httpx.AsyncClient:
    identity_app.include_router(router(ledger, access))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(identity_app), base_url="http://tertulia.test"
    )


async def test_usage_over_http_is_of_ones_own_spaces(
    api: httpx.AsyncClient, database: Database, ledger: Ledger, owner: Person, outsider: Person
) -> None:
    await write(database, ledger, use(owner.space.id), use(outsider.space.id, "gladia"))
    mine = (await api.get("/api/usage?by=engine&by=space", headers=owner.headers)).json()
    assert mine["currency"] == "EUR"
    assert [(i["group"]["engine"], Decimal(i["cost"])) for i in mine["items"]] == [
        ("openai", Decimal("0.01"))
    ]
    foreign = await api.get(f"/api/usage?space_id={outsider.space.id}", headers=owner.headers)
    assert foreign.status_code == 404
    page = (await api.get("/api/usage/entries?limit=1", headers=owner.headers)).json()
    assert [i["engine"] for i in page["items"]] == ["openai"]
    assert page["next_cursor"] is None
    prices = (await api.get("/api/usage/prices", headers=owner.headers)).json()
    assert prices["prices"]["openai:large"] == {"seconds": "0.001"}


@pytest.mark.parametrize(
    "query",
    ["timezone=Mars/Base", "by=colour", "since=2026-03-01T00:00:00", "door=a%00b", "limit=0"],
)
async def test_a_wrong_question_is_explained(
    api: httpx.AsyncClient, owner: Person, query: str
) -> None:
    path = "/api/usage/entries" if "limit" in query else "/api/usage"
    answer = await api.get(f"{path}?{query}", headers=owner.headers)
    assert answer.status_code == 422
    assert answer.json()["detail"]


async def test_admins_set_budgets_and_members_only_see_them(
    api: httpx.AsyncClient, owner: Person, member: Person, outsider: Person
) -> None:
    async def post(who: Person, body: Mapping[str, Any]) -> httpx.Response:
        return await api.post("/api/budgets", json=body, headers=who.headers)

    made = await post(owner, {"amount": "25.00", "period": "month"})
    assert made.status_code == 201, made.text
    budget = made.json()
    assert (budget["amount"], budget["spent"], budget["used_up"]) == ("25.00", "0", False)
    assert (await post(member, {"amount": "1"})).status_code == 403
    assert (await post(owner, {"amount": "0"})).status_code == 422
    assert (await post(owner, {"amount": "1", "period": "month"})).status_code == 409

    path = f"/api/budgets/{budget['id']}"
    seen = (await api.get("/api/budgets", headers=member.headers)).json()
    assert [b["id"] for b in seen["items"]] == [budget["id"]]
    assert (await api.patch(path, json={"amount": "2"}, headers=member.headers)).status_code == 403
    assert (
        await api.patch(path, json={"amount": "2"}, headers=outsider.headers)
    ).status_code == 404
    changed = await api.patch(path, json={"amount": "2"}, headers=owner.headers)
    assert changed.json()["amount"] == "2"
    assert (await api.delete(path, headers=owner.headers)).status_code == 204
    assert (await api.delete(path, headers=owner.headers)).status_code == 404
