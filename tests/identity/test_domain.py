"""The rules of identity."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.identity.domain import (
    Member,
    Principal,
    PrincipalKind,
    Role,
    check_grant,
    check_owner_stays,
    check_password,
    check_role_change,
    fold_email,
    need_person,
    tidy_name,
)
from tertulia.identity.errors import LastOwnerError, MissingScopeError, WeakPasswordError
from tertulia.identity.scopes import ScopeRegistry
from tertulia.kernel.errors import ForbiddenError, InvalidRequestError, NotFoundError

pytestmark = pytest.mark.unit

roles = st.sampled_from(Role)
maybe_roles = st.none() | roles


def allowed(actor: Role, before: Role | None, after: Role | None) -> bool:
    try:
        check_role_change(actor, before, after)
    except ForbiddenError:
        return False
    return True


def a_member(user_id: UUID, role: Role) -> Member:
    return Member(
        UUID(int=1), user_id, "m@example.org", "M", role, datetime(2026, 1, 1, tzinfo=UTC)
    )


def a_principal(
    kind: PrincipalKind = PrincipalKind.USER,
    *,
    roles: dict[UUID, Role] | None = None,
    scopes: frozenset[str] | None = None,
    only_space_id: UUID | None = None,
    is_owner: bool = False,
) -> Principal:
    return Principal(
        kind=kind,
        credential_id=UUID(int=7),
        user_id=None if kind is PrincipalKind.GUEST else UUID(int=8),
        roles=roles or {},
        scopes=scopes,
        only_space_id=only_space_id,
        is_owner=is_owner,
    )


class TestRoles:
    @given(actor=roles, before=maybe_roles, after=maybe_roles)
    def test_nobody_gives_or_takes_more_than_they_have(
        self, actor: Role, before: Role | None, after: Role | None
    ) -> None:
        if allowed(actor, before, after):
            assert all(actor.at_least(role) for role in (before, after) if role)
            assert actor is not Role.MEMBER

    @given(lower=roles, higher=roles, before=maybe_roles, after=maybe_roles)
    def test_a_higher_role_may_do_all_that_a_lower_one_may(
        self, lower: Role, higher: Role, before: Role | None, after: Role | None
    ) -> None:
        if higher.at_least(lower) and allowed(lower, before, after):
            assert allowed(higher, before, after)

    @given(before=maybe_roles, after=maybe_roles)
    def test_an_owner_may_give_and_take_every_role(
        self, before: Role | None, after: Role | None
    ) -> None:
        assert allowed(Role.OWNER, before, after)

    @given(st.lists(st.tuples(st.integers(1, 6), roles), max_size=8), st.integers(1, 6))
    def test_a_space_never_loses_its_last_owner(
        self, who: list[tuple[int, Role]], leaving: int
    ) -> None:
        members = [a_member(UUID(int=n), role) for n, role in who]
        left = [m for m in members if m.user_id != UUID(int=leaving)]
        if any(m.role is Role.OWNER for m in left):
            check_owner_stays(members, UUID(int=leaving))
        else:
            with pytest.raises(LastOwnerError):
                check_owner_stays(members, UUID(int=leaving))


class TestPrincipal:
    def test_a_person_needs_no_scope(self) -> None:
        assert a_principal().can("anything")

    def test_a_key_has_what_it_was_given_and_write_includes_read(self) -> None:
        key = a_principal(PrincipalKind.KEY, scopes=frozenset({"calls:write", "keys"}))
        assert key.can("calls:write")
        assert key.can("calls:read")
        assert key.can("keys")
        assert not key.can("chat:read")
        assert not key.can("keys:read")

    def test_read_does_not_include_write(self) -> None:
        assert not a_principal(PrincipalKind.KEY, scopes=frozenset({"calls:read"})).can(
            "calls:write"
        )

    def test_a_missing_scope_is_named(self) -> None:
        with pytest.raises(MissingScopeError, match="`calls:write`"):
            a_principal(PrincipalKind.KEY, scopes=frozenset()).need("calls:write")

    def test_a_guest_may_do_nothing_of_an_account(self) -> None:
        guest = a_principal(PrincipalKind.GUEST)
        assert not guest.can("identity:read")
        with pytest.raises(ForbiddenError):
            guest.person()
        with pytest.raises(ForbiddenError):
            need_person(guest)

    def test_a_space_one_is_not_in_is_not_there(self) -> None:
        with pytest.raises(NotFoundError):
            a_principal().need_role(uuid4())

    def test_a_role_that_is_too_low_is_refused(self) -> None:
        space = uuid4()
        with pytest.raises(ForbiddenError, match="ADMIN"):
            a_principal(roles={space: Role.MEMBER}).need_role(space, Role.ADMIN)

    def test_the_space_something_happens_in(self) -> None:
        first, second = uuid4(), uuid4()
        both = {first: Role.MEMBER, second: Role.MEMBER}
        assert a_principal(roles={first: Role.MEMBER}).space() == first
        assert a_principal(roles=both).space(second) == second
        assert a_principal(roles=both, only_space_id=second).space() == second
        with pytest.raises(InvalidRequestError, match="space_id"):
            a_principal(roles=both).space()
        with pytest.raises(ForbiddenError):
            a_principal().space()
        with pytest.raises(NotFoundError):
            a_principal(roles=both).space(uuid4())

    @given(before=maybe_roles, after=maybe_roles)
    def test_rights_are_kept_only_if_none_is_lost(
        self, before: Role | None, after: Role | None
    ) -> None:
        space = UUID(int=3)
        held = a_principal(roles={space: before} if before else {})
        later = a_principal(roles={space: after} if after else {})
        assert held.keeps(later) == (
            before is None or (after is not None and after.at_least(before))
        )

    def test_what_is_gone_keeps_nothing(self) -> None:
        assert not a_principal().keeps(None)
        assert not a_principal(is_owner=True).keeps(a_principal())


class TestScopes:
    def test_unknown_ones_are_refused_and_known_ones_named(self) -> None:
        with pytest.raises(InvalidRequestError, match="identity:read"):
            ScopeRegistry().check(["identity:read", "everything"])

    def test_none_at_all_is_refused(self) -> None:
        with pytest.raises(InvalidRequestError):
            ScopeRegistry().check([])

    def test_packages_above_add_theirs_once(self) -> None:
        registry = ScopeRegistry()
        assert registry.register("speech", "Turn speech into text.") == "speech"
        assert registry.check(["speech", "keys", "speech"]) == ("keys", "speech")
        with pytest.raises(ValueError, match="twice"):
            registry.register("speech", "Again.")

    def test_a_key_makes_no_key_that_may_do_more(self) -> None:
        space = uuid4()
        giver = a_principal(
            PrincipalKind.KEY, scopes=frozenset({"keys", "status"}), only_space_id=space
        )
        check_grant(giver, ["status"], space)
        with pytest.raises(MissingScopeError):
            check_grant(giver, ["identity:write"], space)
        with pytest.raises(ForbiddenError):
            check_grant(giver, ["status"], None)


class TestWords:
    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            (" Ana@Example.ORG ", "ana@example.org"),
            ("STRASSE@example.org", "strasse@example.org"),
            ("straße@example.org", "strasse@example.org"),
            ("Имя@пример.рф", "имя@пример.рф"),
        ],
    )
    def test_an_address_has_one_spelling(self, written: str, kept: str) -> None:
        assert fold_email(written) == kept

    @given(st.from_regex(r"[a-zA-Z0-9._+-]{1,30}@[a-zA-Z0-9.-]{1,30}", fullmatch=True))
    def test_folding_twice_changes_nothing(self, email: str) -> None:
        assert fold_email(fold_email(email)) == fold_email(email)

    @pytest.mark.parametrize(
        "wrong",
        ["", "ana", "@", "a@", "@b", "a b@c", "a@b@c", "a@b\x00c", "x" * 250 + "@b.org"],
    )
    def test_what_is_no_address_is_refused(self, wrong: str) -> None:
        with pytest.raises(InvalidRequestError):
            fold_email(wrong)

    def test_names_lose_what_cannot_be_seen(self) -> None:
        assert tidy_name("  Ana\x00 \u202eMaría\n ") == "Ana María"
        with pytest.raises(InvalidRequestError):
            tidy_name(" \n\x00")

    @pytest.mark.parametrize("weak", ["m1nUsc", "aaaaaaaaaaaa", "ana@example.org", "x" * 1025])
    def test_weak_passwords_are_refused_without_being_repeated(self, weak: str) -> None:
        with pytest.raises(WeakPasswordError) as refused:
            check_password(weak, email="ana@example.org", min_length=10)
        assert weak not in refused.value.detail
