"""The doorkeeper of HTTP and WebSocket: finds the credentials, refuses forgeries, knows what each route takes."""

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, Response
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from tertulia.identity.authenticator import Authenticator, Shown
from tertulia.identity.domain import (
    IDENTITY_READ,
    Device,
    Principal,
    Role,
    need_person,
    need_server_owner,
    usable,
)
from tertulia.identity.errors import CrossSiteError
from tertulia.kernel.errors import NotFoundError

COOKIE = "tertulia_session"
_RAW_COOKIE = COOKIE.encode()
_SHOWN = "tertulia.shown"
"""Where a request keeps the credentials that were found in it."""
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def csrf_token(cookie: str) -> str:
    """What the page sends along to show that it may read its own answers; another site cannot."""
    return hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()


def device(request: Request) -> Device:
    """Where a sign-in comes from."""
    return Device(request.headers.get("user-agent"), address(request))


def address(connection: HTTPConnection) -> str:
    """The caller's address; of IPv6 the network, since one caller has all of it."""
    host = connection.client.host if connection.client else ""
    try:
        parsed = ip_address(host)
    except ValueError:
        return host
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return host


class Guard(SecurityBase):
    """A dependency that lets through who may, and gives the route who it is."""

    scheme_name = "bearer"
    model = HTTPBearer(
        description="An API key (`tk_…`) or a token of `POST /api/auth/token` (`tb_…`). "
        "The page signs in with a cookie and `X-CSRF-Token` instead."
    )

    def __init__(self, access: "Access", scope: str | None) -> None:
        self._access = access
        self._scope = scope

    async def __call__(self, connection: HTTPConnection) -> Principal:
        principal = await self._access.principal(connection)
        if self._scope is not None:
            principal.need(self._scope)
        self.check(principal, connection)
        return principal

    def check(self, principal: Principal, connection: HTTPConnection) -> None:
        """What a route takes beyond the scope."""


class PersonGuard(Guard):
    """Takes a signed-in person."""

    def check(self, principal: Principal, connection: HTTPConnection) -> None:
        need_person(principal)


class ServerOwnerGuard(Guard):
    """Takes an owner of the server."""

    def check(self, principal: Principal, connection: HTTPConnection) -> None:
        need_server_owner(principal)


class RoleGuard(Guard):
    """Takes a role in the space that the address or the query names."""

    def __init__(self, access: "Access", scope: str, minimum: Role, parameter: str) -> None:
        super().__init__(access, scope)
        self._minimum = minimum
        self._parameter = parameter

    def check(self, principal: Principal, connection: HTTPConnection) -> None:
        named = connection.path_params.get(self._parameter) or connection.query_params.get(
            self._parameter
        )
        try:
            space_id = UUID(str(named)) if named else principal.space()
        except ValueError:
            raise NotFoundError("There is no such space.") from None
        principal.need_role(space_id, self._minimum)


class Access:
    """Who is behind a request, and the dependencies that routes are guarded with."""

    def __init__(self, authenticator: Authenticator, *, public_url: str | None = None) -> None:
        self._authenticator = authenticator
        self._public_host = urlsplit(public_url).netloc.lower() if public_url else None
        self._public_https = bool(public_url and public_url.startswith("https:"))

    def require(self, scope: str) -> Guard:
        """Any person, or a key with `scope`."""
        return Guard(self, scope)

    def require_user(self) -> Guard:
        """A signed-in person; no key."""
        return PersonGuard(self, None)

    def require_owner(self, scope: str) -> Guard:
        """An owner of the server, or their key with `scope`."""
        return ServerOwnerGuard(self, scope)

    def require_role(
        self, minimum: Role, scope: str = IDENTITY_READ, *, parameter: str = "space_id"
    ) -> Guard:
        """A role in the space named by `parameter` in the path or the query, or else in the active one."""
        return RoleGuard(self, scope, minimum, parameter)

    async def principal(self, connection: HTTPConnection) -> Principal:
        """Who it is; refused when nobody, or when a cookie was used from elsewhere."""
        return usable(await self.find(connection))

    async def find(self, connection: HTTPConnection) -> Principal | None:
        """Who it is, or None."""
        shown = self.shown(connection)
        if shown is None:
            return None
        principal = await self._authenticator.authenticate(shown)
        if principal is not None and shown.by_cookie:
            self._refuse_forgery(connection, shown)
        return principal

    def caller(self, connection: HTTPConnection) -> str:
        """Whom to count a request for: who it is, if that is known already, or else the address."""
        shown = self.shown(connection)
        principal = self._authenticator.known(shown) if shown else None
        return principal.label if principal else f"address:{address(connection)}"

    def shown(self, connection: HTTPConnection) -> Shown | None:
        """The credentials a request carries; a header counts before the cookie. They are looked for once."""
        scope = connection.scope
        if _SHOWN not in scope:
            scope[_SHOWN] = self._look(connection)
        found: Shown | None = scope[_SHOWN]
        return found

    @staticmethod
    def _look(connection: HTTPConnection) -> Shown | None:
        authorization = key = None
        has_cookie = False
        for name, value in connection.scope["headers"]:
            if name == b"authorization":
                authorization = authorization or value.decode("latin-1")
            elif name == b"x-api-key":
                key = key or value.decode("latin-1")
            elif name == b"cookie" and _RAW_COOKIE in value:
                has_cookie = True
        if authorization is not None:
            scheme, _, secret = authorization.partition(" ")
            return Shown(secret.strip()) if scheme.lower() == "bearer" else None
        if key is not None:
            return Shown(key.strip())
        cookie = connection.cookies.get(COOKIE) if has_cookie else None
        return Shown(cookie, by_cookie=True) if cookie else None

    async def own_page(self, connection: HTTPConnection) -> None:
        """The dependency of routes that work without credentials: no other site's page may use them."""
        self.refuse_other_sites(connection)

    def refuse_other_sites(self, connection: HTTPConnection) -> None:
        """Refuses a request that a browser sent from another site's page."""
        origin = connection.headers.get("origin")
        if origin is None:
            return
        host = urlsplit(origin).netloc.lower()
        if not host or host not in (connection.headers.get("host", "").lower(), self._public_host):
            raise CrossSiteError(
                "This request comes from another site. Open Tertulia at its own address, "
                "and set TERTULIA_PUBLIC_URL to it when a proxy stands in front."
            )

    def set_cookie(
        self, connection: HTTPConnection, response: Response, secret: str, life_seconds: int
    ) -> None:
        """Gives the page its sign-in."""
        response.set_cookie(
            COOKIE,
            secret,
            max_age=life_seconds,
            path="/",
            secure=self.is_https(connection),
            httponly=True,
            samesite="lax",
        )

    def clear_cookie(self, connection: HTTPConnection, response: Response) -> None:
        response.delete_cookie(
            COOKIE, path="/", secure=self.is_https(connection), httponly=True, samesite="lax"
        )

    def is_https(self, connection: HTTPConnection) -> bool:
        return self._public_https or connection.url.scheme in ("https", "wss")

    def _refuse_forgery(self, connection: HTTPConnection, shown: Shown) -> None:
        if connection.scope["type"] == "websocket":
            # No header can be added to a handshake; the browser's Origin is the proof.
            self.refuse_other_sites(connection)
            return
        if connection.scope["method"] in SAFE_METHODS:
            return
        self.refuse_other_sites(connection)
        sent = connection.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(sent.encode(), csrf_token(shown.secret).encode()):
            raise CrossSiteError(
                f"The header {CSRF_HEADER} is missing or wrong. Send the `csrf_token` of GET /api/me."
            )
