"""Cuts what is open when the right to it goes: at once by an event, within five seconds without one."""

import asyncio
from collections.abc import Iterable
from weakref import WeakValueDictionary

import structlog

from tertulia.identity.changes import Change, ChangeKind, Changes
from tertulia.identity.domain import Credential, Principal, PrincipalKind
from tertulia.identity.store import PrincipalStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import TertuliaError

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 2.0

_ENDED = {
    ChangeKind.SESSION_ENDED: PrincipalKind.USER,
    ChangeKind.KEY_REVOKED: PrincipalKind.KEY,
    ChangeKind.GUEST_REVOKED: PrincipalKind.GUEST,
}


class Watched:
    """One credential somebody was let in with, for as long as anybody holds on to it."""

    def __init__(self, principal: Principal) -> None:
        self.held = principal
        self.waiting = 0
        self._gone = asyncio.Event()

    def is_set(self) -> bool:
        return self._gone.is_set()

    async def wait(self) -> None:
        self.waiting += 1
        try:
            await self._gone.wait()
        finally:
            self.waiting -= 1

    def cut(self) -> None:
        self._gone.set()


class RevocationWatch:
    """Knows what is open, hears what ends, and looks for itself in case an event is lost."""

    def __init__(self, database: Database, clock: Clock, changes: Changes) -> None:
        self._database = database
        self._clock = clock
        self._store = PrincipalStore()
        self._watched: WeakValueDictionary[Credential, Watched] = WeakValueDictionary()
        self._look_now = asyncio.Event()
        changes.listen(self._heard)

    def watch(self, principal: Principal) -> Watched:
        """The handle of a credential as it was just read; who held more than it has now is cut."""
        watched = self._watched.get(principal.credential)
        if watched is None or watched.is_set() or not watched.held.keeps(principal):
            if watched is not None:
                watched.cut()
            watched = self._watched[principal.credential] = Watched(principal)
        watched.held = principal
        return watched

    async def run(self) -> None:
        """Looks again and again, until it is cancelled; it asks the database only while somebody waits."""
        while True:
            sleep = asyncio.create_task(self._clock.sleep(LOOK_EVERY_SECONDS))
            called = asyncio.create_task(self._look_now.wait())
            try:
                await asyncio.wait({sleep, called}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleep.cancel()
                called.cancel()
            self._look_now.clear()
            try:
                await self.look()
            except TertuliaError as error:
                # A database that is away takes nobody's rights.
                log.warning("identity.watch_failed", code=error.code)

    async def look(self) -> None:
        """Reads again what somebody waits on, and cuts what is not as it was."""
        waited = [watched for watched in list(self._watched.values()) if watched.waiting]
        if not waited:
            return
        async with self._database.transaction() as tx:
            standing = await self._store.standing(
                tx, [watched.held.credential for watched in waited], self._clock.now()
            )
        for watched in waited:
            if not watched.held.keeps(standing.get(watched.held.credential)):
                watched.cut()

    def _heard(self, change: Change) -> None:
        kind = _ENDED.get(change.kind)
        if kind is not None:
            self._cut((kind, id_) for id_ in change.ids)
        elif any(watched.held.user_id in change.ids for watched in self._watched.values()):
            self._look_now.set()

    def _cut(self, credentials: Iterable[Credential]) -> None:
        for credential in credentials:
            watched = self._watched.get(credential)
            if watched is not None:
                watched.cut()
