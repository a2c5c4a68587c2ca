"""Who is asking: remembered for a moment, never for longer than was promised."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from tests.fixtures.identity import Key, Person

from tertulia.identity.authenticator import Authenticator, Shown
from tertulia.identity.changes import Changes
from tertulia.identity.domain import Principal, PrincipalKind, Role
from tertulia.identity.revocation import RevocationWatch
from tertulia.identity.service import IdentityService
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import UnavailableError

pytestmark = pytest.mark.db

SOON = 5
"""Seconds of real time within which what was set in motion must have happened."""


@pytest.fixture
def queries(database: Database) -> list[str]:
    """Every statement sent to the database from here on."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    return sent


@pytest.fixture
async def watching(watch: RevocationWatch) -> AsyncIterator[None]:
    """The watch runs, as in a server."""
    task = asyncio.create_task(watch.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def silently(database: Database, statement: str) -> None:
    """Changes the database behind everybody's back, as a node whose events are lost would."""
    async with database.transaction() as tx:
        await tx.session.execute(text(statement))


async def waits(principal: Principal) -> asyncio.Task[None]:
    """An open socket of this principal, as far as revocation is concerned."""
    task = asyncio.create_task(principal.revoked.wait())
    await asyncio.sleep(0)
    return task


class TestRemembering:
    async def test_a_hot_read_does_not_touch_the_database(
        self, authenticator: Authenticator, owner: Person, queries: list[str]
    ) -> None:
        shown = Shown(owner.token)
        first = await authenticator.authenticate(shown)
        asked = len(queries)
        for _ in range(100):
            assert await authenticator.authenticate(shown) is first
        assert len(queries) == asked
        assert authenticator.known(shown) is first

    async def test_many_at_once_ask_once(
        self, authenticator: Authenticator, owner: Person, queries: list[str]
    ) -> None:
        shown = Shown(owner.cookie, by_cookie=True)
        found = await asyncio.gather(*(authenticator.authenticate(shown) for _ in range(50)))
        assert len({id(principal) for principal in found}) == 1
        assert sum("user_sessions.token_hash" in query for query in queries) == 1

    async def test_it_is_asked_again_within_five_seconds(
        self,
        database: Database,
        authenticator: Authenticator,
        identity_clock: HeldClock,
        key: Key,
    ) -> None:
        await silently(database, "update api_keys set revoked_at = now()")
        assert await authenticator.authenticate(Shown(key.secret)) is not None
        await identity_clock.advance(5)
        assert authenticator.known(Shown(key.secret)) is None
        assert await authenticator.authenticate(Shown(key.secret)) is None

    async def test_what_changes_while_it_is_asked_is_not_remembered(
        self,
        database: Database,
        authenticator: Authenticator,
        identity: IdentityService,
        owner: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async with database.transaction() as tx:
            made, secret = await identity.keys.create(
                tx, owner.principal, name="K", scopes=["status"]
            )
        find = authenticator._find

        async def find_then_revoke(tx: Any, shown: Shown) -> Principal | None:
            found = await find(tx, shown)
            async with database.transaction() as other:
                await identity.keys.revoke(other, owner.principal, made.id)
            return found

        monkeypatch.setattr(authenticator, "_find", find_then_revoke)
        await authenticator.authenticate(Shown(secret))
        assert authenticator.known(Shown(secret)) is None

    async def test_a_key_expires_to_the_second_though_remembered(
        self,
        database: Database,
        authenticator: Authenticator,
        identity: IdentityService,
        identity_clock: HeldClock,
        owner: Person,
    ) -> None:
        expires_at = identity_clock.now() + timedelta(seconds=2)
        async with database.transaction() as tx:
            _, secret = await identity.keys.create(
                tx, owner.principal, name="Brief", scopes=["status"], expires_at=expires_at
            )
        assert await authenticator.authenticate(Shown(secret)) is not None
        await identity_clock.advance(2)
        assert await authenticator.authenticate(Shown(secret)) is None

    async def test_the_last_use_is_written_once_a_minute(
        self,
        authenticator: Authenticator,
        identity_clock: HeldClock,
        key: Key,
        queries: list[str],
    ) -> None:
        for _ in range(11):
            await authenticator.authenticate(Shown(key.secret))
            await identity_clock.advance(5)
        assert not [query for query in queries if query.startswith("UPDATE")]
        await identity_clock.advance(5)
        await authenticator.authenticate(Shown(key.secret))
        assert len([query for query in queries if query.startswith("UPDATE api_keys")]) == 1

    async def test_a_sign_in_slides_on_while_it_is_used(
        self, authenticator: Authenticator, identity_clock: HeldClock, owner: Person
    ) -> None:
        shown = Shown(owner.token)
        for _ in range(3):
            await identity_clock.advance(timedelta(days=29).total_seconds())
            assert await authenticator.authenticate(shown) is not None
        await identity_clock.advance(timedelta(days=30).total_seconds())
        assert await authenticator.authenticate(shown) is None

    async def test_a_database_that_is_away_is_said_so(
        self, database: Database, authenticator: Authenticator, owner: Person
    ) -> None:
        shown = Shown(owner.cookie, by_cookie=True)
        database.conninfo = "host=/nowhere dbname=none"
        await database.engine.dispose()
        with pytest.raises(UnavailableError):
            await authenticator.authenticate(shown)
        assert await authenticator.authenticate(Shown(owner.token)) is not None


class TestGuests:
    async def test_a_guest_is_in_one_room_and_nowhere_else(
        self,
        database: Database,
        authenticator: Authenticator,
        identity: IdentityService,
        owner: Person,
    ) -> None:
        async with database.transaction() as tx:
            made, secret = await identity.guests.create(
                tx, owner.space.id, "planning", "Visitor", timedelta(hours=2)
            )
        guest = await authenticator.authenticate(Shown(secret))
        assert guest is not None
        assert guest.kind is PrincipalKind.GUEST
        assert guest.guest == made
        assert (made.room, made.space_id) == ("planning", owner.space.id)
        assert not guest.in_space(owner.space.id)
        socket = await waits(guest)
        async with database.transaction() as tx:
            assert await identity.guests.revoke(tx, owner.space.id, "another room") == 0
            assert await identity.guests.revoke(tx, owner.space.id, "planning") == 1
        await asyncio.wait_for(socket, SOON)
        assert await authenticator.authenticate(Shown(secret)) is None

    async def test_time_sends_a_guest_away(
        self,
        database: Database,
        authenticator: Authenticator,
        identity: IdentityService,
        identity_clock: HeldClock,
        owner: Person,
    ) -> None:
        async with database.transaction() as tx:
            _, secret = await identity.guests.create(
                tx, owner.space.id, "planning", "Visitor", timedelta(hours=2)
            )
        await identity_clock.advance(7200)
        assert await authenticator.authenticate(Shown(secret)) is None


class TestRevocation:
    async def test_a_revoked_keys_sockets_are_cut_at_once(
        self, database: Database, identity: IdentityService, owner: Person, key: Key
    ) -> None:
        socket = await waits(key.principal)
        async with database.transaction() as tx:
            await identity.keys.revoke(tx, owner.principal, key.principal.credential_id)
            assert not key.principal.revoked.is_set()
        await asyncio.wait_for(socket, SOON)
        assert key.principal.revoked.is_set()

    async def test_what_is_rolled_back_cuts_nothing(
        self, database: Database, identity: IdentityService, owner: Person, key: Key
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            async with database.transaction() as tx:
                await identity.keys.revoke(tx, owner.principal, key.principal.credential_id)
                raise ZeroDivisionError
        assert not key.principal.revoked.is_set()

    async def test_another_nodes_event_cuts_and_forgets(
        self, database: Database, identity: IdentityService, authenticator: Authenticator, key: Key
    ) -> None:
        await silently(database, "update api_keys set revoked_at = now()")
        socket = await waits(key.principal)
        identity.changes.heard("something.else", {"ids": ["x"]})
        assert not key.principal.revoked.is_set()
        identity.changes.heard("identity.key_revoked", {"ids": [str(key.principal.credential_id)]})
        await asyncio.wait_for(socket, SOON)
        assert await authenticator.authenticate(Shown(key.secret)) is None

    async def test_the_events_of_one_node_are_heard_by_another(
        self, database: Database, identity: IdentityService, owner: Person, key: Key
    ) -> None:
        class Wire:
            """Carries what one node publishes to another's ears."""

            async def publish(self, tx: Any, topic: str, type_: str, data: Any) -> None:
                assert topic == "identity"
                tx.after_commit(lambda: identity.changes.heard(type_, data))

        socket = await waits(key.principal)
        elsewhere = Changes(Wire())
        async with database.transaction() as tx:
            identity.keys._changes, here = elsewhere, identity.keys._changes
            await identity.keys.revoke(tx, owner.principal, key.principal.credential_id)
            identity.keys._changes = here
        await asyncio.wait_for(socket, SOON)

    @pytest.mark.parametrize(
        "change",
        [
            "update api_keys set revoked_at = now()",
            "update users set disabled_at = now()",
            "update users set is_owner = false",
            "update space_members set role = 'MEMBER'",
            "delete from space_members",
        ],
    )
    async def test_without_an_event_it_is_seen_within_five_seconds(
        self,
        database: Database,
        identity_clock: HeldClock,
        watching: None,
        key: Key,
        change: str,
    ) -> None:
        socket = await waits(key.principal)
        await silently(database, change)
        await identity_clock.advance(2.5)
        await asyncio.wait_for(socket, SOON)

    async def test_expiry_cuts_too(
        self,
        database: Database,
        identity: IdentityService,
        authenticator: Authenticator,
        identity_clock: HeldClock,
        watch: RevocationWatch,
        owner: Person,
    ) -> None:
        async with database.transaction() as tx:
            _, secret = await identity.keys.create(
                tx,
                owner.principal,
                name="Brief",
                scopes=["status"],
                expires_at=identity_clock.now() + timedelta(seconds=3),
            )
        principal = await authenticator.authenticate(Shown(secret))
        assert principal is not None
        socket = await waits(principal)
        await watch.look()
        assert not socket.done()
        await identity_clock.advance(3)
        await watch.look()
        await asyncio.wait_for(socket, SOON)

    async def test_who_loses_a_role_is_cut_and_who_gains_one_is_not(
        self,
        database: Database,
        identity: IdentityService,
        authenticator: Authenticator,
        watching: None,
        watch: RevocationWatch,
        owner: Person,
        member: Person,
    ) -> None:
        space = owner.space.id
        socket = await waits(member.principal)
        async with database.transaction() as tx:
            await identity.spaces.set_role(tx, owner.principal, space, member.user.id, Role.ADMIN)
        await watch.look()
        assert not socket.done()
        promoted = await authenticator.authenticate(Shown(member.token))
        assert promoted is not None
        assert promoted.role_in(space) is Role.ADMIN
        async with database.transaction() as tx:
            await identity.spaces.remove_member(tx, owner.principal, space, member.user.id)
        await asyncio.wait_for(socket, SOON)
        again = await authenticator.authenticate(Shown(member.token))
        assert again is not None
        assert not again.in_space(space)
        assert not again.revoked.is_set()

    async def test_signing_out_cuts_only_that_sign_in(
        self,
        database: Database,
        identity: IdentityService,
        authenticator: Authenticator,
        owner: Person,
    ) -> None:
        page = await authenticator.authenticate(Shown(owner.cookie, by_cookie=True))
        assert page is not None
        async with database.transaction() as tx:
            await identity.sessions.end(tx, owner.user.id, page.credential_id)
        assert page.revoked.is_set()
        assert not owner.principal.revoked.is_set()

    async def test_a_database_that_is_away_cuts_nobody(
        self,
        database: Database,
        identity_clock: HeldClock,
        watching: None,
        key: Key,
    ) -> None:
        socket = await waits(key.principal)
        conninfo, database.conninfo = database.conninfo, "host=/nowhere dbname=none"
        await database.engine.dispose()
        await identity_clock.advance(10)
        assert not socket.done()
        database.conninfo = conninfo
        await silently(database, "update api_keys set revoked_at = now()")
        await identity_clock.advance(2.5)
        await asyncio.wait_for(socket, SOON)

    async def test_an_idle_server_asks_nothing(
        self,
        identity_clock: HeldClock,
        watching: None,
        key: Key,
        queries: list[str],
    ) -> None:
        await identity_clock.advance(60)
        assert queries == []
