"""The engine room: sessions, files and models inside the host, and the threads that work on them."""

import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from tertulia.speech.domain import RecognitionOptions, Samples
from tertulia.speech.host import wire
from tertulia.speech.host.calling import call, warm_up
from tertulia.speech.host.capacity import Cadence, CadencePolicy, Kind, capacity
from tertulia.speech.host.errors import EngineBusyError, to_wire
from tertulia.speech.host.files import FileCutter, FileReader, FileWindow
from tertulia.speech.host.models import LoadedModel, ModelCache, ModelSpec, rss_bytes
from tertulia.speech.host.record import FlightRecord
from tertulia.speech.host.scheduler import Batch, BatchRule, Scheduler
from tertulia.speech.host.stats import Stats
from tertulia.speech.host.wire import Message, Op
from tertulia.speech.host.work import FileJob, LiveSession
from tertulia.speech.live import (
    ActivityDetector,
    StreamDecoder,
    WindowDecoder,
)
from tertulia.speech.live.policy import LIVE_POLICY
from tertulia.speech.local import LocalStream, Reading

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 15.0
CPU_RULE = BatchRule(quick_windows=4, spread=True)
"""Decoders of partials share each step's walk through the weights; of full windows the encoder is the cost."""
GPU_RULE = BatchRule(quick_windows=16, full_windows=16, file_windows=16, wait_seconds=0.005)
"""A GPU reads many windows in the time of one."""


@dataclass(frozen=True, slots=True)
class RoomConfig:
    """What the server tells its host when it starts it; plain values, for it crosses a socket."""

    models: Mapping[str, ModelSpec]
    workers: int
    memory_bytes: int
    detector: str = "tertulia.speech.activity:ActivityStream"
    max_live: int = 0
    call_seconds: float = 60.0
    """Longest a single window may take before the host counts as hung."""
    file_seconds: float = 900.0
    load_seconds: float = 3600.0
    policy: Mapping[str, float] = field(default_factory=dict)
    cadence: Mapping[str, float] = field(default_factory=dict)
    batching: Mapping[str, float] = field(default_factory=dict)


class EngineRoom:
    """Answers messages of the server. `send` may be called from any thread."""

    def __init__(
        self, config: RoomConfig, record: FlightRecord, send: Callable[[Message], None]
    ) -> None:
        self._config = config
        self._record = record
        self._send = send
        self._policy = replace(LIVE_POLICY, **dict[str, Any](config.policy))
        cadence = Cadence(CadencePolicy(**config.cadence), config.workers)
        rule = replace(CPU_RULE, **dict[str, Any](config.batching))
        self._scheduler = Scheduler(config.workers, rule, cadence)
        self._models = ModelCache(config.models, config.memory_bytes)
        self._changed = threading.Condition()
        self._openings: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._expected: set[int] = set()
        self._uncut: queue.SimpleQueue[tuple[FileJob, Samples]] = queue.SimpleQueue()
        self._detector = _named(config.detector)
        self._stats = Stats()

    def start(self) -> None:
        """Starts the workers, the thread that loads models and opens streams, and the one that cuts files."""
        for number in range(self._config.workers):
            threading.Thread(target=self._work, args=(number,), daemon=True).start()
        threading.Thread(target=self._open_all, daemon=True).start()
        threading.Thread(target=self._cut_all, daemon=True).start()

    def handle(self, message: Message) -> None:
        """Takes one message; called on the thread that reads the socket."""
        if message.op in {Op.OPEN, Op.FILE, Op.LOAD}:
            with self._changed:
                self._expected.add(message.id)
            self._openings.put(message)
            return
        with self._changed:
            if message.op is Op.AUDIO:
                self._audio(message.id, message.body)
            elif message.op is Op.FINISH:
                self._finish(message.id)
            elif message.op is Op.CANCEL:
                self._cancel(message.id)
            elif message.op is Op.SNAPSHOT:
                self._send(Message(Op.ANSWER, message.id, self._snapshot()))
            self._changed.notify()

    def evict(self) -> None:
        """Memory runs short: lets go of models nobody uses."""
        self._models.evict()

    def _open_all(self) -> None:
        slot = self._config.workers
        openers = {Op.LOAD: self._load, Op.OPEN: self._open, Op.FILE: self._file}
        while True:
            message = self._openings.get()
            self._record.begin(slot, (message.id,), self._config.load_seconds)
            try:
                openers[message.op](message.id, message.body)
            except Exception as error:  # noqa: BLE001 - an engine may raise anything
                self._fail(message.id, error)
            finally:
                self._record.end(slot)
                with self._changed:
                    self._expected.discard(message.id)

    def _load(self, number: int, body: dict[str, Any]) -> None:
        model = self._ready(body["model"])
        self._send(Message(Op.ANSWER, number, self._described(model)))

    def _ready(self, key: str, *, warm: bool = True) -> LoadedModel:
        """The model, loaded, and with its costs measured unless there is no time for it."""
        known = self._models.find(key)
        if known is not None:
            return known
        model = self._models.get(key)
        if getattr(model.first, "device", "cpu") == "cuda" and not self._config.batching:
            self._scheduler.rule = GPU_RULE
        if warm:
            warm_up(model)
        return model

    def _open(self, number: int, body: dict[str, Any]) -> None:
        # After a crash somebody is speaking: what things cost is learnt from the work itself.
        model = self._ready(body["model"], warm=not body["again"])
        options = wire.options_from_wire(body["options"])
        with self._changed:
            if not body["again"]:
                self._admit(model)
        stream = model.first.stream(options) if model.first.capabilities.streaming else None
        session = self._session(number, model, options, stream, body)
        with self._changed:
            if not self._still_expected(number):
                return
            self._scheduler.lives[number] = session
            model.users += 1
            self._send(Message(Op.ANSWER, number, self._described(model)))

    def _session(
        self,
        number: int,
        model: LoadedModel,
        options: RecognitionOptions,
        stream: LocalStream | None,
        body: dict[str, Any],
    ) -> LiveSession:
        kind = WindowDecoder if stream is None else StreamDecoder
        decoder = kind(
            self._detector(),
            options,
            offset_seconds=body["offset"],
            policy=self._policy,
            context=body["context"],
        )
        return LiveSession(
            number,
            model,
            decoder,
            stream,
            lambda heard: self._send(
                Message(Op.HEARD, number, [wire.hypothesis_to_wire(h) for h in heard])
            ),
            alone_until=body["alone_until"],
        )

    def _admit(self, model: LoadedModel) -> None:
        held = len(self._scheduler.lives)
        room = capacity(model.costs, self._config.workers, self._config.max_live)
        if held >= room:
            self._stats.refused += 1
            raise EngineBusyError(
                f"This machine follows {room} live streams at a time. Try again in a moment, "
                "add a machine, or choose a smaller model.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )

    def _file(self, number: int, body: dict[str, Any]) -> None:
        model = self._ready(body["model"])
        options = wire.options_from_wire(body["options"])
        whole = options.diarise and model.first.capabilities.diarisation
        reader = FileReader(options, FileCutter(self._detector()), body["samples"], whole)
        job = FileJob(number, model, reader, time.monotonic(), alone=body["alone"])
        with self._changed:
            if not self._still_expected(number):
                return
            self._scheduler.files[number] = job
            model.users += 1
            self._ask_for_more(job)

    def _audio(self, number: int, data: bytes) -> None:
        samples = wire.samples_from_wire(data)
        session = self._scheduler.lives.get(number)
        if session is not None:
            session.feed(samples, time.monotonic())
            self._stats.live_samples += len(samples)
            return
        job = self._scheduler.files.get(number)
        if job is not None:
            self._uncut.put((job, samples))

    def _cut_all(self) -> None:
        """Voice activity of files, which would hold up live audio where that is read."""
        while True:
            job, samples = self._uncut.get()
            if job.cancelled:
                continue
            try:
                cuts = job.reader.cut(samples)
            except Exception as error:  # noqa: BLE001 - one file must not end the thread of all
                with self._changed:
                    self._fail(job.number, error)
                continue
            with self._changed:
                job.reader.add(cuts, len(samples))
                self._stats.file_samples += len(samples)
                self._ask_for_more(job)
                self._finish_file(job)
                self._changed.notify_all()

    def _finish(self, number: int) -> None:
        session = self._scheduler.lives.get(number)
        if session is not None:
            session.finish()
            self._close_if_finished(session)

    def _still_expected(self, number: int) -> bool:
        """Whether nobody has cancelled what took so long to open."""
        expected = number in self._expected
        self._expected.discard(number)
        return expected

    def _pop(self, number: int) -> LiveSession | FileJob | None:
        lives, files = self._scheduler.lives, self._scheduler.files
        if number in lives:
            return lives.pop(number)
        return files.pop(number) if number in files else None

    def _cancel(self, number: int) -> None:
        self._expected.discard(number)
        source = self._pop(number)
        if source is not None:
            source.cancelled = True
            source.model.users -= 1

    def _ask_for_more(self, job: FileJob) -> None:
        wanted = job.reader.wanted()
        if wanted:
            self._send(Message(Op.MORE, job.number, wanted))

    def _finish_file(self, job: FileJob) -> None:
        files = self._scheduler.files
        if job.reader.finished and files.get(job.number) is job:
            del files[job.number]
            job.model.users -= 1
            found = job.reader.recognition(job.model.key)
            self._send(Message(Op.ANSWER, job.number, wire.recognition_to_wire(found)))

    def _close_if_finished(self, session: LiveSession) -> None:
        lives = self._scheduler.lives
        if session.decoder.finished and lives.get(session.number) is session:
            del lives[session.number]
            session.model.users -= 1
            self._send(Message(Op.FINISHED, session.number))

    def _fail(self, number: int, error: Exception) -> None:
        where = traceback.extract_tb(error.__traceback__)[-1:]
        place = f"{where[0].filename}:{where[0].lineno}" if where else "unknown"
        log.warning("speech host call failed", kind=type(error).__name__, place=place)
        self._cancel(number)
        self._send(Message(Op.FAILED, number, to_wire(error)))

    def _work(self, slot: int) -> None:
        while True:
            with self._changed:
                batch = self._next()
            ids = tuple(dict.fromkeys(item.owner.number for item in batch.items))
            self._record.begin(slot, ids, self._limit(batch))
            try:
                answers = call(batch)
            except Exception as error:  # noqa: BLE001 - an engine may raise anything
                self._record.end(slot)
                self._give_up(batch, error)
                continue
            self._record.end(slot)
            self._take(batch, answers)

    def _next(self) -> Batch:
        while True:
            now = time.monotonic()
            batch = self._scheduler.pick(now)
            if batch is not None:
                # What is left may be for another worker.
                self._changed.notify()
                return batch
            self._changed.wait(self._scheduler.wait_seconds(now))

    def _limit(self, batch: Batch) -> float:
        owner = batch.items[0].owner
        whole = isinstance(owner, FileJob) and owner.reader.whole
        return self._config.file_seconds if whole else self._config.call_seconds

    def _take(self, batch: Batch, answers: list[Any]) -> None:
        with self._changed:
            now = time.monotonic()
            self._scheduler.done(batch, now)
            self._stats.called(batch, now)
            for item, answer in zip(batch.items, answers, strict=True):
                try:
                    self._accept(item.owner, item.request, answer, now - item.waited_since)
                except Exception as error:  # noqa: BLE001 - what an engine answers may make no sense
                    self._fail(item.owner.number, error)
            self._changed.notify_all()

    def _accept(
        self, owner: LiveSession | FileJob, request: object, answer: Any, waited: float
    ) -> None:
        if isinstance(owner, LiveSession):
            owner.accept(request, answer, waited)
            self._close_if_finished(owner)
            return
        assert isinstance(request, FileWindow)
        owner.running -= 1
        if owner.cancelled:
            return
        if isinstance(answer, Reading):
            owner.reader.accept(request, answer)
        else:
            owner.reader.accept_whole(request, answer)
        self._ask_for_more(owner)
        self._finish_file(owner)

    def _give_up(self, batch: Batch, error: Exception) -> None:
        with self._changed:
            self._scheduler.done(batch, time.monotonic())
            for number in dict.fromkeys(item.owner.number for item in batch.items):
                self._fail(number, error)
            self._changed.notify_all()

    def _described(self, model: LoadedModel) -> dict[str, Any]:
        return {
            "capabilities": wire.capabilities_to_wire(model.first.capabilities),
            "capacity": capacity(model.costs, self._config.workers, self._config.max_live),
            "costs": {kind.value: cost for kind, cost in model.costs.seconds.items()},
        }

    def _snapshot(self) -> dict[str, Any]:
        now = time.monotonic()
        models = self._models.loaded
        cadences = {m.key: self._scheduler.current_cadence(Kind.QUICK, m, now) for m in models}
        return {
            "streams": len(self._scheduler.lives),
            "speaking": sum(1 for s in self._scheduler.lives.values() if s.speaking),
            "files": len(self._scheduler.files),
            "queued": self._scheduler.queued,
            "running": self._scheduler.running,
            "workers": self._config.workers,
            "rss_bytes": rss_bytes(),
            "models": {m.key: {**self._described(m), "cadence": cadences[m.key]} for m in models},
            **self._stats.told(),
        }


def _named(name: str) -> Callable[[], ActivityDetector]:
    import importlib

    module, _, attribute = name.partition(":")
    found: Callable[[], ActivityDetector] = getattr(importlib.import_module(module), attribute)
    return found
