"""Single sign-on, as a browser goes through it."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Cookie, Query, Request, Response
from fastapi.responses import RedirectResponse

from tertulia.identity.access import Access, address
from tertulia.identity.api.presence import Presence
from tertulia.identity.domain import User
from tertulia.identity.errors import SingleSignOnError
from tertulia.identity.rate_limits import SIGN_IN, RateLimiter
from tertulia.identity.service import IdentityService
from tertulia.identity.service.sign_on import ATTEMPT_LIFE
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import (
    NotFoundError,
    RateLimitedError,
    TertuliaError,
    UnavailableError,
)
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems

COOKIE = "tertulia_sign_on"
COOKIE_PATH = "/api/auth/oidc"

Next = Annotated[
    str, Query(max_length=2000, description="Where to go afterwards; a path of the page.")
]
Answer = Annotated[str | None, Query(max_length=4000)]
State = Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)]


def own_path(path: str) -> str:
    """The path, if it stays on this page; a crafted link leads to the front."""
    stays = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if stays else "/"


def router(
    identity: IdentityService, access: Access, limiter: RateLimiter, presence: Presence
) -> APIRouter:
    """`/auth/oidc`."""
    api = Router(prefix="/auth/oidc", tags=["auth"], route_class=TransactionRoute)
    _add_start(api, identity, access, limiter, presence)
    _add_finish(api, identity, presence)
    return api


def _redirect_uri(presence: Presence, request: Request) -> str:
    return f"{presence.base_url(request)}{COOKIE_PATH}/callback"


def _add_start(
    api: APIRouter,
    identity: IdentityService,
    access: Access,
    limiter: RateLimiter,
    presence: Presence,
) -> None:
    @api.get(
        "/start",
        summary="Sign in with the provider",
        response_class=RedirectResponse,
        status_code=302,
        responses=problems(NotFoundError, RateLimitedError, UnavailableError),
    )
    async def start_oidc(
        tx: Tx, request: Request, next_: Annotated[Next, Query(alias="next")] = "/"
    ) -> Response:
        """Sends the browser to the single sign-on provider."""
        await limiter.check(SIGN_IN, f"address:{address(request)}")
        attempt = await identity.sign_on.begin(tx, own_path(next_))
        await tx.commit()
        back = _redirect_uri(presence, request)
        url = await identity.sign_on.provider.address(attempt, back)
        response = RedirectResponse(url, status_code=302)
        response.set_cookie(
            COOKIE,
            attempt.state,
            max_age=int(ATTEMPT_LIFE.total_seconds()),
            path=COOKIE_PATH,
            secure=access.is_https(request),
            httponly=True,
            samesite="lax",
        )
        return response


def _add_finish(api: APIRouter, identity: IdentityService, presence: Presence) -> None:
    async def redeem(
        tx: Transaction, request: Request, code: str | None, state: str | None, cookie: str | None
    ) -> tuple[User, str]:
        if not code or not state or state != cookie:
            raise SingleSignOnError(
                "The provider said no, or this browser did not ask it. Start again."
            )
        attempt = await identity.sign_on.take(tx, state)
        # The attempt is used up, and nothing is held in the database while the provider is asked.
        await tx.commit()
        back = _redirect_uri(presence, request)
        claims = await identity.sign_on.provider.redeem(attempt, code, back)
        return await identity.sign_on.user(tx, claims), attempt.return_to

    @api.get(
        "/callback",
        summary="Come back from the provider",
        response_class=RedirectResponse,
        status_code=302,
        responses=problems(),
    )
    async def finish_oidc(
        tx: Tx, request: Request, code: Answer = None, state: Answer = None, cookie: State = None
    ) -> Response:
        """Signs in and goes on to the page; what went wrong is told to the sign-in page as `error`."""
        try:
            user, return_to = await redeem(tx, request, code, state, cookie)
        except TertuliaError as error:
            await tx.session.rollback()
            response = RedirectResponse(
                f"/sign-in?{urlencode({'error': error.code})}", status_code=302
            )
        else:
            response = RedirectResponse(return_to, status_code=302)
            await presence.enter(tx, request, response, user)
        response.delete_cookie(COOKIE, path=COOKIE_PATH)
        return response
