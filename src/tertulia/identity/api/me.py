"""One's own account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from tertulia.identity.access import Access
from tertulia.identity.api.addresses import Id
from tertulia.identity.api.models import Me, MeUpdate, PasswordChange, SessionList, SessionOut
from tertulia.identity.api.presence import Presence
from tertulia.identity.domain import IDENTITY_READ, Principal
from tertulia.identity.errors import (
    CrossSiteError,
    MissingScopeError,
    WeakPasswordError,
    WrongPasswordError,
)
from tertulia.identity.rate_limits import SIGN_IN, RateLimiter
from tertulia.identity.service import IdentityService
from tertulia.identity.service.users import ProfileChange
from tertulia.kernel.errors import (
    ForbiddenError,
    NotFoundError,
    NotSignedInError,
    RateLimitedError,
)
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems

PERSON = (NotSignedInError, ForbiddenError, CrossSiteError)


def router(
    identity: IdentityService, access: Access, limiter: RateLimiter, presence: Presence
) -> APIRouter:
    """`/me` and what is under it."""
    api = Router(prefix="/me", tags=["me"], route_class=TransactionRoute)
    _add_account(api, identity, access, presence)
    _add_password(api, identity, access, limiter)
    _add_sessions(api, identity, access)
    return api


def _add_account(
    api: APIRouter, identity: IdentityService, access: Access, presence: Presence
) -> None:
    Reader = Annotated[Principal, Depends(access.require(IDENTITY_READ))]  # noqa: N806 - a type
    Person = Annotated[Principal, Depends(access.require_user())]  # noqa: N806 - a type

    @api.get("", summary="Who am I?", responses=problems(NotSignedInError, MissingScopeError))
    async def get_me(who: Reader, request: Request, response: Response) -> Me:
        """The account behind the request, its spaces, and the token that the page's changes need."""
        return await presence.account(who.person(), presence.renew(request, response))

    @api.patch("", summary="Change my account", responses=problems(*PERSON, NotFoundError))
    async def update_me(
        tx: Tx, who: Person, request: Request, response: Response, body: MeUpdate
    ) -> Me:
        """Changes name, language, theme or active space; what is left out stays."""
        change = ProfileChange(body.name, body.language, body.theme, body.active_space_id)
        user = await identity.users.update_profile(tx, who, change)
        return await presence.describe(tx, user, presence.renew(request, response))


def _add_password(
    api: APIRouter, identity: IdentityService, access: Access, limiter: RateLimiter
) -> None:
    Person = Annotated[Principal, Depends(access.require_user())]  # noqa: N806 - a type

    @api.post(
        "/password",
        status_code=204,
        summary="Change my password",
        responses=problems(*PERSON, WrongPasswordError, WeakPasswordError, RateLimitedError),
    )
    async def change_password(tx: Tx, who: Person, body: PasswordChange) -> None:
        """Takes the current password; every other sign-in ends."""
        await limiter.check(SIGN_IN, f"password:{who.user_id}")
        await identity.users.change_password(
            tx, who, body.current.get_secret_value(), body.new.get_secret_value()
        )


def _add_sessions(api: APIRouter, identity: IdentityService, access: Access) -> None:
    Person = Annotated[Principal, Depends(access.require_user())]  # noqa: N806 - a type

    @api.get("/sessions", summary="Where am I signed in?", responses=problems(*PERSON))
    async def list_sessions(tx: Tx, who: Person) -> SessionList:
        """Every sign-in, the one used last first."""
        sessions = await identity.sessions.list(tx, who.person())
        return SessionList(items=[SessionOut.of(s, who.session_id) for s in sessions])

    @api.delete(
        "/sessions",
        status_code=204,
        summary="Sign out everywhere else",
        responses=problems(*PERSON),
    )
    async def end_other_sessions(tx: Tx, who: Person) -> None:
        """Ends every sign-in but the one that asks; what they have open is cut."""
        await identity.sessions.end_others(tx, who.person(), who.session_id)

    @api.delete(
        "/sessions/{id}",
        status_code=204,
        summary="End one sign-in",
        responses=problems(*PERSON, NotFoundError),
    )
    async def end_session(tx: Tx, who: Person, id_: Id) -> None:
        """Ends one of one's own sign-ins; what it has open is cut."""
        await identity.sessions.end(tx, who.person(), id_)
