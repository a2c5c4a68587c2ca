"""Spaces, their members, and the invitations to them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from tertulia.identity.access import Access
from tertulia.identity.api.addresses import Id, InvitationId, UserId
from tertulia.identity.api.models import (
    InvitationCreate,
    InvitationCreated,
    InvitationList,
    InvitationOut,
    MemberList,
    MemberOut,
    MemberUpdate,
    SpaceList,
    SpaceOut,
    SpaceWrite,
)
from tertulia.identity.api.presence import Presence
from tertulia.identity.domain import IDENTITY_READ, IDENTITY_WRITE, Principal, Role
from tertulia.identity.errors import CrossSiteError, LastOwnerError, MissingScopeError
from tertulia.identity.service import IdentityService
from tertulia.kernel.errors import ForbiddenError, NotFoundError, NotSignedInError
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems

READ = problems(NotSignedInError, MissingScopeError, NotFoundError)
WRITE = problems(NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError, NotFoundError)
OWNED = problems(
    NotSignedInError,
    ForbiddenError,
    MissingScopeError,
    CrossSiteError,
    NotFoundError,
    LastOwnerError,
)


def router(identity: IdentityService, access: Access) -> APIRouter:
    """`/spaces`."""
    api = Router(prefix="/spaces", tags=["spaces"], route_class=TransactionRoute)
    Reader = Annotated[Principal, Depends(access.require(IDENTITY_READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(IDENTITY_WRITE))]  # noqa: N806 - a type

    @api.get("", summary="List my spaces", responses=READ)
    async def list_spaces(tx: Tx, who: Reader) -> SpaceList:
        """The spaces one is in, oldest first."""
        spaces = await identity.spaces.list(tx, who)
        return SpaceList(items=[SpaceOut.of(space, role) for space, role in spaces])

    @api.post("", status_code=201, summary="Make a space", responses=WRITE)
    async def create_space(tx: Tx, who: Writer, body: SpaceWrite) -> SpaceOut:
        """Makes a space that one owns."""
        return SpaceOut.of(await identity.spaces.create_by(tx, who, body.name), Role.OWNER)

    @api.patch("/{id}", summary="Rename a space", responses=WRITE)
    async def update_space(tx: Tx, who: Writer, id_: Id, body: SpaceWrite) -> SpaceOut:
        """For owners and admins of the space."""
        space = await identity.spaces.rename(tx, who, id_, body.name)
        return SpaceOut.of(space, who.need_role(id_))

    @api.delete("/{id}", status_code=204, summary="Delete a space", responses=WRITE)
    async def delete_space(tx: Tx, who: Writer, id_: Id) -> None:
        """Deletes it with everything that is only in it. For owners of the space."""
        await identity.spaces.delete(tx, who, id_)

    return api


def members(identity: IdentityService, access: Access) -> APIRouter:
    """`/spaces/{id}/members`."""
    api = Router(prefix="/spaces/{id}/members", tags=["spaces"], route_class=TransactionRoute)
    Reader = Annotated[Principal, Depends(access.require(IDENTITY_READ))]  # noqa: N806 - a type
    Writer = Annotated[Principal, Depends(access.require(IDENTITY_WRITE))]  # noqa: N806 - a type

    @api.get("", summary="Who is in the space?", responses=READ)
    async def list_members(tx: Tx, who: Reader, id_: Id) -> MemberList:
        """Everybody in it, in the order they came."""
        found = await identity.spaces.members(tx, who, id_)
        return MemberList(items=[MemberOut.of(member) for member in found])

    @api.patch("/{user_id}", summary="Give a member another role", responses=OWNED)
    async def update_member(
        tx: Tx, who: Writer, id_: Id, user_id: UserId, body: MemberUpdate
    ) -> MemberOut:
        """Owners give and take every role; admins those below OWNER."""
        return MemberOut.of(await identity.spaces.set_role(tx, who, id_, user_id, body.role))

    @api.delete(
        "/{user_id}", status_code=204, summary="Take somebody out of the space", responses=OWNED
    )
    async def remove_member(tx: Tx, who: Writer, id_: Id, user_id: UserId) -> None:
        """As with roles; and everybody may take themselves out."""
        await identity.spaces.remove_member(tx, who, id_, user_id)

    return api


def invitations(identity: IdentityService, access: Access, presence: Presence) -> APIRouter:
    """`/spaces/{id}/invitations`."""
    api = Router(
        prefix="/spaces/{id}/invitations", tags=["invitations"], route_class=TransactionRoute
    )
    Writer = Annotated[Principal, Depends(access.require(IDENTITY_WRITE))]  # noqa: N806 - a type

    @api.get("", summary="List open invitations", responses=WRITE)
    async def list_invitations(tx: Tx, who: Writer, id_: Id) -> InvitationList:
        """Those that nobody has accepted yet. For owners and admins of the space."""
        found = await identity.invitations.list(tx, who, id_)
        return InvitationList(items=[InvitationOut.of(invitation) for invitation in found])

    @api.post("", status_code=201, summary="Invite somebody", responses=WRITE)
    async def create_invitation(
        tx: Tx, who: Writer, id_: Id, request: Request, body: InvitationCreate
    ) -> InvitationCreated:
        """Makes a link that brings one person in, once. For owners and admins of the space."""
        invitation, secret = await identity.invitations.create(tx, who, id_, body.role, body.email)
        return InvitationCreated(
            id=invitation.id,
            link=f"{presence.base_url(request)}/invitations/{secret}",
            expires_at=invitation.expires_at,
        )

    @api.delete(
        "/{invitation_id}", status_code=204, summary="Withdraw an invitation", responses=WRITE
    )
    async def revoke_invitation(tx: Tx, who: Writer, id_: Id, invitation_id: InvitationId) -> None:
        """Its link dies. For owners and admins of the space."""
        await identity.invitations.revoke(tx, who, id_, invitation_id)

    return api
