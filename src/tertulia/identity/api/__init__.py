"""Identity over HTTP; every router is made from what it needs."""

from collections.abc import Sequence

from fastapi import APIRouter

from tertulia.identity.access import Access
from tertulia.identity.accounts import Accounts
from tertulia.identity.api import auth, invitations, keys, me, oidc, spaces, users
from tertulia.identity.api.presence import Presence
from tertulia.identity.rate_limits import RateLimiter
from tertulia.identity.service import IdentityService
from tertulia.kernel.http import Router
from tertulia.kernel.settings import Settings


def router(
    identity: IdentityService,
    access: Access,
    accounts: Accounts,
    limiter: RateLimiter,
    settings: Settings,
    *,
    features: Sequence[str] = (),
) -> APIRouter:
    """Everything under `/api` that is about who people are."""
    presence = Presence(identity, access, accounts, settings.public_url, features)
    api = Router(prefix="/api")
    api.include_router(me.router(identity, access, limiter, presence))
    api.include_router(auth.router(identity, limiter, access, presence, settings))
    api.include_router(oidc.router(identity, access, limiter, presence))
    api.include_router(invitations.router(identity, access, limiter, presence))
    api.include_router(users.router(identity, access))
    api.include_router(spaces.router(identity, access))
    api.include_router(spaces.members(identity, access))
    api.include_router(spaces.invitations(identity, access, presence))
    api.include_router(keys.router(identity, access))
    return api
