"""People and their accounts."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tertulia.identity.changes import ChangeKind, Changes
from tertulia.identity.domain import (
    Principal,
    Theme,
    User,
    check_password,
    fold_email,
    need_server_owner,
    tidy_name,
)
from tertulia.identity.errors import (
    EmailTakenError,
    LastOwnerError,
    LinkDeadError,
    WrongPasswordError,
)
from tertulia.identity.passwords import Passwords
from tertulia.identity.service.spaces import SpaceService
from tertulia.identity.store import SessionStore, UserStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import NotFoundError
from tertulia.kernel.ids import new_id, new_secret, secret_hash
from tertulia.kernel.pages import Page, Position, cut

HOME = "Home"
"""What the space is called that somebody gets who comes uninvited."""


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What somebody changes about themselves; None leaves a thing as it is."""

    name: str | None = None
    language: str | None = None
    theme: Theme | None = None
    active_space_id: UUID | None = None


class UserService:
    """People: the first owner, accounts, profiles, passwords."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        spaces: SpaceService,
        *,
        changes: Changes,
        passwords: Passwords,
        clock: Clock,
        password_min_length: int,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._spaces = spaces
        self._changes = changes
        self._passwords = passwords
        self._clock = clock
        self._password_min_length = password_min_length

    async def first_start_link(self, tx: Transaction) -> str | None:
        if await self._users.is_claimed(tx):
            return None
        secret = new_secret("tl")
        await self._users.put_owner_link(tx, secret_hash(secret), self._clock.now())
        return secret

    async def is_first_start(self, tx: Transaction) -> bool:
        """Whether the server still waits for its first owner."""
        return not await self._users.is_claimed(tx)

    async def claim(
        self, tx: Transaction, link: str, *, name: str, email: str, password: str
    ) -> User:
        """Makes the first owner; the link dies."""
        if not await self._users.take_owner_link(
            tx, secret_hash(link)
        ) or await self._users.is_claimed(tx):
            raise LinkDeadError(
                "This link was used or replaced. The server prints a new one at its next start, "
                "and so does `tertulia users link`."
            )
        return await self.create(tx, email=email, name=name, password=password, is_owner=True)

    async def create(
        self,
        tx: Transaction,
        *,
        email: str,
        name: str,
        password: str | None,
        is_owner: bool = False,
        with_home: bool = True,
    ) -> User:
        """Makes an account, with a space of its own unless another waits for it."""
        email = fold_email(email)
        hashed = None
        if password is not None:
            check_password(password, email=email, min_length=self._password_min_length)
            hashed = await self._passwords.hash(password)
        user = User(
            id=new_id(),
            email=email,
            name=tidy_name(name),
            is_owner=is_owner,
            language=None,
            theme=Theme.AUTO,
            active_space_id=None,
            disabled_at=None,
            created_at=self._clock.now(),
            last_seen_at=None,
        )
        if not await self._users.add(tx, user, hashed):
            raise EmailTakenError("There is an account with this e-mail already. Sign in with it.")
        if not with_home:
            return user
        home = await self._spaces.create(tx, user.id, HOME)
        return await self.enter(tx, user.id, home.id)

    async def enter(self, tx: Transaction, user_id: UUID, space_id: UUID) -> User:
        """Makes a space somebody's active one."""
        return await self._update(tx, user_id, active_space_id=space_id)

    async def find(self, tx: Transaction, user_id: UUID) -> User | None:
        return await self._users.find(tx, user_id)

    async def get(self, tx: Transaction, user_id: UUID) -> User:
        user = await self.find(tx, user_id)
        if user is None:
            raise NotFoundError("There is no such user.")
        return user

    async def find_by_email(self, tx: Transaction, email: str) -> User | None:
        found = await self._users.find_by_email(tx, fold_email(email))
        return found[0] if found else None

    async def first_owner(self, tx: Transaction) -> User:
        """The owner of the server who came first."""
        owners = await self._users.owners(tx)
        if not owners:
            raise NotFoundError(
                "Nobody owns this server yet. Open the link it printed (`tertulia users link` prints "
                "a new one), or run `tertulia users add --owner`."
            )
        return owners[0]

    async def list(self, tx: Transaction, cursor: str | None, limit: int) -> Page[User]:
        """Everybody, newest first."""
        rows = await self._users.list(tx, Position.parse(cursor), limit + 1)
        users, last = cut(rows, limit)
        return Page[User](
            items=users,
            next_cursor=Position(last.created_at, last.id).cursor() if last else None,
        )

    async def list_for(
        self, tx: Transaction, principal: Principal, cursor: str | None, limit: int
    ) -> Page[User]:
        """The same, for those who may know everybody."""
        need_server_owner(principal)
        return await self.list(tx, cursor, limit)

    async def update_profile(
        self, tx: Transaction, principal: Principal, change: ProfileChange
    ) -> User:
        """Changes what somebody says about themselves."""
        values: dict[str, Any] = {}
        if change.name is not None:
            values["name"] = tidy_name(change.name)
        if change.language is not None:
            values["language"] = change.language
        if change.theme is not None:
            values["theme"] = change.theme.value
        if change.active_space_id is not None:
            principal.need_role(change.active_space_id)
            values["active_space_id"] = change.active_space_id
        user_id = principal.person()
        return await self._update(tx, user_id, **values) if values else await self.get(tx, user_id)

    async def set_disabled_by(
        self, tx: Transaction, principal: Principal, user_id: UUID, disabled: bool
    ) -> User:
        need_server_owner(principal)
        return await self.set_disabled(tx, user_id, disabled)

    async def set_disabled(self, tx: Transaction, user_id: UUID, disabled: bool) -> User:
        """Keeps somebody out, or lets them in again; nothing of theirs is lost."""
        user = await self.get(tx, user_id)
        if (user.disabled_at is not None) == disabled:
            return user
        if disabled:
            owners = await self._users.owners(tx)
            if user.is_owner and all(owner.id == user_id for owner in owners):
                raise LastOwnerError("This is the server's last owner and cannot be disabled.")
            await self._sessions.remove_all(tx, user_id)
        return await self._update(tx, user_id, disabled_at=self._clock.now() if disabled else None)

    async def change_password(
        self, tx: Transaction, principal: Principal, current: str, new: str
    ) -> None:
        """Changes one's own password; every other sign-in ends."""
        user_id = principal.person()
        hashed = await self._users.password_hash(tx, user_id)
        if not await self._passwords.matches(current, hashed):
            raise WrongPasswordError("The current password is wrong. Type it again.")
        await self.set_password(tx, user_id, new, keep_session=principal.session_id)

    async def set_password(
        self, tx: Transaction, user_id: UUID, new: str, *, keep_session: UUID | None = None
    ) -> None:
        """Sets somebody's password; their sign-ins end, but the one to keep."""
        user = await self.get(tx, user_id)
        check_password(new, email=user.email, min_length=self._password_min_length)
        await self._users.update(tx, user_id, password_hash=await self._passwords.hash(new))
        ended = await self._sessions.remove_all(tx, user_id, keep=keep_session)
        await self._changes.tell(tx, ChangeKind.SESSION_ENDED, ended)

    async def _update(self, tx: Transaction, user_id: UUID, **values: Any) -> User:
        user = await self._users.update(tx, user_id, **values)
        if user is None:
            raise NotFoundError("There is no such user.")
        await self._changes.tell(tx, ChangeKind.USER_CHANGED, [user_id])
        return user
