"""The door's use cases: a question in, an answer out, kept whole or not at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import structlog

from tertulia.blobs.domain import Blob, BlobStoreError
from tertulia.blobs.service import BlobService
from tertulia.bots.domain import Bot, Exchange
from tertulia.bots.result import Sounded, TurnEvent
from tertulia.bots.service import BotService
from tertulia.bots.turn import TurnAsked, TurnService
from tertulia.doors.voice.claims import Claim, Claims
from tertulia.doors.voice.domain import (
    BROKEN,
    GONE,
    OK,
    AudioSession,
    AudioSessionMissingError,
    Figures,
    NoSpokenAnswerError,
    SessionFilter,
    StorageError,
    VoiceAsked,
    explained,
)
from tertulia.doors.voice.files import Sent, TurnFiles
from tertulia.doors.voice.keeping import Keeper, Outside, Running
from tertulia.doors.voice.sound import SpokenAnswer
from tertulia.doors.voice.store import AudioSessionStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.errors import StorageFullError, TertuliaError, UnavailableError
from tertulia.kernel.ids import new_id
from tertulia.ledger.domain import Spender
from tertulia.ledger.service import Ledger
from tertulia.transcripts.service import TranscriptService

log = structlog.get_logger(__name__)

STORE_FAILURES = (UnavailableError, BlobStoreError, StorageFullError)

Spaces = Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Begun:
    """The turn has begun under this id."""

    session_id: UUID
    corr_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The turn as it is kept; `repeated` when it was answered before and nothing ran."""

    session: AudioSession
    repeated: bool = False


VoiceEvent = Begun | TurnEvent | Answered


class VoiceService:
    """Answers questions, and knows those it has answered."""

    def __init__(
        self,
        *,
        database: Database,
        turns: TurnService,
        bots: BotService,
        blobs: BlobService,
        hall: TranscriptService,
        ledger: Ledger,
        clock: Clock,
        outside: Outside | None = None,
        keep_requests: bool = True,
    ) -> None:
        self._database = database
        self._turns = turns
        self._bots = bots
        self._blobs = blobs
        self._hall = hall
        self._ledger = ledger
        self._clock = clock
        self._store = AudioSessionStore()
        self._keeper = Keeper(
            store=self._store,
            hall=hall,
            ledger=ledger,
            clock=clock,
            outside=outside,
        )
        self._keep_requests = keep_requests
        self._claims = Claims(database, self._store, clock)

    # The storage contract

    async def create(self, tx: Transaction, session: AudioSession) -> None:
        """Keeps a whole turn."""
        await self._store.create(tx, session)

    async def list_by_user(
        self, tx: Transaction, spaces: Spaces, user_external_id: str, limit: int, offset: int
    ) -> Sequence[AudioSession]:
        """The turns of a client's own user, the newest first."""
        return await self._store.list_by_user(tx, spaces, user_external_id, limit, offset)

    async def list_by_api_key(
        self, tx: Transaction, spaces: Spaces, api_key_id: str, limit: int, offset: int
    ) -> Sequence[AudioSession]:
        """The turns asked with one key, the newest first."""
        return await self._store.list_by_api_key(tx, spaces, api_key_id, limit, offset)

    # What was answered

    async def list(
        self, tx: Transaction, wanted: SessionFilter, limit: int, offset: int
    ) -> Sequence[AudioSession]:
        return await self._store.list(tx, wanted, limit, offset)

    async def figures(self, tx: Transaction, wanted: SessionFilter, days: int) -> Figures:
        """Times, volume and outcomes of the last days."""
        since = self._clock.now() - timedelta(days=days)
        return await self._store.figures(tx, replace(wanted, since=since))

    async def get(self, tx: Transaction, spaces: Spaces | None, id_: UUID) -> AudioSession:
        found = await self._store.find(tx, id_, spaces)
        if found is None:
            raise AudioSessionMissingError("GET /api/audio-sessions lists those there are.")
        return found

    async def sound(self, tx: Transaction, session: AudioSession, *, request: bool) -> Blob:
        """The spoken answer, or what was asked, as it was sent."""
        ref = session.tts_storage_ref
        id_ = session.request_blob_id if request else UUID(ref) if ref else None
        if id_ is None:
            raise NoSpokenAnswerError
        return await self._blobs.get(tx, id_)

    async def delete(self, tx: Transaction, spaces: Spaces, id_: UUID) -> None:
        """Removes a turn with its sound and its transcript."""
        found = await self.get(tx, spaces, id_)
        await self._remove(tx, [found.id])
        if found.transcript_id is not None:
            await self._hall.delete(tx, spaces, found.transcript_id)

    async def forget(self, tx: Transaction, transcript_ids: Sequence[UUID]) -> None:
        """Removes turns whose transcripts the hall lets go of."""
        ids = await self._store.of_transcripts(tx, transcript_ids)
        if ids:
            await self._remove(tx, ids)

    async def _remove(self, tx: Transaction, ids: Sequence[UUID]) -> None:
        gone = await self._store.remove(tx, ids)
        blobs = [UUID(s.tts_storage_ref) for s in gone if s.tts_storage_ref]
        blobs += [s.request_blob_id for s in gone if s.request_blob_id]
        if blobs:
            await self._blobs.delete(tx, *blobs)

    # Answering

    async def answer(self, asked: VoiceAsked) -> AsyncIterator[VoiceEvent]:
        """A whole turn as it happens. Closing this stops it; what was said until then is kept as such."""
        begun = await self._begun(asked)
        if isinstance(begun, AudioSession):
            yield Answered(begun, repeated=True)
            return
        async with self._claims.held(begun.claim), begun.files:
            yield Begun(begun.id, asked.corr_id)
            async with aclosing(cast(Any, self._running(begun))) as events:
                async for event in events:
                    yield event
            yield Answered(await self._kept(begun, OK))

    async def _running(self, running: Running) -> AsyncIterator[TurnEvent]:
        """The turn's events; however it ends, what it cost is written down."""
        outcome = GONE
        try:
            async with aclosing(cast(Any, running.turn.events())) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Sounded):
                        await running.sound.add(event)
            outcome = OK
        except TertuliaError as error:
            outcome = explained(error).code
            raise explained(error) from error
        except Exception:
            outcome = BROKEN
            raise
        finally:
            if outcome != OK:
                await asyncio.shield(self._noted(running, outcome))

    async def _begun(self, asked: VoiceAsked) -> Running | AudioSession:
        """A turn that this request answers, or the answer there is; waits while another request is making it."""
        while True:
            try:
                async with self._database.transaction() as tx:
                    taken = await self._claims.take(tx, asked.corr_id, asked.caller.api_key_id)
                    if isinstance(taken, AudioSession):
                        return taken
                    if taken is not None:
                        return await self._prepared(tx, asked, taken)
            except UnavailableError as error:
                raise _storage(error) from error
            except TertuliaError as error:
                raise explained(error) from error
            await self._claims.wait()

    async def _prepared(self, tx: Transaction, asked: VoiceAsked, claim: Claim) -> Running:
        """Everything a turn needs from the database, before any engine is asked."""
        caller = asked.caller
        bot = await self._bots.choose(tx, [caller.space_id], asked.bot, asked.language)
        earlier = await self._earlier(tx, asked, bot)
        wanted = TurnAsked(
            bot=bot,
            audio=asked.audio,
            text=asked.text,
            language=asked.language,
            voice=asked.voice,
            rights=caller.rights,
            history=[Exchange(s.transcript, s.reply_text) for s in earlier],
            state=earlier[-1].state if earlier else None,
            speak=asked.speak,
        )
        turn = self._turns.begin(await self._affordable(tx, asked, wanted))
        files = await TurnFiles.reserve(tx, self._blobs, asked, keep_request=self._keep_requests)
        return Running(new_id(), asked, claim, bot, turn, SpokenAnswer(asked.audio_format), files)

    async def _earlier(
        self, tx: Transaction, asked: VoiceAsked, bot: Bot
    ) -> Sequence[AudioSession]:
        if asked.conversation_id is None:
            return ()
        found = await self._store.conversation(
            tx,
            asked.caller.space_id,
            asked.caller.api_key_id,
            asked.conversation_id,
            max(1, bot.limits.history_turns),
        )
        return [session for session in found if session.bot_id == bot.id]

    async def _affordable(self, tx: Transaction, asked: VoiceAsked, wanted: TurnAsked) -> TurnAsked:
        """The turn with the engines the budget leaves; refused where it leaves none."""
        spender = Spender(asked.caller.space_id, asked.caller.key_id)
        hears, thinks, speaks = self._turns.chains(wanted)
        return replace(
            wanted,
            stt=await self._ledger.allowed(tx, spender, hears) if hears else None,
            llm=await self._ledger.allowed(tx, spender, thinks),
            tts=await self._ledger.allowed(tx, spender, speaks) if speaks else None,
        )

    async def _noted(self, running: Running, outcome: str) -> None:
        """A turn that came to no good end: what it cost, and why it ended, for the charts and the ledger."""
        try:
            await self._kept(running, outcome)
        except TertuliaError as error:
            log.warning("failed turn not kept", code=error.code)

    async def _kept(self, running: Running, outcome: str) -> AudioSession:
        """Everything of a turn in one transaction; where that fails, nothing of it is there."""
        try:
            sent = Sent()
            if outcome == OK:
                sent = await running.files.settle(await running.sound.finish())
            else:
                await running.files.close()
            async with self._database.transaction() as tx:
                session = await self._keeper.keep(tx, running, outcome, sent)
                await self._claims.end(tx, running.claim)
                return session
        except STORE_FAILURES as error:
            raise _storage(error) from error


def _storage(error: TertuliaError) -> StorageError:
    return StorageError(error.detail, cause=error.code)
