"""Live sessions put together: the door, its sockets beside FastAPI, and what runs while the server does."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from starlette.types import ASGIApp, Receive, Scope, Send

from tertulia.doors.live import api, captions, deepgram, socket, tasks
from tertulia.doors.live.commits import Commits
from tertulia.doors.live.entry import Doorkeeper
from tertulia.doors.live.machine import Machine
from tertulia.doors.live.node import LiveNode, Waits
from tertulia.doors.live.ports import Ports
from tertulia.doors.live.service import LiveService
from tertulia.events.service import Events
from tertulia.identity.access import Access
from tertulia.identity.authenticator import Authenticator
from tertulia.identity.rate_limits import RateLimiter
from tertulia.identity.service import IdentityService
from tertulia.jobs.service import Jobs
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database
from tertulia.kernel.settings import Settings
from tertulia.ledger.service import Ledger
from tertulia.server.speech import Speech
from tertulia.speech.service import EngineInfo, SpeechService
from tertulia.transcripts.appending import Appending
from tertulia.transcripts.service import TranscriptService

GPU = Path("/dev/nvidia0")


@dataclass(frozen=True, slots=True)
class Names:
    """Says which live engines would hear something."""

    speech: SpeechService

    def live_names(self, engine: str | None, language: str | None) -> Sequence[str]:
        return [link.engine.name for link in self.speech.live_recognizer(engine, language).links]

    def all_names(self) -> Sequence[str]:
        return [engine.name for engine in self.speech.engines() if engine.kind == "live"]


@dataclass(frozen=True, slots=True)
class Live:
    """The parts of the door."""

    service: LiveService
    node: LiveNode
    commits: Commits
    speech: SpeechService

    def router(self, access: Access) -> APIRouter:
        return api.router(self.service, self.node, access, self._engines)

    def _engines(self) -> Sequence[EngineInfo]:
        return self.speech.engines()

    def sockets(
        self,
        database: Database,
        clock: Clock,
        access: Access,
        authenticator: Authenticator,
        limiter: RateLimiter,
        events: Events,
    ) -> Mapping[str, ASGIApp]:
        """Each socket's application by its address."""
        door = Doorkeeper(database, clock, self.service, access, authenticator)
        shared = (database, clock, self.service, self.node, door)
        return {
            socket.PATH: socket.LiveSocket(*shared, limiter),
            captions.PATH: captions.CaptionSocket(*shared, events),
            deepgram.PATH: deepgram.DeepgramSocket(*shared, limiter),
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Live"]:
        """Takes sessions while the block runs; speech has to run outside it."""
        async with self.commits.running(), self.node.running():
            yield self


def build_live(
    settings: Settings,
    database: Database,
    clock: Clock,
    *,
    identity: IdentityService,
    hall: TranscriptService,
    events: Events,
    ledger: Ledger,
    speech: Speech,
    jobs: Jobs,
) -> Live:
    """Puts the door together."""
    waits = Waits(
        connect=settings.live_connect_seconds,
        idle=settings.live_idle_seconds,
        reconnect=settings.live_reconnect_seconds,
    )
    machine = Machine(clock, gpu=GPU.exists)
    node = LiveNode(database, events, clock, machine, waits)
    service = LiveService(
        database,
        clock,
        hall=hall,
        events=events,
        ledger=ledger,
        node=node,
        engines=Names(speech.service),
        load=speech.load,
        most_sessions=settings.live_max_sessions,
    )
    commits = Commits(database, clock, Appending(clock, events))
    node.holding = service
    node.ports = Ports(
        clock=clock,
        commits=commits,
        open_live=speech.service.open_live,
        open_decoder=speech.decoder.stream,
        publish=node.publish,
        complete=service.complete,
        leave=node.leave,
    )
    tasks.register(jobs, service, keep_log_days=settings.live_log_days)
    hall.before_erasure(service.forget)
    identity.spaces.before_removal(service.delete_space)
    return Live(service, node, commits, speech.service)


class Sockets:
    """Hands WebSockets with an address of their own past FastAPI, which would cost every frame."""

    def __init__(self, app: ASGIApp, sockets: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            own = self._sockets.get(scope["path"])
            if own is not None:
                await own(scope, receive, send)
                return
        await self._app(scope, receive, send)
