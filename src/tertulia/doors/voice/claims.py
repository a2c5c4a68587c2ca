"""One correlation id, one answer: whoever comes second, here or on another machine, waits for the first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID

import structlog

from tertulia.doors.voice.domain import OK, AudioSession, CorrIdTakenError
from tertulia.doors.voice.store import AudioSessionStore, ClaimStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.ids import new_id

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
"""After so long without a sign of life whoever answered is believed dead."""
RENEW_SECONDS = 10.0
LOOK_SECONDS = 0.2
TAKEN = "Send a corr_id of your own, best a new UUID for every question."


class Claim:
    """A correlation id that this request answers."""

    def __init__(self, corr_id: str, token: UUID) -> None:
        self.corr_id = corr_id
        self.token = token
        self.ended = False

    def end(self) -> None:
        """There is nothing left to let go of."""
        self.ended = True


class Claims:
    """Who answers what."""

    def __init__(self, database: Database, sessions: AudioSessionStore, clock: Clock) -> None:
        self._database = database
        self._sessions = sessions
        self._clock = clock
        self._store = ClaimStore()

    async def take(self, tx: Transaction, corr_id: str, owner: str) -> Claim | AudioSession | None:
        """The right to answer once `tx` is committed, or the answer there is; None while somebody is making it.

        Where it raises, `tx` is to be undone: with it goes the claim.
        """
        now, token = self._clock.now(), new_id()
        mine = await self._store.take(tx, corr_id, owner, token, now, now + LEASE)
        found = await self._sessions.by_corr_id(tx, corr_id)
        whose = found.api_key_id if found else None
        if whose is None and not mine:
            whose = await self._store.owner(tx, corr_id)
        if whose is not None and whose != owner:
            raise CorrIdTakenError(TAKEN)
        if found is not None and found.outcome == OK:
            if mine:
                await self._store.release(tx, corr_id, token)
            return found
        return Claim(corr_id, token) if mine else None

    async def wait(self) -> None:
        """A moment for whoever is making the answer."""
        await self._clock.sleep(LOOK_SECONDS)

    @asynccontextmanager
    async def held(self, claim: Claim) -> AsyncIterator[None]:
        """Keeps the claim alive meanwhile, and lets go of it at the end."""
        renewing = asyncio.create_task(self._renew(claim))
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            if not claim.ended:
                await asyncio.shield(self._let_go(claim))

    async def end(self, tx: Transaction, claim: Claim) -> None:
        """Lets go of it in the transaction that keeps the answer."""
        if await self._store.release(tx, claim.corr_id, claim.token):
            tx.after_commit(claim.end)

    async def _renew(self, claim: Claim) -> None:
        while True:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                async with self._database.transaction() as tx:
                    until = self._clock.now() + LEASE
                    await self._store.renew(tx, claim.corr_id, claim.token, until)
            except TertuliaError as error:
                log.warning("claim not renewed", code=error.code)

    async def _let_go(self, claim: Claim) -> None:
        try:
            async with self._database.transaction() as tx:
                await self._store.release(tx, claim.corr_id, claim.token)
        except TertuliaError as error:
            log.warning("claim left to run out", code=error.code)
