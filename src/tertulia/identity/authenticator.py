"""Turns what a request shows into who is asking, without asking the database each time."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from tertulia.identity.changes import Change, ChangeKind, Changes
from tertulia.identity.domain import Credential, Principal, PrincipalKind, SessionKind
from tertulia.identity.revocation import RevocationWatch
from tertulia.identity.store import PrincipalStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.ids import secret_hash

log = structlog.get_logger(__name__)

REMEMBERED_SECONDS = 4.0
"""How long an answer is believed when no event says otherwise; revocation promises five seconds."""
REMEMBERED = 20_000
WRITE_EVERY = timedelta(minutes=1)
"""How often the last use of a credential is written down."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The secret a request carries."""

    secret: str = field(repr=False)
    by_cookie: bool = False


@dataclass(frozen=True, slots=True)
class _Remembered:
    principal: Principal
    until: float


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
        self._remembered: dict[bytes, _Remembered] = {}
        self._asking: dict[bytes, asyncio.Task[Principal | None]] = {}
        self._changes_heard = 0
        changes.listen(self._heard)

    def known(self, shown: Shown) -> Principal | None:
        """Who it is, if that was asked a moment ago; never waits."""
        return self._recall(self._key(shown))

    async def authenticate(self, shown: Shown) -> Principal | None:
        """Who it is; None when the secret is wrong, expired or revoked."""
        key = self._key(shown)
        principal = self._recall(key)
        if principal is not None:
            return principal
        # Many requests with one credential ask the database once.
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key, shown))
            self._asking[key] = task
            task.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(task)

    async def standing(self, credential: Credential) -> Principal | None:
        """Whom a credential still stands for: for what was derived from it, such as a token for one socket."""
        async with self._database.transaction() as tx:
            found = await self._store.standing(tx, [credential], self._clock.now())
        principal = found.get(credential)
        return replace(principal, revoked=self._watch.watch(principal)) if principal else None

    def _asked(self, key: bytes, task: asyncio.Task[Principal | None]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            # Whoever waited may have gone; asyncio complains of errors that nobody looked at.
            task.exception()

    @staticmethod
    def _key(shown: Shown) -> bytes:
        # A cookie's secret is worth nothing in a header, so that no script can carry it off and use it.
        return (b"c" if shown.by_cookie else b"h") + secret_hash(shown.secret)

    def _recall(self, key: bytes) -> Principal | None:
        remembered = self._remembered.get(key)
        if remembered is None:
            return None
        principal = remembered.principal
        if (
            remembered.until <= self._clock.monotonic()
            or (principal.expires_at is not None and principal.expires_at <= self._clock.now())
            or principal.revoked.is_set()
        ):
            del self._remembered[key]
            return None
        return principal

    async def _ask(self, key: bytes, shown: Shown) -> Principal | None:
        heard = self._changes_heard
        async with self._database.transaction() as tx:
            found = await self._find(tx, shown)
        if found is None:
            return None
        await self._write_down(found)
        principal = replace(found, revoked=self._watch.watch(found))
        # What changed while we asked may not be in the answer: then it serves this request only.
        if heard == self._changes_heard:
            self._remember(key, principal)
        return principal

    async def _find(self, tx: Transaction, shown: Shown) -> Principal | None:
        now = self._clock.now()
        hashed = secret_hash(shown.secret)
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

    def _remember(self, key: bytes, principal: Principal) -> None:
        now = self._clock.monotonic()
        if len(self._remembered) >= REMEMBERED:
            self._remembered = {k: r for k, r in self._remembered.items() if r.until > now}
        if len(self._remembered) < REMEMBERED:
            self._remembered[key] = _Remembered(principal, now + REMEMBERED_SECONDS)

    def _heard(self, change: Change) -> None:
        self._changes_heard += 1
        by_user = change.kind is ChangeKind.USER_CHANGED
        self._remembered = {
            key: remembered
            for key, remembered in self._remembered.items()
            if (remembered.principal.user_id if by_user else remembered.principal.credential_id)
            not in change.ids
        }
