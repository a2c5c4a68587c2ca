"""What is left of a turn: its row, its sound, its transcript, and what it cost, all in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from tertulia.bots.domain import Bot
from tertulia.bots.result import TurnResult
from tertulia.bots.turn import Turn
from tertulia.doors.voice.claims import Claim
from tertulia.doors.voice.domain import OK, TURN, AudioSession, VoiceAsked
from tertulia.doors.voice.files import Sent, TurnFiles
from tertulia.doors.voice.sound import SpokenAnswer
from tertulia.doors.voice.store import AudioSessionStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import UnavailableError
from tertulia.kernel.ids import new_secret
from tertulia.ledger.domain import Use
from tertulia.ledger.service import Ledger
from tertulia.transcripts.domain import Draft, Kind
from tertulia.transcripts.service import TranscriptService

DOOR = "voice"


class Outside(Protocol):
    """Tells those outside the server who asked to know; webhooks/ does it."""

    async def emit(
        self, tx: Transaction, space_id: UUID, type_: str, data: Mapping[str, Any]
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Running:
    """A turn under way and all that belongs to it."""

    id: UUID
    asked: VoiceAsked
    claim: Claim
    bot: Bot
    turn: Turn
    sound: SpokenAnswer
    files: TurnFiles

    def session(self, outcome: str, clock: Clock) -> AudioSession:
        """The turn as it is kept, without what is stored elsewhere."""
        asked, result, thought = self.asked, self.turn.result, self.turn.result.thought
        total = timedelta(milliseconds=result.total_ms)
        return AudioSession(
            id=self.id,
            corr_id=asked.corr_id,
            api_key_id=asked.caller.api_key_id,
            user_external_id=asked.user_external_id,
            created_at=clock.now() - total,
            request_mime_type=asked.mime_type,
            request_duration_seconds=round(result.input_seconds, 3),
            transcript=result.transcript,
            reply_text=result.reply.strip(),
            tts_available=False,
            tts_storage_ref=None,
            usage_stt_ms=result.stt_ms,
            usage_llm_ms=result.llm_ms,
            usage_tts_ms=result.tts_ms,
            usage_total_ms=result.total_ms,
            provider_stt=result.provider_stt,
            provider_llm=result.provider_llm,
            provider_tts=result.provider_tts,
            meta_tags=asked.meta,
            space_id=asked.caller.space_id,
            bot_id=self.bot.id,
            bot_name=self.bot.name,
            outcome=outcome,
            user_id=asked.caller.user_id,
            conversation_id=asked.conversation_id,
            language=result.language,
            output_seconds=round(result.output_seconds, 3),
            first_word_ms=result.first_word_ms,
            first_sound_ms=result.first_sound_ms,
            outcome_detail=_detail(result),
            form=thought.form,
            form_values=thought.values if thought.form else {},
            ends=thought.ends,
            state=thought.state,
            link_secret=new_secret(),
        )


def _detail(result: TurnResult) -> str | None:
    """What went wrong beside the answer."""
    if result.voice_error is not None:
        return "audio.tts_error"
    return f"audio.{result.cut_error}" if result.cut_error else None


def _drafts(asked: VoiceAsked, result: TurnResult, bot: Bot) -> list[Draft]:
    """Who said what; written words take no time."""
    person = asked.user_external_id or (
        str(asked.caller.user_id) if asked.caller.user_id and not asked.caller.key_id else None
    )
    speaker = asked.caller.rights.name or asked.user_external_id
    drafts: list[Draft] = []
    if result.transcript:
        drafts.append(
            Draft(
                "question",
                result.transcript,
                0.0,
                result.input_seconds,
                speaker=speaker,
                person=person,
                language=result.language,
                words=result.heard_words,
            )
        )
    if result.reply.strip():
        start = result.input_seconds
        end = start + result.output_seconds
        drafts.append(
            Draft(
                "answer",
                result.reply.strip(),
                start,
                end,
                speaker=bot.name,
                language=bot.language or result.language,
            )
        )
    return drafts


def _uses(asked: VoiceAsked, result: TurnResult, session: AudioSession) -> list[Use]:
    return [
        Use(
            door=DOOR,
            space_id=session.space_id,
            engine=use.engine,
            model=use.model,
            unit=use.unit,
            quantity=use.quantity,
            transcript_id=session.transcript_id,
            person=asked.user_external_id,
            user_id=session.user_id,
            api_key_id=asked.caller.key_id,
            latency_ms=use.latency_ms,
        )
        for use in result.uses
    ]


class Keeper:
    """Writes turns down."""

    def __init__(
        self,
        *,
        store: AudioSessionStore,
        hall: TranscriptService,
        ledger: Ledger,
        clock: Clock,
        outside: Outside | None,
    ) -> None:
        self._store = store
        self._hall = hall
        self._ledger = ledger
        self._clock = clock
        self._outside = outside

    async def keep(
        self, tx: Transaction, running: Running, outcome: str, sent: Sent
    ) -> AudioSession:
        """Everything of a turn; `sent` is its sound."""
        asked, result = running.asked, running.turn.result
        session = running.session(outcome, self._clock)
        if sent.reply is not None:
            session = replace(session, tts_available=True, tts_storage_ref=str(sent.reply.id))
        if sent.request is not None:
            session = replace(session, request_blob_id=sent.request.id)
        if outcome == OK:
            session = await self._in_the_hall(tx, running, session)
        if not await self._store.create(tx, session):
            raise UnavailableError(
                "Another request has answered this corr_id meanwhile. Send it again."
            )
        await running.files.keep(tx, sent)
        await self._ledger.record(tx, *_uses(asked, result, session))
        if self._outside is not None:
            data = {
                "id": str(session.id),
                "corr_id": session.corr_id,
                "bot_id": str(session.bot_id),
                "outcome": session.outcome,
                "form": session.form,
            }
            await self._outside.emit(tx, session.space_id, TURN, data)
        return session

    async def _in_the_hall(
        self, tx: Transaction, running: Running, session: AudioSession
    ) -> AudioSession:
        """The turn as a conversation of two."""
        drafts = _drafts(running.asked, running.turn.result, running.bot)
        if not drafts:
            return session
        made = await self._hall.record(
            tx,
            session.space_id,
            Kind.VOICE,
            drafts,
            title=running.bot.name,
            source_id=str(session.id),
            language=session.language,
            provider=session.provider_stt or None,
            started_at=session.created_at,
            tags=[f"{name}:{value}" for name, value in session.meta_tags.items()],
            created_by=session.user_id,
        )
        return replace(session, transcript_id=made.id)
