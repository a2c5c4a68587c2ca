"""Turns what a request shows into who is asking, without asking the database each time."""

from dataclasses import replace
from datetime import timedelta

import structlog

from tertulia.identity.changes import Change, ChangeKind, Changes
from tertulia.identity.domain import Credential, Principal, PrincipalKind, SessionKind
from tertulia.identity.memory import Memory
from tertulia.identity.revocation import RevocationWatch
from tertulia.identity.store import PrincipalStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.ids import secret_hash

log = structlog.get_logger(__name__)

WRITE_EVERY = timedelta(minutes=1)
"""How often the last use of a credential is written down."""


class Shown:
    """The secret a request carries, which no message shows."""

    __slots__ = ("by_cookie", "key", "secret")

    def __init__(self, secret: str, by_cookie: bool = False) -> None:
        self.secret = secret
        self.by_cookie = by_cookie
        # A cookie's secret is worth nothing in a header, so that no script can carry it off and use it.
        self.key = (b"c" if by_cookie else b"h") + secret_hash(secret)
        """Under which its holder is remembered."""


class Authenticator:
    """Who is asking."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        changes: Changes,
        watch: RevocationWatch,
        *,
        session_life: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._watch = watch
        self._session_life = session_life
        self._store = PrincipalStore()
        self._memory: Memory[bytes, Principal] = Memory(clock)
        changes.listen(self._heard)

    def known(self, shown: Shown) -> Principal | None:
        """Who it is, if that was asked a moment ago; never waits."""
        return self._recall(shown.key)

    async def authenticate(self, shown: Shown) -> Principal | None:
        """Who it is; None when the secret is wrong, expired or revoked."""
        principal = self._recall(shown.key)
        if principal is not None:
            return principal
        return await self._memory.ask(shown.key, lambda: self._ask(shown))

    async def standing(self, credential: Credential) -> Principal | None:
        """Whom a credential still stands for: for what was derived from it, such as a token for one socket."""
        async with self._database.transaction() as tx:
            found = await self._store.standing(tx, [credential], self._clock.now())
        principal = found.get(credential)
        return replace(principal, revoked=self._watch.watch(principal)) if principal else None

    def _recall(self, key: bytes) -> Principal | None:
        principal = self._memory.recall(key)
        if principal is None:
            return None
        expired = principal.expires_at is not None and principal.expires_at <= self._clock.now()
        if expired or principal.revoked.is_set():
            self._memory.forget(key)
            return None
        return principal

    async def _ask(self, shown: Shown) -> Principal | None:
        async with self._database.transaction() as tx:
            found = await self._find(tx, shown)
        if found is None:
            return None
        await self._write_down(found)
        return replace(found, revoked=self._watch.watch(found))

    async def _find(self, tx: Transaction, shown: Shown) -> Principal | None:
        now = self._clock.now()
        hashed = shown.key[1:]
        if shown.by_cookie:
            return await self._store.find_session(tx, SessionKind.COOKIE, hashed, now)
        prefix = shown.secret.partition("_")[0]
        if prefix == "tk":
            return await self._store.find_key(tx, hashed, now)
        if prefix == "tb":
            return await self._store.find_session(tx, SessionKind.TOKEN, hashed, now)
        if prefix == "tg":
            return await self._store.find_guest(tx, hashed, now)
        return None

    async def _write_down(self, principal: Principal) -> None:
        now = self._clock.now()
        seen = principal.seen_at
        if principal.kind is PrincipalKind.GUEST or (seen and now - seen < WRITE_EVERY):
            return
        try:
            async with self._database.transaction() as tx:
                await self._store.touch(tx, principal, now, self._session_life)
        except TertuliaError as error:
            # A full disk must not lock out whoever comes to make room.
            log.warning("identity.last_use_not_written", code=error.code)

    def _heard(self, change: Change) -> None:
        if change.kind is ChangeKind.USER_CHANGED:
            self._memory.forget_where(lambda principal: principal.user_id in change.ids)
        else:
            self._memory.forget_where(lambda principal: principal.credential_id in change.ids)
