"""What is remembered of people is forgotten when it changes: at once where it changed, and where that is heard."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text
from tests.fixtures.identity import PASSWORD, Key, Person, cheap_passwords

from tertulia.identity.accounts import Account, Accounts
from tertulia.identity.authenticator import Authenticator, Shown
from tertulia.identity.changes import Changes
from tertulia.identity.domain import Role, Theme
from tertulia.identity.revocation import RevocationWatch
from tertulia.identity.service import IdentityService
from tertulia.identity.service.users import ProfileChange
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import NotFoundError
from tertulia.kernel.settings import Settings

pytestmark = pytest.mark.db


class Wire:
    """Carries what this node publishes to the other's ears, once it is durable."""

    def __init__(self) -> None:
        self.listener: Changes | None = None

    async def publish(self, tx: Transaction, topic: str, type_: str, data: Any) -> None:
        assert topic == "identity"
        listener = self.listener
        assert listener is not None
        tx.after_commit(lambda: listener.heard(type_, data))


@dataclass(frozen=True)
class Node:
    """What one process knows of who is asking."""

    authenticator: Authenticator
    accounts: Accounts

    async def lets_in(self, shown: Shown) -> bool:
        return await self.authenticator.authenticate(shown) is not None


@pytest.fixture
def identity(identity_settings: Settings, identity_clock: HeldClock) -> IdentityService:
    """This node's service, which tells the other one."""
    passwords = cheap_passwords()
    return IdentityService(identity_settings, identity_clock, announcer=Wire(), passwords=passwords)


@pytest.fixture(autouse=True)
def elsewhere(
    database: Database,
    identity_settings: Settings,
    identity_clock: HeldClock,
    identity: IdentityService,
) -> Node:
    """The other process, which hears of changes and makes none."""
    there = IdentityService(identity_settings, identity_clock)
    identity.changes._announcer.listener = there.changes  # type: ignore[attr-defined]
    watch = RevocationWatch(database, identity_clock, there.changes)
    life = timedelta(days=30)
    return Node(
        Authenticator(database, identity_clock, there.changes, watch, session_life=life),
        Accounts(database, identity_clock, there),
    )


@pytest.fixture
def here(
    database: Database,
    identity_clock: HeldClock,
    identity: IdentityService,
    authenticator: Authenticator,
) -> Node:
    return Node(authenticator, Accounts(database, identity_clock, identity))


@dataclass(frozen=True)
class World:
    """Everything a change may be made with."""

    identity: IdentityService
    owner: Person
    member: Person
    key: Key


Change = Callable[[World, Transaction], Awaitable[object]]


@pytest.fixture
def world(identity: IdentityService, owner: Person, member: Person, key: Key) -> World:
    return World(identity, owner, member, key)


ENDS: dict[str, Change] = {
    "the key is revoked": lambda w, tx: w.identity.keys.revoke(
        tx, w.owner.principal, w.key.principal.credential_id
    ),
    "its owner is disabled": lambda w, tx: _disabled(w, tx, w.owner),
}
SIGN_INS: dict[str, Change] = {
    "it is ended": lambda w, tx: w.identity.sessions.end(
        tx, w.member.user.id, w.member.principal.session_id or w.member.user.id
    ),
    "all are ended": lambda w, tx: w.identity.sessions.end_others(tx, w.member.user.id, None),
    "the password is set": lambda w, tx: w.identity.users.set_password(
        tx, w.member.user.id, "another tired heron"
    ),
    "the account is disabled": lambda w, tx: _disabled(w, tx, w.member),
}


async def _disabled(world: World, tx: Transaction, person: Person) -> None:
    if person is world.owner:  # the last owner of a server stays
        await tx.session.execute(
            text("update users set is_owner = true where id = :id"), {"id": world.member.user.id}
        )
    await world.identity.users.set_disabled(tx, person.user.id, True)


@pytest.mark.parametrize("change", ENDS.values(), ids=ENDS)
async def test_a_key_is_refused_on_both_nodes_at_once(
    database: Database, world: World, here: Node, elsewhere: Node, change: Change
) -> None:
    shown = Shown(world.key.secret)
    assert await here.lets_in(shown)
    assert await elsewhere.lets_in(shown)
    async with database.transaction() as tx:
        await change(world, tx)
        assert await here.lets_in(shown)
    assert not await here.lets_in(shown)
    assert not await elsewhere.lets_in(shown)


@pytest.mark.parametrize("change", SIGN_INS.values(), ids=SIGN_INS)
async def test_a_sign_in_is_refused_on_both_nodes_at_once(
    database: Database, world: World, here: Node, elsewhere: Node, change: Change
) -> None:
    shown = Shown(world.member.token)
    assert await here.lets_in(shown)
    assert await elsewhere.lets_in(shown)
    async with database.transaction() as tx:
        await change(world, tx)
    assert not await here.lets_in(shown)
    assert not await elsewhere.lets_in(shown)


async def _renamed(world: World, tx: Transaction) -> None:
    await world.identity.spaces.rename(
        tx, world.owner.principal, world.owner.space.id, "Another name"
    )


async def _told(world: World, tx: Transaction, **profile: Any) -> None:
    change = ProfileChange(**profile)
    await world.identity.users.update_profile(tx, world.member.principal, change)


async def _moved(world: World, tx: Transaction) -> None:
    space = await world.identity.spaces.create(tx, world.member.user.id, "Elsewhere")
    await world.identity.users.enter(tx, world.member.user.id, space.id)


FACTS: dict[str, tuple[Change, Callable[[World, Account], bool]]] = {
    "a name": (
        lambda w, tx: _told(w, tx, name="Somebody else"),
        lambda w, account: account.user.name == "Somebody else",
    ),
    "a theme": (
        lambda w, tx: _told(w, tx, theme=Theme.DARK),
        lambda w, account: account.user.theme is Theme.DARK,
    ),
    "the active space": (
        _moved,
        lambda w, account: account.user.active_space_id != w.owner.space.id,
    ),
    "a role": (
        lambda w, tx: w.identity.spaces.set_role(
            tx, w.owner.principal, w.owner.space.id, w.member.user.id, Role.ADMIN
        ),
        lambda w, account: Role.ADMIN in [role for _, role in account.spaces],
    ),
    "the name of a space": (
        _renamed,
        lambda w, account: "Another name" in [space.name for space, _ in account.spaces],
    ),
    "a new space": (
        lambda w, tx: w.identity.spaces.create(tx, w.member.user.id, "A new one"),
        lambda w, account: "A new one" in [space.name for space, _ in account.spaces],
    ),
    "leaving a space": (
        lambda w, tx: w.identity.spaces.remove_member(
            tx, w.owner.principal, w.owner.space.id, w.member.user.id
        ),
        lambda w, account: w.owner.space.id not in [space.id for space, _ in account.spaces],
    ),
    "the end of a space": (
        lambda w, tx: w.identity.spaces.delete(tx, w.owner.principal, w.owner.space.id),
        lambda w, account: w.owner.space.id not in [space.id for space, _ in account.spaces],
    ),
}


@pytest.mark.parametrize(("change", "shows"), FACTS.values(), ids=FACTS)
async def test_an_account_shows_a_change_on_both_nodes_at_once(
    database: Database,
    world: World,
    here: Node,
    elsewhere: Node,
    change: Change,
    shows: Callable[[World, Account], bool],
) -> None:
    id_ = world.member.user.id
    assert not shows(world, await here.accounts.get(id_))
    assert not shows(world, await elsewhere.accounts.get(id_))
    async with database.transaction() as tx:
        await change(world, tx)
    assert shows(world, await here.accounts.get(id_))
    assert shows(world, await elsewhere.accounts.get(id_))


class TestAccounts:
    @pytest.fixture
    def queries(self, database: Database) -> list[str]:
        """Every statement sent to the database from here on."""
        sent: list[str] = []
        event.listen(
            database.engine.sync_engine,
            "before_cursor_execute",
            lambda _, __, statement, *___: sent.append(statement),
        )
        return sent

    async def test_a_hot_read_does_not_touch_the_database(
        self, here: Node, owner: Person, queries: list[str]
    ) -> None:
        first = await here.accounts.get(owner.user.id)
        asked = len(queries)
        assert asked
        assert await here.accounts.get(owner.user.id) is first
        assert len(queries) == asked

    async def test_a_lost_event_is_made_up_for_within_five_seconds(
        self, database: Database, here: Node, identity_clock: HeldClock, owner: Person
    ) -> None:
        await here.accounts.get(owner.user.id)
        async with database.transaction() as tx:
            await tx.session.execute(text("update users set name = 'Changed in silence'"))
        await identity_clock.advance(5)
        assert (await here.accounts.get(owner.user.id)).user.name == "Changed in silence"

    async def test_whoever_is_gone_is_not_remembered(
        self, database: Database, here: Node, identity_clock: HeldClock, outsider: Person
    ) -> None:
        await here.accounts.get(outsider.user.id)
        async with database.transaction() as tx:
            await tx.session.execute(
                text("delete from users where id = :id"), {"id": outsider.user.id}
            )
        await identity_clock.advance(5)
        with pytest.raises(NotFoundError):
            await here.accounts.get(outsider.user.id)

    async def test_what_changes_while_it_is_asked_answers_nobody_later(
        self,
        database: Database,
        identity: IdentityService,
        here: Node,
        owner: Person,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        of_user = identity.spaces.of_user

        async def read_then_rename(tx: Transaction, user_id: Any) -> Any:
            found = await of_user(tx, user_id)
            async with database.transaction() as other:
                await identity.spaces.rename(other, owner.principal, owner.space.id, "Renamed")
            return found

        monkeypatch.setattr(identity.spaces, "of_user", read_then_rename)
        before = await here.accounts.get(owner.user.id)
        monkeypatch.setattr(identity.spaces, "of_user", of_user)
        assert "Renamed" not in [space.name for space, _ in before.spaces]
        after = await here.accounts.get(owner.user.id)
        assert "Renamed" in [space.name for space, _ in after.spaces]


async def test_the_page_reads_its_own_changes(api: httpx.AsyncClient, owner: Person) -> None:
    assert (await api.get("/api/me", headers=owner.page)).json()["user"]["name"] == "Owner"
    changed = {"name": "Ana", "theme": "dark"}
    assert (await api.patch("/api/me", headers=owner.page, json=changed)).status_code == 200
    me = (await api.get("/api/me", headers=owner.page)).json()
    assert (me["user"]["name"], me["user"]["theme"]) == ("Ana", "dark")


async def test_http_is_refused_right_after_the_answer_that_took_the_right(
    api: httpx.AsyncClient, owner: Person, key: Key
) -> None:
    assert (await api.get("/api/me", headers=key.headers)).status_code == 200
    revoked = await api.delete(f"/api/keys/{key.principal.credential_id}", headers=owner.page)
    assert revoked.status_code == 204
    assert (await api.get("/api/me", headers=key.headers)).status_code == 401
    changed = {"current": PASSWORD, "new": "a rested heron counts"}
    assert (await api.get("/api/me", headers=owner.headers)).status_code == 200
    answer = await api.post("/api/me/password", headers=owner.page, json=changed)
    assert answer.status_code == 204
    assert (await api.get("/api/me", headers=owner.headers)).status_code == 401
    assert (await api.get("/api/me", headers=owner.page)).status_code == 200
    assert (await api.post("/api/auth/sign-out", headers=owner.page)).status_code == 204
    assert (await api.get("/api/me", headers=owner.page)).status_code == 401
