"""Bots and the voice door put together: who answers, with which tools, and what is kept of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter

from tertulia.blobs.service import BlobService
from tertulia.bots import api as bots_api
from tertulia.bots import domain as bots
from tertulia.bots.service import BotService
from tertulia.bots.thinking import Thinker
from tertulia.bots.tools import HallSearch, Toolbox
from tertulia.bots.turn import TurnService
from tertulia.doors.voice import api as voice_api
from tertulia.doors.voice import domain as voice
from tertulia.doors.voice.service import VoiceService
from tertulia.identity.service import IdentityService
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.kernel.outbound import OutboundGuard, guarded_client
from tertulia.kernel.sealing import Seal
from tertulia.kernel.settings import Settings
from tertulia.language.service import LanguageService
from tertulia.ledger.service import Ledger
from tertulia.speech.service import SpeechService
from tertulia.transcripts.service import TranscriptService
from tertulia.webhooks import Webhooks

if TYPE_CHECKING:
    from tertulia.server.wiring import Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VoiceParts:
    """Bots, the turns every door runs, and the voice door."""

    bots: BotService
    turns: TurnService
    toolbox: Toolbox
    voice: VoiceService

    async def start(self, database: Database) -> None:
        """Seals what is still plain, or sealed with a key that was changed."""
        async with database.transaction() as tx:
            sealed = await self.bots.seal_anew(tx)
        if sealed:
            log.info("secrets of bots sealed", bots=sealed)

    async def close(self) -> None:
        await self.toolbox.close()


def build_voice(
    settings: Settings,
    database: Database,
    identity: IdentityService,
    webhooks: Webhooks,
    blobs: BlobService,
    ledger: Ledger,
    speech: SpeechService,
    language: LanguageService,
    hall: TranscriptService,
    clock: Clock,
) -> VoiceParts:
    """Puts the parts together; opens nothing."""
    identity.scopes.register(bots.READ, "See the bots of one's spaces and take them along.")
    identity.scopes.register(bots.WRITE, "Make, change, try and remove bots.")
    identity.scopes.register(voice.READ, "List the turns of the voice door and listen to them.")
    identity.scopes.register(voice.WRITE, "Ask bots, by voice and in writing, and remove turns.")
    for name, (meaning, example) in voice.OUTSIDE.items():
        webhooks.types.register(name, meaning, example)
    guard = OutboundGuard(settings.tool_allowed_networks)
    client = guarded_client(guard, timeout_seconds=settings.tool_timeout_seconds)
    seal = Seal(settings.data.expanduser().absolute(), settings.secret_key)
    toolbox = Toolbox(client, HallSearch(database, hall), seal)
    turns = TurnService(speech, Thinker(language, toolbox, clock), clock)
    service = BotService(clock, seal, default=settings.bot)
    door = VoiceService(
        database=database,
        turns=turns,
        bots=service,
        blobs=blobs,
        hall=hall,
        ledger=ledger,
        clock=clock,
        outside=webhooks,
        keep_requests=settings.keep_uploads,
    )
    hall.before_erasure(door.forget)
    return VoiceParts(service, turns, toolbox, door)


def voice_routers(services: "Services") -> list[APIRouter]:
    """Their routes."""
    parts, settings, clock = services.talk, services.settings, services.clock
    links = voice_api.Links(
        clock, public_url=settings.public_url or "", seconds=settings.voice_link_seconds
    )
    return [
        bots_api.router(parts.bots, parts.turns, services.ledger, services.access, clock),
        voice_api.router(
            parts.voice,
            services.access,
            services.blob_store,
            clock,
            links,
            max_audio_bytes=settings.voice_max_bytes,
        ),
    ]
