"""Who somebody is and which spaces are theirs: what every page asks first, without asking the database each time."""

from dataclasses import dataclass
from uuid import UUID

from tertulia.identity.changes import Change, ChangeKind
from tertulia.identity.domain import Role, Space, User
from tertulia.identity.memory import Memory
from tertulia.identity.service import IdentityService
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Account:
    """A person, and their role in each of their spaces, oldest first."""

    user: User
    spaces: tuple[tuple[Space, Role], ...]


class Accounts:
    """Accounts as they were at most seconds ago, and never as they were before a change that was heard of."""

    def __init__(self, database: Database, clock: Clock, identity: IdentityService) -> None:
        self._database = database
        self._identity = identity
        self._memory: Memory[UUID, Account] = Memory(clock)
        identity.changes.listen(self._heard)

    async def get(self, user_id: UUID) -> Account:
        known = self._memory.recall(user_id)
        if known is None:
            known = await self._memory.ask(user_id, lambda: self._find(user_id))
        if known is None:
            raise NotFoundError("There is no such user.")
        return known

    async def _find(self, user_id: UUID) -> Account | None:
        async with self._database.transaction() as tx:
            user = await self._identity.users.find(tx, user_id)
            if user is None:
                return None
            return Account(user, tuple(await self._identity.spaces.of_user(tx, user_id)))

    def _heard(self, change: Change) -> None:
        if change.kind is ChangeKind.USER_CHANGED:
            self._memory.forget_where(lambda account: account.user.id in change.ids)
