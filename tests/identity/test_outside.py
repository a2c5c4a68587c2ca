"""What those outside the server are told of a space, and what is cleared away."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tertulia.identity import changes
from tertulia.identity.domain import Device, Principal, PrincipalKind, Role, SessionKind
from tertulia.identity.service import IdentityService
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.ids import new_id
from tertulia.kernel.settings import Settings

pytestmark = pytest.mark.db


class Heard:
    """Somebody outside who writes down what they are told."""

    def __init__(self) -> None:
        self.events: list[tuple[UUID, str, dict[str, Any]]] = []

    async def emit(
        self, tx: Transaction, space_id: UUID, type_: str, data: Mapping[str, Any]
    ) -> None:
        self.events.append((space_id, type_, dict(data)))


async def test_members_come_change_and_go(database: Database) -> None:
    heard, clock = Heard(), HeldClock()
    identity = IdentityService(Settings(), clock, outside=heard)
    async with database.transaction() as tx:
        ana = await identity.users.create(
            tx, name="Ana", email="ana@example.org", password="long enough it is"
        )
        bo = await identity.users.create(
            tx, name="Bo", email="bo@example.org", password="long enough it is"
        )
        space = await identity.spaces.create(tx, ana.id, "Ours")
        await identity.spaces.add_member(tx, space.id, bo.id, Role.MEMBER)
        await identity.spaces.remove_any_member(tx, space.id, bo.id)
    ours = [(type_, data) for space_id, type_, data in heard.events if space_id == space.id]
    assert ours == [
        (changes.MEMBER_JOINED, {"user_id": str(bo.id), "role": "MEMBER"}),
        (changes.MEMBER_LEFT, {"user_id": str(bo.id)}),
    ]
    assert {type_ for type_, _ in ours} <= set(changes.OUTSIDE)


async def test_what_expired_is_cleared_away(database: Database) -> None:
    clock = HeldClock()
    identity = IdentityService(Settings(), clock)
    async with database.transaction() as tx:
        ana = await identity.users.create(
            tx, name="Ana", email="ana@example.org", password="long enough it is"
        )
        await identity.sessions.open(tx, ana, SessionKind.TOKEN, Device(None, "127.0.0.1"))
    async with database.transaction() as tx:
        assert await identity.sweep(tx, clock.now()) == 0
        assert await identity.sweep(tx, clock.now() + timedelta(days=400)) == 1
        left = await tx.session.execute(text("select count(*) from user_sessions"))
        assert left.scalar_one() == 0


async def test_what_others_keep_in_a_space_goes_with_it(database: Database) -> None:
    identity = IdentityService(Settings(), HeldClock())
    gone: list[UUID] = []

    async def farewell(tx: Transaction, space_id: UUID) -> None:
        still = await identity.spaces.get(tx, space_id)
        gone.append(still.id)

    identity.spaces.before_removal(farewell)
    async with database.transaction() as tx:
        ana = await identity.users.create(
            tx, name="Ana", email="ana@example.org", password="long enough it is"
        )
        space = await identity.spaces.create(tx, ana.id, "Ours")
        who = Principal(PrincipalKind.USER, new_id(), ana.id, {space.id: Role.OWNER})
        await identity.spaces.delete(tx, who, space.id)
    assert gone == [space.id]
