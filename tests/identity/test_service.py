"""What identity does, on a real database."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from tests.fixtures.identity import PASSWORD, Key, Person

from tertulia.identity.authenticator import Authenticator, Shown
from tertulia.identity.domain import Device, Principal, Role, SessionKind, User
from tertulia.identity.errors import (
    EmailTakenError,
    LastOwnerError,
    LinkDeadError,
    MissingScopeError,
    OtherInviteeError,
    WeakPasswordError,
    WrongCredentialsError,
    WrongPasswordError,
)
from tertulia.identity.passwords import Passwords
from tertulia.identity.service import IdentityService
from tertulia.identity.service.users import ProfileChange
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from tertulia.kernel.settings import Settings

pytestmark = pytest.mark.db

COOKIE, DEVICE = SessionKind.COOKIE, Device()


async def stored(database: Database, query: str) -> list[tuple[object, ...]]:
    async with database.transaction() as tx:
        return [tuple(row) for row in await tx.session.execute(text(query))]


class TestFirstStart:
    async def test_the_link_makes_the_owner_once(
        self, database: Database, identity: IdentityService
    ) -> None:
        async with database.transaction() as tx:
            link = await identity.first_start_link(tx)
        assert link is not None
        async with database.transaction() as tx:
            user = await identity.users.claim(
                tx, link, name="Ana", email="Ana@Example.org", password=PASSWORD
            )
        assert user.is_owner
        assert user.email == "ana@example.org"
        async with database.transaction() as tx:
            [(home, role)] = await identity.spaces.of_user(tx, user.id)
            assert (home.id, role) == (user.active_space_id, Role.OWNER)
            assert await identity.first_start_link(tx) is None
            assert not await identity.users.is_first_start(tx)
            with pytest.raises(LinkDeadError):
                await identity.users.claim(
                    tx, link, name="Eve", email="eve@example.org", password=PASSWORD
                )

    async def test_a_new_link_ends_the_one_before(
        self, database: Database, identity: IdentityService
    ) -> None:
        async with database.transaction() as tx:
            old, new = await identity.first_start_link(tx), await identity.first_start_link(tx)
        assert old is not None
        assert new is not None
        async with database.transaction() as tx:
            with pytest.raises(LinkDeadError):
                await identity.users.claim(
                    tx, old, name="Eve", email="eve@example.org", password=PASSWORD
                )
        async with database.transaction() as tx:
            await identity.users.claim(tx, new, name="A", email="a@example.org", password=PASSWORD)

    async def test_of_two_who_claim_at_once_one_becomes_the_owner(
        self, database: Database, identity: IdentityService
    ) -> None:
        async with database.transaction() as tx:
            link = await identity.first_start_link(tx)
        assert link is not None

        async def claim(name: str) -> User:
            async with database.transaction() as tx:
                return await identity.users.claim(
                    tx, link, name=name, email=f"{name}@example.org", password=PASSWORD
                )

        outcomes = await asyncio.gather(*(claim(n) for n in "abcd"), return_exceptions=True)
        assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, LinkDeadError) for outcome in outcomes) == 3

    async def test_a_refused_claim_leaves_the_link_alive(
        self, database: Database, identity: IdentityService
    ) -> None:
        async with database.transaction() as tx:
            link = await identity.first_start_link(tx)
        assert link is not None
        with pytest.raises(WeakPasswordError):
            async with database.transaction() as tx:
                await identity.users.claim(
                    tx, link, name="Ana", email="a@example.org", password="short"
                )
        async with database.transaction() as tx:
            await identity.users.claim(tx, link, name="A", email="a@example.org", password=PASSWORD)


class TestSignIn:
    async def test_the_right_password_opens_a_session(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        async with database.transaction() as tx:
            signed_in = await identity.sessions.sign_in(
                tx, " OWNER@example.org", PASSWORD, COOKIE, Device("Firefox", "192.0.2.1")
            )
        assert signed_in.user.id == owner.user.id
        assert signed_in.secret not in repr(signed_in)

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("owner@example.org", "not the password"),
            ("nobody@example.org", PASSWORD),
            ("no address", PASSWORD),
            ("owner@example.org", "x" * 5000),
        ],
    )
    async def test_the_wrong_one_is_answered_like_an_unknown_account(
        self,
        database: Database,
        identity: IdentityService,
        owner: Person,
        email: str,
        password: str,
    ) -> None:
        async with database.transaction() as tx:
            with pytest.raises(WrongCredentialsError) as refused:
                await identity.sessions.sign_in(tx, email, password, COOKIE, DEVICE)
        assert refused.value.detail == "E-mail or password is wrong. Check both and try again."

    async def test_unknown_accounts_cost_a_hash_too(
        self, database: Database, identity: IdentityService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verified: list[str] = []
        verify = Passwords._verify

        def spy(self: Passwords, password: str, hashed: str) -> bool:
            verified.append(hashed)
            return verify(self, password, hashed)

        monkeypatch.setattr(Passwords, "_verify", spy)
        async with database.transaction() as tx:
            with pytest.raises(WrongCredentialsError):
                await identity.sessions.sign_in(tx, "no@example.org", PASSWORD, COOKIE, DEVICE)
        assert len(verified) == 1

    async def test_a_disabled_account_is_answered_like_a_wrong_password(
        self, database: Database, identity: IdentityService, member: Person
    ) -> None:
        async with database.transaction() as tx:
            await identity.users.set_disabled(tx, member.user.id, True)
            with pytest.raises(WrongCredentialsError):
                await identity.sessions.sign_in(tx, member.user.email, PASSWORD, COOKIE, DEVICE)

    async def test_a_hash_made_with_other_parameters_is_made_anew(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
        async with database.transaction() as tx:
            await tx.session.execute(text("update users set password_hash = :h"), {"h": old})
        for _ in range(2):
            async with database.transaction() as tx:
                await identity.sessions.sign_in(tx, owner.user.email, PASSWORD, COOKIE, DEVICE)
        [(hashed,)] = await stored(database, "select password_hash from users")
        assert "m=8,t=1,p=1" in str(hashed)

    async def test_only_hashes_of_secrets_are_kept(
        self, database: Database, owner: Person, key: Key
    ) -> None:
        for table in ("users", "user_sessions", "api_keys"):
            rows = str(await stored(database, f"select * from {table}"))
            assert PASSWORD not in rows
            for secret in (owner.cookie, owner.token, key.secret):
                assert secret not in rows

    async def test_ending_the_others_keeps_this_one(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        async with database.transaction() as tx:
            ended = await identity.sessions.end_others(
                tx, owner.user.id, owner.principal.session_id
            )
            left = await identity.sessions.list(tx, owner.user.id)
        assert ended == 1
        assert [session.id for session in left] == [owner.principal.session_id]

    async def test_somebody_elses_session_is_not_there(
        self, database: Database, identity: IdentityService, owner: Person, outsider: Person
    ) -> None:
        session_id = owner.principal.session_id
        assert session_id is not None
        async with database.transaction() as tx:
            with pytest.raises(NotFoundError):
                await identity.sessions.end(tx, outsider.user.id, session_id)

    async def test_expired_sessions_are_gone(
        self,
        database: Database,
        identity: IdentityService,
        identity_clock: HeldClock,
        owner: Person,
    ) -> None:
        await identity_clock.advance(timedelta(days=30).total_seconds())
        async with database.transaction() as tx:
            assert await identity.sessions.list(tx, owner.user.id) == []
            await identity.sessions.sign_in(tx, owner.user.email, PASSWORD, COOKIE, DEVICE)
        assert await stored(database, "select count(*) from user_sessions") == [(1,)]


class TestPasswords:
    async def test_changing_it_ends_the_other_sign_ins(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        async with database.transaction() as tx:
            await identity.users.change_password(
                tx, owner.principal, PASSWORD, "another heron counts"
            )
        async with database.transaction() as tx:
            left = await identity.sessions.list(tx, owner.user.id)
            assert [session.id for session in left] == [owner.principal.session_id]
            await identity.sessions.sign_in(
                tx, owner.user.email, "another heron counts", COOKIE, DEVICE
            )
            with pytest.raises(WrongCredentialsError):
                await identity.sessions.sign_in(tx, owner.user.email, PASSWORD, COOKIE, DEVICE)

    async def test_it_takes_the_current_one(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        async with database.transaction() as tx:
            with pytest.raises(WrongPasswordError):
                await identity.users.change_password(
                    tx, owner.principal, "not the password", "another heron counts"
                )

    async def test_a_flood_is_told_to_come_back(self) -> None:
        passwords = Passwords(
            PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), at_once=1, waiting=1
        )
        outcomes = await asyncio.gather(
            *(passwords.hash(PASSWORD) for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(outcome, str) for outcome in outcomes) == 2
        refused = [outcome for outcome in outcomes if isinstance(outcome, UnavailableError)]
        assert len(refused) == 3
        assert refused[0].headers["Retry-After"] == "1"
        assert await passwords.hash(PASSWORD)


class TestUsers:
    async def test_an_email_has_one_account(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        async with database.transaction() as tx:
            with pytest.raises(EmailTakenError):
                await identity.users.create(
                    tx, email="OWNER@example.org", name="Again", password=PASSWORD
                )

    async def test_the_last_owner_cannot_be_disabled(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        async with database.transaction() as tx:
            with pytest.raises(LastOwnerError):
                await identity.users.set_disabled(tx, owner.user.id, True)

    async def test_everybody_is_listed_in_pages(
        self,
        database: Database,
        identity: IdentityService,
        owner: Person,
        member: Person,
        outsider: Person,
    ) -> None:
        async with database.transaction() as tx:
            first = await identity.users.list_for(tx, owner.principal, None, 2)
            second = await identity.users.list_for(tx, owner.principal, first.next_cursor, 2)
            with pytest.raises(ForbiddenError):
                await identity.users.list_for(tx, member.principal, None, 2)
        seen = [user.id for user in [*first.items, *second.items]]
        assert sorted(seen) == sorted(p.user.id for p in (owner, member, outsider))
        assert second.next_cursor is None

    async def test_the_active_space_must_be_ones_own(
        self, database: Database, identity: IdentityService, owner: Person, outsider: Person
    ) -> None:
        async with database.transaction() as tx:
            with pytest.raises(NotFoundError):
                await identity.users.update_profile(
                    tx, outsider.principal, ProfileChange(active_space_id=owner.space.id)
                )


class TestSpaces:
    async def test_the_last_owner_stays(
        self, database: Database, identity: IdentityService, owner: Person, member: Person
    ) -> None:
        me, space = owner.principal, owner.space.id
        async with database.transaction() as tx:
            with pytest.raises(LastOwnerError):
                await identity.spaces.remove_member(tx, me, space, owner.user.id)
            with pytest.raises(LastOwnerError):
                await identity.spaces.set_role(tx, me, space, owner.user.id, Role.MEMBER)
            await identity.spaces.set_role(tx, me, space, member.user.id, Role.OWNER)
            await identity.spaces.remove_member(tx, me, space, owner.user.id)

    async def test_two_owners_who_leave_at_once_leave_one(
        self, database: Database, identity: IdentityService, owner: Person, member: Person
    ) -> None:
        async with database.transaction() as tx:
            await identity.spaces.set_role(
                tx, owner.principal, owner.space.id, member.user.id, Role.OWNER
            )

        async def leave(person: Person) -> None:
            async with database.transaction() as tx:
                await identity.spaces.remove_member(
                    tx, person.principal, owner.space.id, person.user.id
                )

        outcomes = await asyncio.gather(leave(owner), leave(member), return_exceptions=True)
        assert sorted(str(type(outcome).__name__) for outcome in outcomes) == [
            "LastOwnerError",
            "NoneType",
        ]

    async def test_a_member_may_leave_and_not_send_away(
        self,
        database: Database,
        identity: IdentityService,
        owner: Person,
        admin: Person,
        member: Person,
    ) -> None:
        space = owner.space.id
        async with database.transaction() as tx:
            with pytest.raises(ForbiddenError):
                await identity.spaces.remove_member(tx, member.principal, space, admin.user.id)
            with pytest.raises(ForbiddenError):
                await identity.spaces.remove_member(tx, admin.principal, space, owner.user.id)
            await identity.spaces.remove_member(tx, member.principal, space, member.user.id)
            left = await identity.spaces.members(tx, owner.principal, space)
        assert {m.user_id for m in left} == {owner.user.id, admin.user.id}

    async def test_a_role_lost_a_moment_ago_counts(
        self,
        database: Database,
        identity: IdentityService,
        owner: Person,
        admin: Person,
        member: Person,
    ) -> None:
        space = owner.space.id
        async with database.transaction() as tx:
            await identity.spaces.set_role(tx, owner.principal, space, admin.user.id, Role.MEMBER)
            assert admin.principal.role_in(space) is Role.ADMIN
            with pytest.raises(ForbiddenError):
                await identity.spaces.remove_member(tx, admin.principal, space, member.user.id)

    async def test_a_foreign_space_is_answered_as_an_unknown_one(
        self, database: Database, identity: IdentityService, owner: Person, outsider: Person
    ) -> None:
        async with database.transaction() as tx:
            said = []
            for space in (owner.space.id, uuid4()):
                with pytest.raises(NotFoundError) as refused:
                    await identity.spaces.members(tx, outsider.principal, space)
                said.append(refused.value.problem())
        assert said[0] == said[1]

    async def test_deleting_it_takes_what_is_only_in_it(
        self, database: Database, identity: IdentityService, owner: Person, member: Person
    ) -> None:
        async with database.transaction() as tx:
            with pytest.raises(ForbiddenError):
                await identity.spaces.delete(tx, member.principal, owner.space.id)
            await identity.spaces.delete(tx, owner.principal, owner.space.id)
        async with database.transaction() as tx:
            assert await identity.spaces.of_user(tx, owner.user.id) == []
            assert (await identity.users.get(tx, owner.user.id)).active_space_id is None


class TestInvitations:
    async def invite(
        self,
        database: Database,
        identity: IdentityService,
        owner: Person,
        *,
        role: Role = Role.MEMBER,
        email: str | None = None,
    ) -> str:
        async with database.transaction() as tx:
            _, secret = await identity.invitations.create(
                tx, owner.principal, owner.space.id, role, email
            )
        return secret

    async def test_somebody_new_comes_in_once(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        secret = await self.invite(database, identity, owner, role=Role.ADMIN)
        async with database.transaction() as tx:
            shown = await identity.invitations.show(tx, secret)
            assert (shown.space.name, shown.invitation.role) == ("Home", Role.ADMIN)
            assert shown.inviter is not None
            assert shown.inviter.id == owner.user.id
            user = await identity.invitations.accept_as_new(
                tx, secret, name="New", email="new@example.org", password=PASSWORD
            )
        async with database.transaction() as tx:
            assert await identity.spaces.of_user(tx, user.id) == [(owner.space, Role.ADMIN)]
            with pytest.raises(LinkDeadError):
                await identity.invitations.show(tx, secret)

    async def test_of_many_who_accept_at_once_one_comes_in(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        secret = await self.invite(database, identity, owner)

        async def accept(name: str) -> User:
            async with database.transaction() as tx:
                return await identity.invitations.accept_as_new(
                    tx, secret, name=name, email=f"{name}@example.org", password=PASSWORD
                )

        outcomes = await asyncio.gather(*(accept(n) for n in "abcd"), return_exceptions=True)
        assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
        assert await stored(database, "select count(*) from users") == [(2,)]

    async def test_it_may_name_who_it_is_for(
        self, database: Database, identity: IdentityService, owner: Person, outsider: Person
    ) -> None:
        secret = await self.invite(database, identity, owner, email="Friend@example.org")
        async with database.transaction() as tx:
            with pytest.raises(OtherInviteeError):
                await identity.invitations.accept(tx, secret, outsider.user.id)
        async with database.transaction() as tx:
            await identity.invitations.accept_as_new(
                tx, secret, name="Friend", email="friend@example.org", password=PASSWORD
            )

    async def test_it_dies_with_time_and_when_withdrawn(
        self,
        database: Database,
        identity: IdentityService,
        identity_clock: HeldClock,
        owner: Person,
        outsider: Person,
    ) -> None:
        old = await self.invite(database, identity, owner)
        await identity_clock.advance(timedelta(days=7).total_seconds())
        withdrawn = await self.invite(database, identity, owner)
        async with database.transaction() as tx:
            [invitation] = await identity.invitations.list(tx, owner.principal, owner.space.id)
            with pytest.raises(NotFoundError):
                await identity.invitations.revoke(
                    tx, outsider.principal, owner.space.id, invitation.id
                )
            await identity.invitations.revoke(tx, owner.principal, owner.space.id, invitation.id)
        for dead in (old, withdrawn, "ti_invented"):
            async with database.transaction() as tx:
                with pytest.raises(LinkDeadError):
                    await identity.invitations.accept(tx, dead, outsider.user.id)

    async def test_who_is_in_already_is_told(
        self, database: Database, identity: IdentityService, owner: Person, member: Person
    ) -> None:
        secret = await self.invite(database, identity, owner)
        with pytest.raises(ConflictError):
            async with database.transaction() as tx:
                await identity.invitations.accept(tx, secret, member.user.id)
        async with database.transaction() as tx:
            assert (await identity.invitations.show(tx, secret)).space == owner.space

    @pytest.mark.parametrize("role", list(Role))
    async def test_a_member_invites_nobody_and_an_admin_no_owner(
        self,
        database: Database,
        identity: IdentityService,
        owner: Person,
        admin: Person,
        member: Person,
        role: Role,
    ) -> None:
        async with database.transaction() as tx:
            with pytest.raises(ForbiddenError):
                await identity.invitations.create(tx, member.principal, owner.space.id, role)
            if role is Role.OWNER:
                with pytest.raises(ForbiddenError):
                    await identity.invitations.create(tx, admin.principal, owner.space.id, role)
            else:
                await identity.invitations.create(tx, admin.principal, owner.space.id, role)


class TestKeys:
    async def principal(self, authenticator: Authenticator, secret: str) -> Principal:
        principal = await authenticator.authenticate(Shown(secret))
        assert principal is not None
        return principal

    async def test_its_secret_is_given_once_and_its_beginning_stays(
        self, database: Database, identity: IdentityService, owner: Person
    ) -> None:
        async with database.transaction() as tx:
            made, secret = await identity.keys.create(
                tx, owner.principal, name="Importer", scopes=["status"]
            )
            [listed] = await identity.keys.list(tx, owner.principal)
        assert secret.startswith(made.prefix)
        assert len(made.prefix) < len(secret) / 3
        assert listed == made
        assert secret not in repr(listed)

    async def test_a_key_confined_to_a_space_sees_only_that(
        self,
        database: Database,
        identity: IdentityService,
        authenticator: Authenticator,
        owner: Person,
    ) -> None:
        async with database.transaction() as tx:
            await identity.spaces.create(tx, owner.user.id, "Second")
            _, secret = await identity.keys.create(
                tx,
                owner.principal,
                name="One space",
                scopes=["identity:write", "keys"],
                space_id=owner.space.id,
            )
        confined = await self.principal(authenticator, secret)
        assert dict(confined.roles) == {owner.space.id: Role.OWNER}
        assert not confined.is_owner
        async with database.transaction() as tx:
            assert [s.id for s, _ in await identity.spaces.list(tx, confined)] == [owner.space.id]
            with pytest.raises(ForbiddenError):
                await identity.spaces.create_by(tx, confined, "Third")
            with pytest.raises(ForbiddenError):
                await identity.keys.create(tx, confined, name="More", scopes=["keys"])
            with pytest.raises(MissingScopeError):
                await identity.keys.create(
                    tx, confined, name="More", scopes=["status"], space_id=owner.space.id
                )

    async def test_a_key_for_a_foreign_space_is_refused_as_for_an_unknown_one(
        self, database: Database, identity: IdentityService, owner: Person, outsider: Person
    ) -> None:
        async with database.transaction() as tx:
            for space in (owner.space.id, uuid4()):
                with pytest.raises(NotFoundError, match="no such space"):
                    await identity.keys.create(
                        tx, outsider.principal, name="K", scopes=["status"], space_id=space
                    )

    async def test_only_its_maker_revokes_it(
        self, database: Database, identity: IdentityService, outsider: Person, key: Key
    ) -> None:
        async with database.transaction() as tx:
            with pytest.raises(NotFoundError):
                await identity.keys.revoke(tx, outsider.principal, key.principal.credential_id)

    async def test_one_that_would_be_dead_already_is_not_made(
        self,
        database: Database,
        identity: IdentityService,
        identity_clock: HeldClock,
        owner: Person,
    ) -> None:
        async with database.transaction() as tx:
            with pytest.raises(InvalidRequestError):
                await identity.keys.create(
                    tx,
                    owner.principal,
                    name="Late",
                    scopes=["status"],
                    expires_at=identity_clock.now(),
                )


class TestSettings:
    async def test_the_shortest_password_is_a_setting(
        self, database: Database, identity_settings: Settings, identity_clock: HeldClock
    ) -> None:
        strict = IdentityService(
            identity_settings.model_copy(update={"password_min_length": 30}), identity_clock
        )
        async with database.transaction() as tx:
            with pytest.raises(WeakPasswordError, match="30"):
                await strict.users.create(tx, email="a@example.org", name="A", password=PASSWORD)


async def test_whoever_loses_the_active_space_goes_on_in_their_oldest(
    database: Database, identity: IdentityService, owner: Person, member: Person
) -> None:
    async with database.transaction() as tx:
        older = await identity.spaces.create(tx, member.user.id, "Older")
        newer = await identity.spaces.create(tx, member.user.id, "Newer")
        await identity.users.enter(tx, member.user.id, newer.id)
    async with database.transaction() as tx:
        await identity.spaces.delete(
            tx, replace(member.principal, roles={newer.id: Role.OWNER}), newer.id
        )
        first = await identity.users.get(tx, member.user.id)
        await identity.users.enter(tx, member.user.id, owner.space.id)
        await identity.spaces.remove_any_member(tx, owner.space.id, member.user.id)
        second = await identity.users.get(tx, member.user.id)
    assert first.active_space_id == owner.space.id  # joined before the others were made
    assert second.active_space_id == older.id
