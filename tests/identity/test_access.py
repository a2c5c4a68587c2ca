"""The doorkeeper: credentials, forgeries, sockets, and whom a request is counted for."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.requests import HTTPConnection
from tests.fixtures.identity import Key, Person

from tertulia.identity.access import COOKIE, Access, address, csrf_token
from tertulia.identity.authenticator import Authenticator, Shown
from tertulia.identity.domain import Principal, Role
from tertulia.identity.errors import CrossSiteError
from tertulia.kernel.errors import ForbiddenError, NotFoundError, NotSignedInError

pytestmark = pytest.mark.db


def connection(
    headers: dict[str, str] | None = None,
    *,
    kind: str = "http",
    method: str = "GET",
    path_params: dict[str, Any] | None = None,
    query: str = "",
    client: str = "192.0.2.7",
    scheme: str = "http",
) -> HTTPConnection:
    pairs = {"host": "tertulia.test"} | (headers or {})
    return HTTPConnection(
        {
            "type": kind,
            "method": method,
            "scheme": scheme,
            "path": "/",
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in pairs.items()],
            "path_params": path_params or {},
            "client": (client, 1234),
            "server": ("tertulia.test", 80),
        }
    )


class TestSockets:
    async def test_our_own_page_opens_one_with_its_cookie(
        self, access: Access, owner: Person
    ) -> None:
        headers = {"Cookie": f"{COOKIE}={owner.cookie}", "Origin": "http://tertulia.test"}
        principal = await access.principal(connection(headers, kind="websocket"))
        assert principal.user_id == owner.user.id

    async def test_another_sites_page_does_not(self, access: Access, owner: Person) -> None:
        headers = {"Cookie": f"{COOKIE}={owner.cookie}", "Origin": "https://evil.example"}
        with pytest.raises(CrossSiteError):
            await access.principal(connection(headers, kind="websocket"))

    async def test_a_program_needs_no_origin(self, access: Access, key: Key) -> None:
        principal = await access.principal(
            connection({"X-API-Key": key.secret, "Origin": "app://x"}, kind="websocket")
        )
        assert principal.key_id == key.principal.key_id

    async def test_a_guard_guards_sockets_too(
        self, access: Access, owner: Person, key: Key
    ) -> None:
        app = FastAPI()
        seen: list[Principal] = []

        @app.websocket("/socket")
        async def socket(
            websocket: WebSocket, who: Annotated[Principal, Depends(access.require("status"))]
        ) -> None:
            seen.append(who)
            await websocket.accept()
            await websocket.close()

        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = connection(key.headers, kind="websocket").scope | {
            "path": "/socket",
            "raw_path": b"/socket",
            "root_path": "",
            "app": app,
        }
        await app(scope, receive, send)
        assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
        assert seen[0].key_id == key.principal.key_id


class TestGuards:
    async def test_nobody_is_asked_to_sign_in(self, access: Access) -> None:
        with pytest.raises(NotSignedInError):
            await access.require("status")(connection())

    async def test_a_role_in_the_space_of_the_address(
        self, access: Access, owner: Person, member: Person, outsider: Person
    ) -> None:
        guard = access.require_role(Role.ADMIN)
        there = {"space_id": str(owner.space.id)}
        assert await guard(connection(owner.headers, path_params=there)) == owner.principal
        with pytest.raises(ForbiddenError):
            await guard(connection(member.headers, path_params=there))
        with pytest.raises(NotFoundError):
            await guard(connection(outsider.headers, path_params=there))
        with pytest.raises(NotFoundError):
            await guard(connection(owner.headers, path_params={"space_id": "../etc"}))

    async def test_of_the_query_or_else_the_active_one(
        self, access: Access, owner: Person, outsider: Person
    ) -> None:
        guard = access.require_role(Role.MEMBER)
        query = f"space_id={owner.space.id}"
        await guard(connection(owner.headers, query=query))
        await guard(connection(outsider.headers))
        with pytest.raises(NotFoundError):
            await guard(connection(outsider.headers, query=query))

    async def test_a_person_is_not_a_key(self, access: Access, owner: Person, key: Key) -> None:
        await access.require_user()(connection(owner.headers))
        with pytest.raises(ForbiddenError):
            await access.require_user()(connection(key.headers))

    async def test_an_owner_of_the_server_is_not_everybody(
        self, access: Access, owner: Person, outsider: Person
    ) -> None:
        await access.require_owner("status")(connection(owner.headers))
        with pytest.raises(ForbiddenError):
            await access.require_owner("status")(connection(outsider.headers))

    async def test_behind_a_proxy_the_public_address_is_ours(
        self, authenticator: Authenticator, owner: Person
    ) -> None:
        access = Access(authenticator, public_url="https://talk.example.org")
        headers = {
            "Cookie": f"{COOKIE}={owner.cookie}",
            "X-CSRF-Token": csrf_token(owner.cookie),
            "Origin": "https://talk.example.org",
        }
        await access.principal(connection(headers, method="POST"))
        assert access.is_https(connection())


class TestCounting:
    async def test_whoever_is_known_is_counted_by_name_wherever_they_are(
        self, access: Access, authenticator: Authenticator, owner: Person, key: Key
    ) -> None:
        assert access.caller(connection(key.headers)) == f"key:{key.principal.key_id}"
        page = {"Cookie": f"{COOKIE}={owner.cookie}"}
        assert access.caller(connection(page)) == "address:192.0.2.7"
        await authenticator.authenticate(Shown(owner.cookie, by_cookie=True))
        assert access.caller(connection(page)) == f"user:{owner.user.id}"

    async def test_invented_credentials_are_counted_by_address(self, access: Access) -> None:
        for n in range(3):
            caller = access.caller(connection({"X-API-Key": f"tk_invented{n}"}))
            assert caller == "address:192.0.2.7"

    @pytest.mark.parametrize(
        ("client", "counted"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
            ("testclient", "testclient"),
        ],
    )
    def test_a_whole_ipv6_network_is_one_caller(self, client: str, counted: str) -> None:
        assert address(connection(client=client)) == counted
