"""What several routes of identity share: the answer that says who one is, and how the page gets its cookie."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import Request, Response

from tertulia.identity.access import Access, csrf_token, device
from tertulia.identity.accounts import Accounts
from tertulia.identity.api.models import Me, SpaceOut, UserMe
from tertulia.identity.domain import Role, SessionKind, SignedIn, Space, User
from tertulia.identity.service import IdentityService
from tertulia.kernel.database import Transaction


class Presence:
    """Signs the page in, and tells it who is there."""

    def __init__(
        self,
        identity: IdentityService,
        access: Access,
        accounts: Accounts,
        public_url: str | None,
        features: Sequence[str],
    ) -> None:
        self._identity = identity
        self._access = access
        self._accounts = accounts
        self._public_url = public_url
        self._features = list(features)

    def base_url(self, request: Request) -> str:
        """The address people reach this server at."""
        return (self._public_url or str(request.base_url)).rstrip("/")

    async def enter(self, tx: Transaction, request: Request, response: Response, user: User) -> Me:
        """Opens a sign-in in the page's cookie."""
        opened = await self._identity.sessions.open(tx, user, SessionKind.COOKIE, device(request))
        return await self.welcome(tx, request, response, opened)

    async def welcome(
        self, tx: Transaction, request: Request, response: Response, signed_in: SignedIn
    ) -> Me:
        """Gives the page the cookie of a sign-in."""
        self._give_cookie(request, response, signed_in.secret)
        return await self.describe(tx, signed_in.user, signed_in.secret)

    def renew(self, request: Request, response: Response) -> str | None:
        """Lets the page's cookie live on; gives it back, if it is what signed the request."""
        shown = self._access.shown(request)
        if shown is None or not shown.by_cookie:
            return None
        self._give_cookie(request, response, shown.secret)
        return shown.secret

    async def account(self, user_id: UUID, cookie: str | None) -> Me:
        """Who somebody is, without asking the database when it was asked a moment ago."""
        account = await self._accounts.get(user_id)
        return self._me(account.user, account.spaces, cookie)

    async def describe(self, tx: Transaction, user: User, cookie: str | None) -> Me:
        """Who somebody is, as it is in this transaction."""
        return self._me(user, await self._identity.spaces.of_user(tx, user.id), cookie)

    def _me(self, user: User, spaces: Sequence[tuple[Space, Role]], cookie: str | None) -> Me:
        return Me(
            user=UserMe.of(user),
            spaces=[SpaceOut.of(space, role) for space, role in spaces],
            active_space_id=user.active_space_id,
            csrf_token=csrf_token(cookie) if cookie else None,
            features=self._features,
        )

    def _give_cookie(self, request: Request, response: Response, secret: str) -> None:
        life = int(self._identity.sessions.life.total_seconds())
        self._access.set_cookie(request, response, secret, life)
