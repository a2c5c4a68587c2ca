"""Signing in and out."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from tertulia.identity.changes import ChangeKind, Changes
from tertulia.identity.domain import Device, Session, SessionKind, SignedIn, User, fold_email
from tertulia.identity.errors import WrongCredentialsError
from tertulia.identity.passwords import Passwords
from tertulia.identity.store import SessionStore, UserStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import InvalidRequestError, NotFoundError
from tertulia.kernel.ids import new_id, new_secret, secret_hash

PREFIXES = {SessionKind.COOKIE: "ts", SessionKind.TOKEN: "tb"}


class SessionService:
    """Sign-ins: made with a password or by a provider, listed, ended."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        changes: Changes,
        passwords: Passwords,
        clock: Clock,
        *,
        life: timedelta,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._changes = changes
        self._passwords = passwords
        self._clock = clock
        self.life = life

    async def sign_in(
        self, tx: Transaction, email: str, password: str, kind: SessionKind, device: Device
    ) -> SignedIn:
        """Signs in with a password. Whether the account is unknown, disabled or the password wrong is not told."""
        found = await self._users.find_by_email(tx, self._folded(email))
        user, hashed = found or (None, None)
        matches = await self._passwords.matches(password, hashed)
        if user is None or hashed is None or not matches or user.disabled_at is not None:
            raise WrongCredentialsError("E-mail or password is wrong. Check both and try again.")
        if self._passwords.outdated(hashed):
            await self._users.update(
                tx, user.id, password_hash=await self._passwords.hash(password)
            )
        return await self.open(tx, user, kind, device)

    async def open(
        self, tx: Transaction, user: User, kind: SessionKind, device: Device
    ) -> SignedIn:
        """Opens a sign-in for somebody who has proved who they are."""
        now = self._clock.now()
        secret = new_secret(PREFIXES[kind])
        session = Session(
            id=new_id(),
            user_id=user.id,
            kind=kind,
            user_agent=(device.user_agent or "")[:300] or None,
            address=device.address,
            created_at=now,
            last_seen_at=now,
            expires_at=now + self.life,
        )
        await self._sessions.add(tx, session, secret_hash(secret))
        await self._users.update(tx, user.id, last_seen_at=now)
        return SignedIn(user, session, secret)

    async def list(self, tx: Transaction, user_id: UUID) -> Sequence[Session]:
        return await self._sessions.list(tx, user_id, self._clock.now())

    async def end(self, tx: Transaction, user_id: UUID, session_id: UUID) -> None:
        if not await self._sessions.remove(tx, user_id, session_id):
            raise NotFoundError("There is no such sign-in.")
        await self._changes.tell(tx, ChangeKind.SESSION_ENDED, [session_id])

    async def end_others(self, tx: Transaction, user_id: UUID, keep: UUID | None) -> int:
        """Ends all of somebody's sign-ins but one; gives back how many."""
        ended = await self._sessions.remove_all(tx, user_id, keep=keep)
        await self._changes.tell(tx, ChangeKind.SESSION_ENDED, ended)
        return len(ended)

    @staticmethod
    def _folded(email: str) -> str:
        # What is no address belongs to nobody, and is answered as slowly as one that does.
        try:
            return fold_email(email)
        except InvalidRequestError:
            return ""
