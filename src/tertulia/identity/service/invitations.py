"""Invitations by link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from tertulia.identity.domain import (
    Invitation,
    Principal,
    Role,
    Space,
    User,
    check_role_change,
    fold_email,
)
from tertulia.identity.errors import LinkDeadError, OtherInviteeError
from tertulia.identity.service.spaces import SpaceService
from tertulia.identity.service.users import UserService
from tertulia.identity.store import InvitationStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import NotFoundError
from tertulia.kernel.ids import new_id, new_secret, secret_hash


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation as the person it is for sees it."""

    invitation: Invitation
    space: Space
    inviter: User | None


class InvitationService:
    """Invitations: made, withdrawn, accepted once."""

    def __init__(
        self,
        invitations: InvitationStore,
        spaces: SpaceService,
        users: UserService,
        clock: Clock,
        *,
        life: timedelta,
    ) -> None:
        self._invitations = invitations
        self._spaces = spaces
        self._users = users
        self._clock = clock
        self._life = life

    async def create(
        self,
        tx: Transaction,
        principal: Principal,
        space_id: UUID,
        role: Role,
        email: str | None = None,
    ) -> tuple[Invitation, str]:
        """Makes a link that brings one person into the space; gives back its secret, which is never seen again."""
        check_role_change(principal.need_role(space_id), None, role)
        now = self._clock.now()
        secret = new_secret("ti")
        invitation = Invitation(
            id=new_id(),
            space_id=space_id,
            role=role,
            email=fold_email(email) if email else None,
            inviter_id=principal.person(),
            created_at=now,
            expires_at=now + self._life,
        )
        await self._invitations.add(tx, invitation, secret_hash(secret))
        return invitation, secret

    async def list(
        self, tx: Transaction, principal: Principal, space_id: UUID
    ) -> Sequence[Invitation]:
        """The space's invitations that nobody has accepted yet, newest first."""
        principal.need_role(space_id, Role.ADMIN)
        return await self._invitations.list(tx, space_id, self._clock.now())

    async def revoke(
        self, tx: Transaction, principal: Principal, space_id: UUID, invitation_id: UUID
    ) -> None:
        principal.need_role(space_id, Role.ADMIN)
        if not await self._invitations.revoke(tx, space_id, invitation_id, self._clock.now()):
            raise NotFoundError("There is no such invitation.")

    async def show(self, tx: Transaction, secret: str) -> OpenInvitation:
        """What the link invites to."""
        invitation = await self._find(tx, secret)
        inviter = (
            await self._users.get(tx, invitation.inviter_id) if invitation.inviter_id else None
        )
        return OpenInvitation(invitation, await self._spaces.get(tx, invitation.space_id), inviter)

    async def accept(self, tx: Transaction, secret: str, user_id: UUID) -> User:
        """Brings somebody with an account into the space, and makes it their active one."""
        invitation = await self._find(tx, secret)
        user = await self._users.get(tx, user_id)
        return await self._enter(tx, invitation, user)

    async def accept_as_new(
        self, tx: Transaction, secret: str, *, name: str, email: str, password: str
    ) -> User:
        """Makes an account for somebody and brings it into the space."""
        invitation = await self._find(tx, secret)
        user = await self._users.create(
            tx, email=email, name=name, password=password, with_home=False
        )
        return await self._enter(tx, invitation, user)

    async def _enter(self, tx: Transaction, invitation: Invitation, user: User) -> User:
        if invitation.email is not None and invitation.email != user.email:
            raise OtherInviteeError(
                "This invitation is for another e-mail. Use that one, or ask for a new invitation."
            )
        if not await self._invitations.take(tx, invitation.id, self._clock.now()):
            raise self._dead()
        await self._spaces.add_member(tx, invitation.space_id, user.id, invitation.role)
        return await self._users.enter(tx, user.id, invitation.space_id)

    async def _find(self, tx: Transaction, secret: str) -> Invitation:
        invitation = await self._invitations.find(tx, secret_hash(secret), self._clock.now())
        if invitation is None:
            raise self._dead()
        return invitation

    @staticmethod
    def _dead() -> LinkDeadError:
        return LinkDeadError(
            "This invitation was used, withdrawn, or is too old. Ask for a new one."
        )
