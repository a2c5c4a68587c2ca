"""Signing in and out."""

import hashlib

from fastapi import APIRouter, Depends, Request, Response, params

from tertulia.identity.access import Access, address, device
from tertulia.identity.api.models import AuthOptions, Claim, Me, OidcOut, SignIn, TokenOut
from tertulia.identity.api.presence import Presence
from tertulia.identity.domain import SessionKind, SignedIn
from tertulia.identity.errors import (
    CrossSiteError,
    EmailTakenError,
    LinkDeadError,
    WeakPasswordError,
    WrongCredentialsError,
)
from tertulia.identity.rate_limits import SIGN_IN, RateLimiter
from tertulia.identity.service import IdentityService
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import RateLimitedError
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems
from tertulia.kernel.settings import Settings


def router(
    identity: IdentityService,
    limiter: RateLimiter,
    access: Access,
    presence: Presence,
    settings: Settings,
) -> APIRouter:
    """`/auth`."""
    api = Router(prefix="/auth", tags=["auth"], route_class=TransactionRoute)
    own_page = Depends(access.own_page)
    _add_options(api, identity, settings)
    _add_sign_in(api, identity, limiter, presence, own_page)
    _add_sign_out(api, identity, access)
    _add_claim(api, identity, limiter, presence, own_page)
    return api


def _add_options(api: APIRouter, identity: IdentityService, settings: Settings) -> None:
    @api.get("/options", summary="How can one sign in?")
    async def auth_options(tx: Tx) -> AuthOptions:
        """What the sign-in page offers."""
        oidc = OidcOut(name=settings.oidc_name) if settings.oidc_issuer else None
        return AuthOptions(
            first_start=await identity.users.is_first_start(tx),
            oidc=oidc,
            password_min_length=settings.password_min_length,
        )


def _add_sign_in(
    api: APIRouter,
    identity: IdentityService,
    limiter: RateLimiter,
    presence: Presence,
    own_page: params.Depends,
) -> None:
    async def sign_in_as(
        tx: Transaction, request: Request, body: SignIn, kind: SessionKind
    ) -> SignedIn:
        # Both are counted before anything is compared: one address tries many accounts, many addresses one.
        account = hashlib.sha256(body.email.strip().casefold().encode()).hexdigest()[:32]
        await limiter.check(SIGN_IN, f"address:{address(request)}")
        await limiter.check(SIGN_IN, f"account:{account}")
        password = body.password.get_secret_value()
        return await identity.sessions.sign_in(tx, body.email, password, kind, device(request))

    @api.post(
        "/sign-in",
        summary="Sign in to the page",
        dependencies=[own_page],
        responses=problems(WrongCredentialsError, CrossSiteError, RateLimitedError),
    )
    async def sign_in(tx: Tx, request: Request, response: Response, body: SignIn) -> Me:
        """Sets the page's cookie. A wrong password and an unknown account are answered alike."""
        signed_in = await sign_in_as(tx, request, body, SessionKind.COOKIE)
        return await presence.welcome(tx, request, response, signed_in)

    @api.post(
        "/token",
        summary="Get a token for a program",
        responses=problems(WrongCredentialsError, RateLimitedError),
    )
    async def create_token(tx: Tx, request: Request, body: SignIn) -> TokenOut:
        """A bearer token with all rights of the account. For lasting use, make an API key with few."""
        signed_in = await sign_in_as(tx, request, body, SessionKind.TOKEN)
        return TokenOut(token=signed_in.secret, expires_at=signed_in.session.expires_at)


def _add_sign_out(api: APIRouter, identity: IdentityService, access: Access) -> None:
    @api.post("/sign-out", status_code=204, summary="Sign out", responses=problems(CrossSiteError))
    async def sign_out(tx: Tx, request: Request, response: Response) -> None:
        """Ends the sign-in that asks and clears the cookie; whoever is not signed in is out already."""
        principal = await access.find(request)
        if principal is not None and principal.session_id is not None:
            await identity.sessions.end(tx, principal.person(), principal.session_id)
        access.clear_cookie(request, response)


def _add_claim(
    api: APIRouter,
    identity: IdentityService,
    limiter: RateLimiter,
    presence: Presence,
    own_page: params.Depends,
) -> None:
    refusals = (LinkDeadError, EmailTakenError, WeakPasswordError, CrossSiteError, RateLimitedError)

    @api.post(
        "/claim",
        summary="Become the server's first owner",
        dependencies=[own_page],
        responses=problems(*refusals),
    )
    async def claim_server(tx: Tx, request: Request, response: Response, body: Claim) -> Me:
        """Uses the one-time link the server printed at its start, and signs in."""
        await limiter.check(SIGN_IN, f"address:{address(request)}")
        user = await identity.users.claim(
            tx,
            body.link,
            name=body.name,
            email=body.email,
            password=body.password.get_secret_value(),
        )
        return await presence.enter(tx, request, response, user)
