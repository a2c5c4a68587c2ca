"""The speech host as the server sees it: always there, whatever happens to the process behind it."""

import asyncio
import itertools
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import TertuliaError
from tertulia.speech.domain import (
    Capabilities,
    LiveStream,
    Recognition,
    RecognitionOptions,
    Samples,
)
from tertulia.speech.engines.base import (
    BaseLiveRecognizer,
    BaseRecognizer,
    EngineObserver,
    Patience,
)
from tertulia.speech.host import wire
from tertulia.speech.host.errors import HostDownError
from tertulia.speech.host.guests import FileGuest, Guest, HostStream, Question
from tertulia.speech.host.models import ModelSpec
from tertulia.speech.host.process import SILENT_SECONDS, Death, HostProcess
from tertulia.speech.host.wire import Message, Op

log = structlog.get_logger(__name__)

RESTART_SECONDS = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""How long a host stays down after its first, second … death within `CRASH_MEMORY_SECONDS`."""
CRASH_MEMORY_SECONDS = 60.0
HOPELESS_STARTS = 3
"""After so many hosts that died before they answered, those who wait are told."""
HOST_PATIENCE = Patience(open_timeout_seconds=120.0, finish_timeout_seconds=300.0)
"""Opening a stream may have to load, or even fetch, its model; the host itself ends calls that hang."""


@dataclass(frozen=True, slots=True)
class HostConfig:
    """What a speech host is made of. Names of models are the server's own."""

    models: Mapping[str, ModelSpec]
    workers: int = 0
    memory_bytes: int = 8 * 1024**3
    max_live: int = 0
    device: str = "cpu"
    warm: Sequence[str] = ()
    """Models loaded at the start, and again after a crash."""
    call_seconds: float = 60.0
    file_seconds: float = 900.0
    load_seconds: float = 3600.0
    silent_seconds: float = SILENT_SECONDS
    detector: str = "tertulia.speech.activity:ActivityStream"
    policy: Mapping[str, float] = field(default_factory=dict)
    cadence: Mapping[str, float] = field(default_factory=dict)
    batching: Mapping[str, float] = field(default_factory=dict)

    def to_wire(self) -> dict[str, Any]:
        body = asdict(self)
        for ours in ("warm", "silent_seconds"):
            del body[ours]
        return {**body, "workers": self.workers or os.cpu_count() or 1}


class SpeechHost:
    """Starts the child, watches it, restarts it, and carries streams and files over."""

    def __init__(self, config: HostConfig) -> None:
        self._config = config
        self._numbers = itertools.count(1)
        self._guests: dict[int, Guest] = {}
        self._host: HostProcess | None = None
        self._deaths: asyncio.Queue[Death] = asyncio.Queue()
        self._crashes: deque[float] = deque()
        self._restarts = 0
        self._failed_starts = 0
        self._answered = False
        self._keeper: asyncio.Task[None] | None = None
        self._warming: set[asyncio.Task[Any]] = set()
        self._known: dict[str, Capabilities] = {}

    async def start(self) -> None:
        """Starts the host. Its models are loaded while it already answers."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Ends the host and everything in it."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for task in self._warming:
            task.cancel()
        await asyncio.gather(*self._warming, return_exceptions=True)
        self._fail_all(HostDownError("The speech host has been closed."))
        if self._host is not None:
            await self._host.close()
            self._host = None

    def recognizer(
        self,
        name: str,
        *,
        capabilities: Capabilities | None = None,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = HOST_PATIENCE,
    ) -> "HostRecognizer":
        """Whole files by the model `name`."""
        known = capabilities or self._known.get(name) or Capabilities()
        return HostRecognizer(self, name, known, clock=clock, observer=observer, patience=patience)

    def live_recognizer(
        self,
        name: str,
        *,
        capabilities: Capabilities | None = None,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = HOST_PATIENCE,
    ) -> "HostLiveRecognizer":
        """Live streams by the model `name`."""
        known = capabilities or self._known.get(name) or Capabilities()
        return HostLiveRecognizer(
            self, name, known, clock=clock, observer=observer, patience=patience
        )

    async def load(self, name: str) -> Capabilities:
        """Loads the model `name`, if it is not, and says what it can do."""
        body = await self._ask(Op.LOAD, {"model": name})
        self._known[name] = wire.capabilities_from_wire(body["capabilities"])
        return self._known[name]

    async def snapshot(self) -> dict[str, Any]:
        """Figures for metrics: queue, batches, real-time factor, cadence, capacity, memory, restarts."""
        body: dict[str, Any] = await self._ask(Op.SNAPSHOT)
        audio, spent = body["audio_seconds"], body["call_seconds"]
        body["restarts"] = self._restarts
        body["real_time_factor"] = {k: spent[k] / audio[k] for k in spent if audio.get(k)}
        body["batch_size"] = {k: body["windows"][k] / n for k, n in body["calls"].items() if n}
        return body

    async def transcribe(
        self, model: str, samples: Samples, options: RecognitionOptions
    ) -> Recognition:
        """Reads a file; it survives one death of the host."""
        guest = FileGuest(next(self._numbers), model, samples, options)
        self._admit(guest)
        try:
            return await guest.recognition()
        finally:
            self._dismiss(guest)

    async def open(
        self, model: str, options: RecognitionOptions, offset_seconds: float
    ) -> HostStream:
        """Opens a live stream."""
        stream = HostStream(next(self._numbers), model, options, offset_seconds)
        stream.left = lambda: self._dismiss(stream)
        self._admit(stream)
        try:
            await stream.opened
        except asyncio.CancelledError:
            await stream.cancel()
            raise
        return stream

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        process = self._host.process if self._host is not None else None
        return process.pid if process is not None else None

    async def _ask(self, op: Op, body: Any = None) -> Any:
        question = Question(op, next(self._numbers), body)
        self._admit(question)
        try:
            return await question.answer
        finally:
            self._dismiss(question)

    def _admit(self, guest: Guest) -> None:
        if self._keeper is None or self._keeper.done() or self._failed_starts >= HOPELESS_STARTS:
            guest.fail(_down())
            return
        self._guests[guest.number] = guest
        if self._host is not None and self._answered:
            guest.move(self._host.send)

    def _dismiss(self, guest: Guest) -> None:
        """The guest has what it came for, or no longer wants it."""
        known = self._guests.pop(guest.number, None)
        if known is not None and not known.served and self._host is not None:
            self._host.send(Message(Op.CANCEL, guest.number))

    def _received(self, message: Message) -> None:
        guest = self._guests.get(message.id)
        if guest is not None:
            guest.received(message)

    async def _spawn(self) -> None:
        self._host = HostProcess(
            self._received, self._deaths.put_nowait, self._config.silent_seconds
        )
        self._answered = await self._host.start(self._config.to_wire())
        if not self._answered:
            return
        self._failed_starts = 0
        for guest in list(self._guests.values()):
            guest.move(self._host.send)
        for name in self._config.warm:
            task = asyncio.create_task(self._warm(name))
            self._warming.add(task)
            task.add_done_callback(self._warming.discard)

    async def _warm(self, name: str) -> None:
        try:
            await self.load(name)
        except TertuliaError as error:
            log.warning("model could not be loaded", model=name, code=error.code)

    async def _keep(self) -> None:
        """Starts the next host whenever one has died."""
        while True:
            death = await self._deaths.get()
            started, self._answered = self._answered, False
            self._failed_starts = 0 if started else self._failed_starts + 1
            for guest in list(self._guests.values()):
                guest.move(None)
                if guest.number in death.suspects:
                    guest.struck()
            if self._failed_starts >= HOPELESS_STARTS:
                self._fail_all(_down())
            await asyncio.sleep(self._pause())
            self._restarts += 1
            await self._spawn()

    def _pause(self) -> float:
        now = time.monotonic()
        self._crashes.append(now)
        while now - self._crashes[0] > CRASH_MEMORY_SECONDS:
            self._crashes.popleft()
        return RESTART_SECONDS[min(len(self._crashes), len(RESTART_SECONDS)) - 1]

    def _fail_all(self, error: TertuliaError) -> None:
        for guest in list(self._guests.values()):
            guest.fail(error)
        self._guests.clear()


def _down() -> HostDownError:
    return HostDownError(
        "The speech host is not running. The server's log says why; it is started again by itself.",
        retry_after_seconds=RESTART_SECONDS[-1],
    )


class HostRecognizer(BaseRecognizer):
    """Whole files by a model in the speech host."""

    def __init__(
        self,
        host: SpeechHost,
        name: str,
        capabilities: Capabilities,
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = HOST_PATIENCE,
    ) -> None:
        super().__init__(name, capabilities, clock=clock, observer=observer, patience=patience)
        self._host = host

    async def _transcribe_impl(self, samples: Samples, options: RecognitionOptions) -> Recognition:
        return await self._host.transcribe(self.name, samples, options)


class HostLiveRecognizer(BaseLiveRecognizer):
    """Live streams by a model in the speech host."""

    def __init__(
        self,
        host: SpeechHost,
        name: str,
        capabilities: Capabilities,
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = HOST_PATIENCE,
    ) -> None:
        super().__init__(name, capabilities, clock=clock, observer=observer, patience=patience)
        self._host = host

    async def _open_impl(self, options: RecognitionOptions, offset_seconds: float) -> LiveStream:
        return await self._host.open(self.name, options, offset_seconds)
