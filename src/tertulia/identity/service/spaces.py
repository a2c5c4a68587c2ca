"""Spaces and who is in them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from tertulia.identity.changes import (
    MEMBER_JOINED,
    MEMBER_LEFT,
    MEMBER_ROLE_CHANGED,
    ChangeKind,
    Changes,
)
from tertulia.identity.domain import (
    Member,
    Principal,
    Role,
    Space,
    check_owner_stays,
    check_role_change,
    tidy_name,
)
from tertulia.identity.store import SpaceStore, UserStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import ConflictError, ForbiddenError, NotFoundError
from tertulia.kernel.ids import new_id

Farewell = Callable[[Transaction, UUID], Awaitable[object]]
"""Removes what a package above keeps in a space."""


class SpaceService:
    """Spaces: made, renamed, deleted; members: listed, promoted, removed."""

    def __init__(
        self, spaces: SpaceStore, users: UserStore, changes: Changes, clock: Clock
    ) -> None:
        self._spaces = spaces
        self._users = users
        self._changes = changes
        self._farewells: list[Farewell] = []
        self._clock = clock

    def before_removal(self, farewell: Farewell) -> None:
        """Has `farewell` called, in the same transaction, before a space is removed."""
        self._farewells.append(farewell)

    async def list(self, tx: Transaction, principal: Principal) -> Sequence[tuple[Space, Role]]:
        """The spaces somebody is in, oldest first, and their role there."""
        spaces = await self._spaces.list(tx, principal.roles.keys())
        return [(space, principal.roles[space.id]) for space in spaces]

    async def of_user(self, tx: Transaction, user_id: UUID) -> Sequence[tuple[Space, Role]]:
        """The same, as the database has it at this moment."""
        return await self._spaces.of_user(tx, user_id)

    async def list_all(self, tx: Transaction) -> Sequence[Space]:
        return await self._spaces.list_all(tx)

    async def get(self, tx: Transaction, space_id: UUID) -> Space:
        return self._there(await self._spaces.find(tx, space_id))

    async def create(self, tx: Transaction, owner_id: UUID, name: str) -> Space:
        """Makes a space that `owner_id` owns."""
        now = self._clock.now()
        space = Space(id=new_id(), name=tidy_name(name), created_at=now)
        await self._spaces.add(tx, space)
        await self._spaces.add_member(tx, space.id, owner_id, Role.OWNER, now)
        await self._changes.tell(tx, ChangeKind.USER_CHANGED, [owner_id])
        return space

    async def create_by(self, tx: Transaction, principal: Principal, name: str) -> Space:
        if principal.only_space_id is not None:
            raise ForbiddenError("The API key is confined to one space and cannot make others.")
        return await self.create(tx, principal.person(), name)

    async def rename(
        self, tx: Transaction, principal: Principal, space_id: UUID, name: str
    ) -> Space:
        principal.need_role(space_id, Role.ADMIN)
        space = self._there(await self._spaces.rename(tx, space_id, tidy_name(name)))
        members = await self._spaces.members(tx, space_id)
        await self._changes.tell(tx, ChangeKind.USER_CHANGED, [m.user_id for m in members])
        return space

    async def delete(self, tx: Transaction, principal: Principal, space_id: UUID) -> None:
        """Deletes a space with everything that is only in it."""
        principal.need_role(space_id, Role.OWNER)
        self._there(await self._spaces.find(tx, space_id, hold=True))
        members = await self._spaces.members(tx, space_id)
        for farewell in self._farewells:
            await farewell(tx, space_id)
        await self._spaces.remove(tx, space_id)
        await self._changes.tell(tx, ChangeKind.USER_CHANGED, [m.user_id for m in members])

    async def members(
        self, tx: Transaction, principal: Principal, space_id: UUID
    ) -> Sequence[Member]:
        principal.need_role(space_id)
        return await self.members_of(tx, space_id)

    async def members_of(self, tx: Transaction, space_id: UUID) -> Sequence[Member]:
        return await self._spaces.members(tx, space_id)

    async def add_member(self, tx: Transaction, space_id: UUID, user_id: UUID, role: Role) -> None:
        """Brings somebody in, at the wish of whoever runs the server or by an invitation."""
        self._there(await self._spaces.find(tx, space_id, hold=True))
        if not await self._spaces.add_member(tx, space_id, user_id, role, self._clock.now()):
            raise ConflictError("They are in this space already. Change their role instead.")
        await self._changes.tell(tx, ChangeKind.USER_CHANGED, [user_id])
        await self._changes.tell_outside(
            tx, space_id, MEMBER_JOINED, user_id=user_id, role=role.value
        )

    async def set_role(
        self, tx: Transaction, principal: Principal, space_id: UUID, user_id: UUID, role: Role
    ) -> Member:
        """Gives a member another role."""
        principal.need_role(space_id)
        members, member = await self._held(tx, space_id, user_id)
        check_role_change(self._role(members, principal), member.role, role)
        if role is not Role.OWNER:
            check_owner_stays(members, user_id)
        await self._spaces.set_role(tx, space_id, user_id, role)
        await self._changes.tell(tx, ChangeKind.USER_CHANGED, [user_id])
        await self._changes.tell_outside(
            tx, space_id, MEMBER_ROLE_CHANGED, user_id=user_id, role=role.value
        )
        return replace(member, role=role)

    async def remove_member(
        self, tx: Transaction, principal: Principal, space_id: UUID, user_id: UUID
    ) -> None:
        """Takes somebody out of a space; everybody may take themselves out."""
        principal.need_role(space_id)
        members, member = await self._held(tx, space_id, user_id)
        if user_id != principal.user_id:
            check_role_change(self._role(members, principal), member.role, None)
        await self._leave(tx, members, member)

    async def remove_any_member(self, tx: Transaction, space_id: UUID, user_id: UUID) -> None:
        """The same, at the wish of whoever runs the server."""
        await self._leave(tx, *await self._held(tx, space_id, user_id))

    async def _leave(self, tx: Transaction, members: Sequence[Member], member: Member) -> None:
        check_owner_stays(members, member.user_id)
        await self._spaces.remove_member(tx, member.space_id, member.user_id)
        await self._changes.tell(tx, ChangeKind.USER_CHANGED, [member.user_id])
        await self._changes.tell_outside(tx, member.space_id, MEMBER_LEFT, user_id=member.user_id)

    async def _held(
        self, tx: Transaction, space_id: UUID, user_id: UUID
    ) -> tuple[Sequence[Member], Member]:
        """The members, whom nobody else changes until the transaction ends, and the one in question."""
        self._there(await self._spaces.find(tx, space_id, hold=True))
        members = await self._spaces.members(tx, space_id)
        for member in members:
            if member.user_id == user_id:
                return members, member
        raise NotFoundError("Nobody by that id is in this space.")

    @staticmethod
    def _role(members: Sequence[Member], principal: Principal) -> Role:
        """The role as it is now: the one the principal carries may be seconds old."""
        for member in members:
            if member.user_id == principal.user_id:
                return member.role
        raise NotFoundError("There is no such space.")

    @staticmethod
    def _there(space: Space | None) -> Space:
        if space is None:
            raise NotFoundError("There is no such space.")
        return space
