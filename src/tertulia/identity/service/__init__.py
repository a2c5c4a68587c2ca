"""What identity does: one service, with a part for each noun."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tertulia.identity.changes import Announcer, Changes, Outside
from tertulia.identity.passwords import Passwords
from tertulia.identity.scopes import ScopeRegistry
from tertulia.identity.service.guests import GuestService
from tertulia.identity.service.invitations import InvitationService
from tertulia.identity.service.keys import KeyService
from tertulia.identity.service.sessions import SessionService
from tertulia.identity.service.sign_on import SignOnService
from tertulia.identity.service.spaces import SpaceService
from tertulia.identity.service.users import UserService
from tertulia.identity.store import (
    ExpiredStore,
    GuestStore,
    InvitationStore,
    KeyStore,
    SessionStore,
    SpaceStore,
    UserStore,
)
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.settings import Settings

if TYPE_CHECKING:
    from tertulia.identity.oidc import OidcProvider

__all__ = [
    "GuestService",
    "IdentityService",
    "InvitationService",
    "KeyService",
    "SessionService",
    "SignOnService",
    "SpaceService",
    "UserService",
]


class IdentityService:
    """Who people are: accounts, sign-ins, spaces, invitations, keys and guests."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        announcer: Announcer | None = None,
        outside: Outside | None = None,
        passwords: Passwords | None = None,
        scopes: ScopeRegistry | None = None,
    ) -> None:
        passwords = passwords or Passwords()
        users, sessions, spaces = UserStore(), SessionStore(), SpaceStore()
        self.scopes = scopes or ScopeRegistry()
        self.changes = Changes(announcer, outside)
        self.spaces = SpaceService(spaces, users, self.changes, clock)
        self.users = UserService(
            users,
            sessions,
            self.spaces,
            changes=self.changes,
            passwords=passwords,
            clock=clock,
            password_min_length=settings.password_min_length,
        )
        self.sessions = SessionService(
            users,
            sessions,
            self.changes,
            passwords,
            clock,
            life=timedelta(days=settings.session_days),
        )
        self.keys = KeyService(KeyStore(), self.changes, self.scopes, clock)
        self.invitations = InvitationService(
            InvitationStore(),
            self.spaces,
            self.users,
            clock,
            life=timedelta(days=settings.invitation_days),
        )
        self.sign_on = _sign_on(settings, self.users, users, clock)
        self.guests = GuestService(GuestStore(), self.changes, clock)

    async def sweep(self, tx: Transaction, before: datetime) -> int:
        """Removes what expired before then: sign-ins, invitations, guests."""
        return await ExpiredStore().remove(tx, before)

    async def first_start_link(self, tx: Transaction) -> str | None:
        """The secret that makes the server's first owner, in the place of the one before; None once there is one."""
        return await self.users.first_start_link(tx)


def _sign_on(
    settings: Settings, service: UserService, users: UserStore, clock: Clock
) -> SignOnService:
    provider = _provider(settings, clock)
    return SignOnService(provider, service, users, clock, create_users=settings.oidc_create_users)


def _provider(settings: Settings, clock: Clock) -> "OidcProvider | None":
    """The provider of single sign-on; its libraries are loaded only where there is one."""
    if not settings.oidc_issuer:
        return None
    from tertulia.identity.oidc import OidcProvider

    return OidcProvider.of(settings, clock)
