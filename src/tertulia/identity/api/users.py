"""Everybody with an account, for owners of the server."""

from typing import Annotated

from fastapi import APIRouter, Depends

from tertulia.identity.access import Access
from tertulia.identity.api.addresses import Id
from tertulia.identity.api.models import UserOut, UserPage, UserUpdate
from tertulia.identity.domain import IDENTITY_READ, IDENTITY_WRITE, Principal
from tertulia.identity.errors import CrossSiteError, LastOwnerError, MissingScopeError
from tertulia.identity.service import IdentityService
from tertulia.kernel.errors import ForbiddenError, NotFoundError, NotSignedInError
from tertulia.kernel.http import Cursor, Limit, Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems

OWNER = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)


def router(identity: IdentityService, access: Access) -> APIRouter:
    """`/users`."""
    api = Router(prefix="/users", tags=["users"], route_class=TransactionRoute)
    Reader = Annotated[Principal, Depends(access.require_owner(IDENTITY_READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require_owner(IDENTITY_WRITE))]  # noqa: N806 - a type

    @api.get("", summary="List everybody", responses=problems(*OWNER))
    async def list_users(tx: Tx, who: Reader, cursor: Cursor = None, limit: Limit = 50) -> UserPage:
        """Everybody with an account, newest first. For owners of the server."""
        page = await identity.users.list_for(tx, who, cursor, limit)
        return UserPage(items=[UserOut.of(u) for u in page.items], next_cursor=page.next_cursor)

    @api.patch(
        "/{id}",
        summary="Keep somebody out, or let them in again",
        responses=problems(*OWNER, NotFoundError, LastOwnerError),
    )
    async def update_user(tx: Tx, who: Writer, id_: Id, body: UserUpdate) -> UserOut:
        """Disabling ends every sign-in and stops every key; nothing is lost. For owners of the server."""
        if body.disabled is None:
            return UserOut.of(await identity.users.get(tx, id_))
        return UserOut.of(await identity.users.set_disabled_by(tx, who, id_, body.disabled))

    return api
