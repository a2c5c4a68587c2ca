"""Invitations, as the person they are for sees them."""

from fastapi import APIRouter, Depends, Request, Response

from tertulia.identity.access import Access, address
from tertulia.identity.api.addresses import LinkSecret
from tertulia.identity.api.models import InvitationAccept, InvitationInfo, Me
from tertulia.identity.api.presence import Presence
from tertulia.identity.domain import need_person
from tertulia.identity.errors import (
    CrossSiteError,
    EmailTakenError,
    LinkDeadError,
    OtherInviteeError,
    WeakPasswordError,
)
from tertulia.identity.rate_limits import SIGN_IN, RateLimiter
from tertulia.identity.service import IdentityService
from tertulia.kernel.errors import ConflictError, InvalidRequestError, RateLimitedError
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems

ACCEPTING = (
    LinkDeadError,
    OtherInviteeError,
    EmailTakenError,
    ConflictError,
    WeakPasswordError,
    CrossSiteError,
    RateLimitedError,
)


def router(
    identity: IdentityService, access: Access, limiter: RateLimiter, presence: Presence
) -> APIRouter:
    """`/invitations`."""
    api = Router(prefix="/invitations", tags=["invitations"], route_class=TransactionRoute)

    @api.get("/{token}", summary="What does the link invite to?", responses=problems(LinkDeadError))
    async def show_invitation(tx: Tx, token: LinkSecret) -> InvitationInfo:
        """Whoever has the link may see who invites to which space."""
        return InvitationInfo.of(await identity.invitations.show(tx, token))

    _add_accept(api, identity, access, limiter, presence)
    return api


def _add_accept(
    api: APIRouter,
    identity: IdentityService,
    access: Access,
    limiter: RateLimiter,
    presence: Presence,
) -> None:
    @api.post(
        "/{token}/accept",
        summary="Accept an invitation",
        dependencies=[Depends(access.own_page)],
        responses=problems(*ACCEPTING),
    )
    async def accept_invitation(
        tx: Tx, token: LinkSecret, request: Request, response: Response, body: InvitationAccept
    ) -> Me:
        """Brings whoever is signed in into the space; or makes an account of the body, and signs in."""
        principal = await access.find(request)
        if principal is not None:
            need_person(principal)
            user = await identity.invitations.accept(tx, token, principal.person())
            return await presence.describe(tx, user, presence.renew(request, response))
        await limiter.check(SIGN_IN, f"address:{address(request)}")
        if body.name is None or body.email is None or body.password is None:
            raise InvalidRequestError(
                "Give name, email and password for a new account, or sign in first."
            )
        user = await identity.invitations.accept_as_new(
            tx,
            token,
            name=body.name,
            email=body.email,
            password=body.password.get_secret_value(),
        )
        return await presence.enter(tx, request, response, user)
