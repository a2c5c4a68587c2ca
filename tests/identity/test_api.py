"""Identity over HTTP."""

import json
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from tests.fixtures.identity import PASSWORD, Key, Person

from tertulia.identity.access import COOKIE, csrf_token
from tertulia.identity.service import IdentityService
from tertulia.kernel.database import Database

pytestmark = pytest.mark.db

Client = httpx.AsyncClient


@pytest.fixture(autouse=True)
def forget_cookies(api: Client) -> None:
    """Tests say themselves which cookie they send."""
    api.cookies.jar.set_policy(_NoCookies())


class _NoCookies:
    """A cookie policy that keeps none."""

    rfc2965 = netscape = hide_cookie2 = False

    def set_ok(self, *_: Any) -> bool:
        return False

    def return_ok(self, *_: Any) -> bool:
        return False

    def domain_return_ok(self, *_: Any) -> bool:
        return False

    def path_return_ok(self, *_: Any) -> bool:
        return False


def cookie_of(answer: httpx.Response) -> str:
    cookie: SimpleCookie = SimpleCookie(answer.headers["set-cookie"])
    return cookie[COOKIE].value


def code_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["code"])


class TestComingIn:
    async def test_the_first_start(
        self, api: Client, database: Database, identity: IdentityService
    ) -> None:
        options = (await api.get("/api/auth/options")).json()
        assert options == {"first_start": True, "oidc": None, "password_min_length": 10}
        async with database.transaction() as tx:
            link = await identity.first_start_link(tx)
        body = {"link": link, "name": "Ana", "email": "Ana@Example.org", "password": PASSWORD}
        claimed = await api.post("/api/auth/claim", json=body)
        assert claimed.status_code == 200
        me = claimed.json()
        assert me["user"]["email"] == "ana@example.org"
        assert me["user"]["is_owner"] is True
        assert [s["role"] for s in me["spaces"]] == ["OWNER"]
        assert me["features"] == ["live"]
        assert (await api.get("/api/auth/options")).json()["first_start"] is False
        again = await api.post("/api/auth/claim", json=body | {"email": "eve@example.org"})
        assert (again.status_code, code_of(again)) == (404, "link_dead")

    async def test_sign_in_sets_a_cookie_no_script_can_read(
        self, api: Client, owner: Person
    ) -> None:
        answer = await api.post(
            "/api/auth/sign-in", json={"email": "owner@example.org", "password": PASSWORD}
        )
        set_cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in set_cookie
        assert "SameSite=lax" in set_cookie
        assert "Max-Age=2592000" in set_cookie
        assert "Secure" not in set_cookie
        cookie = cookie_of(answer)
        me = await api.get("/api/me", headers={"Cookie": f"{COOKIE}={cookie}"})
        assert me.json()["csrf_token"] == answer.json()["csrf_token"] == csrf_token(cookie)
        assert cookie not in me.text

    async def test_over_https_the_cookie_is_secure(
        self, identity_app: FastAPI, owner: Person
    ) -> None:
        transport = httpx.ASGITransport(identity_app)
        async with Client(transport=transport, base_url="https://tertulia.test") as api:
            answer = await api.post(
                "/api/auth/sign-in", json={"email": "owner@example.org", "password": PASSWORD}
            )
        assert "Secure" in answer.headers["set-cookie"]

    async def test_a_wrong_password_and_an_unknown_account_are_answered_alike(
        self, api: Client, owner: Person
    ) -> None:
        wrong = await api.post(
            "/api/auth/sign-in", json={"email": "owner@example.org", "password": "wrong password"}
        )
        unknown = await api.post(
            "/api/auth/sign-in", json={"email": "nobody@example.org", "password": PASSWORD}
        )
        assert wrong.status_code == unknown.status_code == 401
        assert wrong.json() == unknown.json()
        assert "set-cookie" not in wrong.headers

    async def test_an_account_is_tried_only_so_often(self, api: Client, owner: Person) -> None:
        body = {"email": "owner@example.org", "password": "wrong password"}
        answers = [await api.post("/api/auth/sign-in", json=body) for _ in range(11)]
        assert [a.status_code for a in answers] == [401] * 10 + [429]
        headers = answers[-1].headers
        assert headers["X-RateLimit-Limit"] == "10"
        assert headers["X-RateLimit-Remaining"] == "0"
        assert 1 <= int(headers["Retry-After"]) <= 60

    async def test_a_token_for_programs(self, api: Client, owner: Person) -> None:
        answer = await api.post(
            "/api/auth/token", json={"email": "owner@example.org", "password": PASSWORD}
        )
        assert "set-cookie" not in answer.headers
        token = answer.json()["token"]
        me = await api.get("/api/me", headers={"Authorization": f"bearer {token}"})
        assert me.json()["user"]["id"] == str(owner.user.id)
        assert me.json()["csrf_token"] is None
        assert "set-cookie" not in me.headers

    async def test_a_program_needs_no_csrf_token(self, api: Client, owner: Person) -> None:
        made = await api.post("/api/spaces", json={"name": "Second"}, headers=owner.headers)
        assert made.status_code == 201

    async def test_signing_out_ends_the_session(self, api: Client, owner: Person) -> None:
        out = await api.post("/api/auth/sign-out", headers=owner.page)
        assert out.status_code == 204
        assert 'tertulia_session=""' in out.headers["set-cookie"]
        assert (await api.get("/api/me", headers=owner.page)).status_code == 401
        assert (await api.post("/api/auth/sign-out", headers=owner.page)).status_code == 204

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Bearer "},
            {"Authorization": "Bearer tk_invented"},
            {"Authorization": "Bearer tb_invented"},
            {"Authorization": "Bearer tg_invented"},
            {"Authorization": "Basic b3duZXI6eA=="},
            {"X-API-Key": "tk_invented"},
            {"X-API-Key": "\u00e9\u00e8"},
            {"Cookie": f"{COOKIE}=ts_invented"},
        ],
    )
    async def test_what_was_never_given_out_opens_nothing(
        self, api: Client, headers: dict[str, str]
    ) -> None:
        raw = [(k.encode(), v.encode()) for k, v in headers.items()]
        answer = await api.get("/api/me", headers=raw)
        assert (answer.status_code, code_of(answer)) == (401, "not_signed_in")

    async def test_a_cookies_secret_is_no_bearer_token_and_the_reverse(
        self, api: Client, owner: Person
    ) -> None:
        stolen = await api.get("/api/me", headers={"Authorization": f"Bearer {owner.cookie}"})
        assert stolen.status_code == 401
        planted = await api.get("/api/me", headers={"Cookie": f"{COOKIE}={owner.token}"})
        assert planted.status_code == 401

    async def test_a_wrong_header_is_not_made_good_by_a_cookie(
        self, api: Client, owner: Person
    ) -> None:
        both = owner.page | {"Authorization": "Bearer tk_invented"}
        assert (await api.get("/api/me", headers=both)).status_code == 401


class TestForgery:
    async def test_a_change_signed_by_a_cookie_needs_the_token(
        self, api: Client, owner: Person
    ) -> None:
        for token in ({}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "\u00e9"}):
            raw = [
                (k.encode(), v.encode())
                for k, v in (owner.page | {"X-CSRF-Token": ""} | token).items()
            ]
            answer = await api.patch("/api/me", json={"name": "Eve"}, headers=raw)
            assert (answer.status_code, code_of(answer)) == (403, "cross_site")
        done = await api.patch("/api/me", json={"name": "Ana"}, headers=owner.page)
        assert done.json()["user"]["name"] == "Ana"

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://tertulia.test.evil.example", "x"]
    )
    async def test_another_sites_page_is_refused(
        self, api: Client, owner: Person, origin: str
    ) -> None:
        headers = owner.page | {"Origin": origin}
        change = await api.patch("/api/me", json={"name": "Eve"}, headers=headers)
        assert (change.status_code, code_of(change)) == (403, "cross_site")
        sign_in = await api.post(
            "/api/auth/sign-in",
            json={"email": "owner@example.org", "password": PASSWORD},
            headers={"Origin": origin},
        )
        assert (sign_in.status_code, code_of(sign_in)) == (403, "cross_site")

    async def test_our_own_page_is_let_in(self, api: Client, owner: Person) -> None:
        headers = owner.page | {"Origin": "http://tertulia.test"}
        answer = await api.patch("/api/me", json={"name": "Ana"}, headers=headers)
        assert answer.status_code == 200

    async def test_a_dead_cookie_does_not_stand_in_the_way_of_an_invitation(
        self, api: Client, owner: Person
    ) -> None:
        made = await api.post(
            f"/api/spaces/{owner.space.id}/invitations", json={}, headers=owner.headers
        )
        secret = made.json()["link"].rpartition("/")[2]
        accepted = await api.post(
            f"/api/invitations/{secret}/accept",
            json={"name": "New", "email": "new@example.org", "password": PASSWORD},
            headers={"Cookie": f"{COOKIE}=ts_expired"},
        )
        assert accepted.status_code == 200


class TestMe:
    async def test_what_one_changes_about_oneself(self, api: Client, owner: Person) -> None:
        second = await api.post("/api/spaces", json={"name": "Second"}, headers=owner.headers)
        change = {"language": "es", "theme": "dark", "active_space_id": second.json()["id"]}
        me = (await api.patch("/api/me", json=change, headers=owner.headers)).json()
        assert (me["user"]["language"], me["user"]["theme"]) == ("es", "dark")
        assert me["active_space_id"] == second.json()["id"]
        assert me["user"]["name"] == "Owner"
        assert [s["name"] for s in me["spaces"]] == ["Home", "Second"]

    @pytest.mark.parametrize(
        "wrong", [{"language": "español"}, {"theme": "blue"}, {"name": ""}, {"is_owner": True}]
    )
    async def test_wrong_values_are_refused(
        self, api: Client, owner: Person, wrong: dict[str, Any]
    ) -> None:
        answer = await api.patch("/api/me", json=wrong, headers=owner.headers)
        assert (answer.status_code, code_of(answer)) == (422, "invalid_request")

    async def test_changing_the_password(self, api: Client, owner: Person) -> None:
        change = {"current": PASSWORD, "new": "another heron counts"}
        wrong = await api.post(
            "/api/me/password", json=change | {"current": "wrong"}, headers=owner.page
        )
        assert (wrong.status_code, code_of(wrong)) == (422, "wrong_password")
        assert (
            await api.post("/api/me/password", json=change, headers=owner.page)
        ).status_code == 204
        assert (await api.get("/api/me", headers=owner.page)).status_code == 200
        assert (await api.get("/api/me", headers=owner.headers)).status_code == 401

    async def test_a_weak_password_is_not_repeated(self, api: Client, owner: Person) -> None:
        weak = await api.post(
            "/api/me/password", json={"current": PASSWORD, "new": "m1nUsc"}, headers=owner.page
        )
        assert (weak.status_code, code_of(weak)) == (422, "weak_password")
        assert "m1nUsc" not in weak.text

    async def test_sessions_are_listed_and_ended(self, api: Client, owner: Person) -> None:
        listed = (await api.get("/api/me/sessions", headers=owner.page)).json()["items"]
        assert sorted((s["user_agent"], s["current"]) for s in listed) == [
            ("Firefox", True),
            ("curl", False),
        ]
        [other] = [s["id"] for s in listed if not s["current"]]
        ended = await api.delete(f"/api/me/sessions/{other}", headers=owner.page)
        assert ended.status_code == 204
        assert (await api.get("/api/me", headers=owner.headers)).status_code == 401

    async def test_everywhere_else_at_once(self, api: Client, owner: Person) -> None:
        assert (await api.delete("/api/me/sessions", headers=owner.page)).status_code == 204
        assert (await api.get("/api/me", headers=owner.headers)).status_code == 401
        assert (await api.get("/api/me", headers=owner.page)).status_code == 200

    async def test_a_key_may_look_and_not_change_its_makers_account(
        self, api: Client, owner: Person, key: Key
    ) -> None:
        assert (await api.get("/api/me", headers=key.headers)).status_code == 200
        for method, path in (("PATCH", "/api/me"), ("GET", "/api/me/sessions")):
            body = {"name": "Eve"} if method == "PATCH" else None
            answer = await api.request(method, path, json=body, headers=key.headers)
            assert (answer.status_code, code_of(answer)) == (403, "forbidden")


class TestUsers:
    async def test_owners_of_the_server_see_everybody_in_pages(
        self, api: Client, owner: Person, member: Person, outsider: Person
    ) -> None:
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await api.get("/api/users", params=params, headers=owner.headers)).json()
            seen += [u["email"] for u in page["items"]]
            cursor = page["next_cursor"]
        assert sorted(seen) == [
            "member@example.org",
            "outsider@example.org",
            "owner@example.org",
        ]
        assert (await api.get("/api/users", headers=member.headers)).status_code == 403

    async def test_who_is_disabled_is_out_at_once(
        self, api: Client, owner: Person, member: Person
    ) -> None:
        path = f"/api/users/{member.user.id}"
        assert (await api.get("/api/me", headers=member.headers)).status_code == 200
        done = await api.patch(path, json={"disabled": True}, headers=owner.headers)
        assert done.json()["disabled_at"] is not None
        assert (await api.get("/api/me", headers=member.headers)).status_code == 401
        back = await api.patch(path, json={"disabled": False}, headers=owner.headers)
        assert back.json()["disabled_at"] is None

    async def test_an_unknown_user_is_not_there(self, api: Client, owner: Person) -> None:
        answer = await api.patch(
            f"/api/users/{uuid4()}", json={"disabled": True}, headers=owner.headers
        )
        assert answer.status_code == 404


class TestSpaces:
    async def test_a_space_from_its_making_to_its_end(self, api: Client, owner: Person) -> None:
        made = await api.post("/api/spaces", json={"name": "Newsroom"}, headers=owner.headers)
        space = made.json()
        assert (made.status_code, space["role"]) == (201, "OWNER")
        path = f"/api/spaces/{space['id']}"
        renamed = await api.patch(path, json={"name": "Desk"}, headers=owner.headers)
        assert renamed.json()["name"] == "Desk"
        assert (await api.delete(path, headers=owner.headers)).status_code == 204
        left = (await api.get("/api/spaces", headers=owner.headers)).json()["items"]
        assert [s["name"] for s in left] == ["Home"]

    async def test_a_foreign_space_is_answered_as_an_unknown_one(
        self, api: Client, owner: Person, outsider: Person
    ) -> None:
        someone = owner.user.id
        for method, tail, body in (
            ("PATCH", "", {"name": "Mine"}),
            ("DELETE", "", None),
            ("GET", "/members", None),
            ("PATCH", f"/members/{someone}", {"role": "MEMBER"}),
            ("DELETE", f"/members/{someone}", None),
            ("GET", "/invitations", None),
            ("POST", "/invitations", {"role": "MEMBER"}),
            ("DELETE", f"/invitations/{uuid4()}", None),
        ):
            foreign, unknown = [
                await api.request(
                    method, f"/api/spaces/{space}{tail}", json=body, headers=outsider.headers
                )
                for space in (owner.space.id, uuid4())
            ]
            assert foreign.status_code == unknown.status_code == 404, (method, tail)
            assert foreign.json() == unknown.json()

    async def test_roles_change_and_count_at_once(
        self, api: Client, owner: Person, member: Person
    ) -> None:
        members = f"/api/spaces/{owner.space.id}/members"
        path = f"{members}/{member.user.id}"
        refused = await api.patch(path, json={"role": "ADMIN"}, headers=member.headers)
        assert refused.status_code == 403
        done = await api.patch(path, json={"role": "ADMIN"}, headers=owner.headers)
        assert done.json()["role"] == "ADMIN"
        invited = await api.post(
            f"/api/spaces/{owner.space.id}/invitations", json={}, headers=member.headers
        )
        assert invited.status_code == 201
        assert (await api.delete(path, headers=owner.headers)).status_code == 204
        assert (await api.get(members, headers=member.headers)).status_code == 404
        listed = (await api.get(members, headers=owner.headers)).json()["items"]
        assert [m["email"] for m in listed] == ["owner@example.org"]

    async def test_the_last_owner_cannot_leave(self, api: Client, owner: Person) -> None:
        answer = await api.delete(
            f"/api/spaces/{owner.space.id}/members/{owner.user.id}", headers=owner.headers
        )
        assert (answer.status_code, code_of(answer)) == (409, "last_owner")


class TestInvitations:
    async def test_somebody_new_comes_in_by_a_link(self, api: Client, owner: Person) -> None:
        path = f"/api/spaces/{owner.space.id}/invitations"
        made = (await api.post(path, json={"role": "ADMIN"}, headers=owner.headers)).json()
        assert made["link"].startswith("http://tertulia.test/invitations/ti_")
        secret = made["link"].rpartition("/")[2]
        shown = (await api.get(f"/api/invitations/{secret}")).json()
        assert (shown["space_name"], shown["role"], shown["inviter_name"]) == (
            "Home",
            "ADMIN",
            "Owner",
        )
        listed = (await api.get(path, headers=owner.headers)).json()["items"]
        assert [i["id"] for i in listed] == [made["id"]]
        assert secret not in str(listed)
        lacking = await api.post(f"/api/invitations/{secret}/accept", json={"name": "New"})
        assert lacking.status_code == 422
        body = {"name": "New", "email": "new@example.org", "password": PASSWORD}
        accepted = await api.post(f"/api/invitations/{secret}/accept", json=body)
        me = accepted.json()
        assert [(s["id"], s["role"]) for s in me["spaces"]] == [(str(owner.space.id), "ADMIN")]
        assert cookie_of(accepted)
        again = await api.post(f"/api/invitations/{secret}/accept", json=body)
        assert (again.status_code, code_of(again)) == (404, "link_dead")

    async def test_who_has_an_account_joins_with_it(
        self, api: Client, owner: Person, outsider: Person
    ) -> None:
        path = f"/api/spaces/{owner.space.id}/invitations"
        made = (await api.post(path, json={}, headers=owner.headers)).json()
        secret = made["link"].rpartition("/")[2]
        taken = {"name": "X", "email": "outsider@example.org", "password": PASSWORD}
        refused = await api.post(f"/api/invitations/{secret}/accept", json=taken)
        assert (refused.status_code, code_of(refused)) == (409, "email_taken")
        accepted = await api.post(
            f"/api/invitations/{secret}/accept", json={}, headers=outsider.page
        )
        assert accepted.json()["active_space_id"] == str(owner.space.id)
        assert len(accepted.json()["spaces"]) == 2

    async def test_withdrawn_it_is_dead(self, api: Client, owner: Person) -> None:
        path = f"/api/spaces/{owner.space.id}/invitations"
        made = (await api.post(path, json={}, headers=owner.headers)).json()
        secret = made["link"].rpartition("/")[2]
        assert (await api.delete(f"{path}/{made['id']}", headers=owner.headers)).status_code == 204
        assert (await api.delete(f"{path}/{made['id']}", headers=owner.headers)).status_code == 404
        assert (await api.get(f"/api/invitations/{secret}")).status_code == 404


class TestKeys:
    async def test_a_key_from_its_making_to_its_end(self, api: Client, owner: Person) -> None:
        body = {"name": "Importer", "scopes": ["identity:read"]}
        made = await api.post("/api/keys", json=body, headers=owner.headers)
        assert made.status_code == 201
        secret = made.json()["key"]
        listed = await api.get("/api/keys", headers=owner.headers)
        assert secret not in listed.text
        assert secret.startswith(listed.json()["items"][0]["prefix"])
        for headers in ({"Authorization": f"Bearer {secret}"}, {"X-API-Key": secret}):
            assert (await api.get("/api/spaces", headers=headers)).status_code == 200
            refused = await api.post("/api/spaces", json={"name": "No"}, headers=headers)
            assert (refused.status_code, code_of(refused)) == (403, "missing_scope")
        used = (await api.get("/api/keys", headers=owner.headers)).json()["items"][0]
        assert used["last_used_at"] is not None
        path = f"/api/keys/{made.json()['id']}"
        assert (await api.delete(path, headers=owner.headers)).status_code == 204
        assert (await api.get("/api/spaces", headers={"X-API-Key": secret})).status_code == 401
        assert (await api.get("/api/keys", headers=owner.headers)).json()["items"] == []

    async def test_a_foreign_key_is_answered_as_an_unknown_one(
        self, api: Client, outsider: Person, key: Key
    ) -> None:
        foreign = await api.delete(
            f"/api/keys/{key.principal.credential_id}", headers=outsider.headers
        )
        unknown = await api.delete(f"/api/keys/{uuid4()}", headers=outsider.headers)
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json() == unknown.json()

    async def test_a_day_without_a_time_zone_is_refused(self, api: Client, owner: Person) -> None:
        body = {"name": "K", "scopes": ["status"], "expires_at": "2030-01-01T00:00:00"}
        answer = await api.post("/api/keys", json=body, headers=owner.headers)
        assert answer.status_code == 422

    async def test_every_scope_is_described(self, api: Client, key: Key) -> None:
        scopes = (await api.get("/api/scopes", headers=key.headers)).json()
        assert {"identity:read", "identity:write", "keys", "status", "webhooks"} <= {
            s["name"] for s in scopes
        }
        assert all(s["description"].endswith(".") for s in scopes)


class TestBadInput:
    @pytest.mark.parametrize(
        "name", ["\x00", "\ud800", "\u202e", "x" * 201, 7, None, ["x"], {"x": "y"}, " \t "]
    )
    async def test_a_name_that_is_none_is_refused(
        self, api: Client, owner: Person, name: Any
    ) -> None:
        body = json.dumps({"name": name}).encode()
        headers = owner.headers | {"Content-Type": "application/json"}
        answer = await api.post("/api/spaces", content=body, headers=headers)
        assert (answer.status_code, code_of(answer)) == (422, "invalid_request")

    @pytest.mark.parametrize(
        "expires_at",
        [
            "9999-12-31T23:59:59-14:00",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
            "0001-01-01T00:00:00Z",
            1e300,
        ],
    )
    async def test_a_day_far_away_is_refused(
        self, api: Client, owner: Person, expires_at: Any
    ) -> None:
        body = {"name": "K", "scopes": ["status"], "expires_at": expires_at}
        answer = await api.post("/api/keys", json=body, headers=owner.headers)
        assert (answer.status_code, code_of(answer)) == (422, "invalid_request")

    @pytest.mark.parametrize("email", ["a\x00@b.org", "\ud800@b.org", "@", "a@b@c", "x" * 999])
    async def test_an_email_that_is_none_belongs_to_nobody(self, api: Client, email: str) -> None:
        body = json.dumps({"email": email, "password": PASSWORD}).encode()
        answer = await api.post(
            "/api/auth/sign-in", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (401, 422)

    @pytest.mark.parametrize("path", ["%00", "..%2f..%2fetc", "ti_", "x" * 201])
    async def test_a_link_that_is_none_is_dead(self, api: Client, path: str) -> None:
        assert (await api.get(f"/api/invitations/{path}")).status_code in (404, 422)

    @pytest.mark.parametrize(
        "cursor", ["x", "%00", "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgIngiXQ"]
    )
    async def test_a_cursor_not_made_here_is_refused(
        self, api: Client, owner: Person, cursor: str
    ) -> None:
        answer = await api.get(f"/api/users?cursor={cursor}", headers=owner.headers)
        assert answer.status_code == 422


class TestDescription:
    def test_every_route_says_what_it_is_and_how_it_fails(self, identity_app: FastAPI) -> None:
        document = identity_app.openapi()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                name = f"{method} {path}"
                assert operation["summary"], name
                assert operation["description"], name
                assert operation["tags"], name
                problem = operation["responses"].get("422")
                if problem is not None:
                    schema = problem["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}, name

    def test_what_needs_an_account_says_so(self, identity_app: FastAPI) -> None:
        document = identity_app.openapi()
        assert document["paths"]["/api/keys"]["get"]["security"] == [{"bearer": []}]
        assert "security" not in document["paths"]["/api/auth/options"]["get"]
