"""The scheduler's machine in virtual time: workers that take as long as they are told, people who talk by the clock."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from tests.fakes.scripted_model import LOUD, LoudnessDetector, ScriptedModel

from tertulia.speech.domain import Hypothesis, RecognitionOptions, Samples
from tertulia.speech.host.capacity import Cadence, CadencePolicy, Kind
from tertulia.speech.host.files import FileCutter, FileReader, FileWindow
from tertulia.speech.host.models import LoadedModel, ModelSpec
from tertulia.speech.host.scheduler import Batch, BatchRule, Scheduler
from tertulia.speech.host.work import FileJob, LiveSession
from tertulia.speech.live import WindowDecoder

PACKET_SECONDS = 0.1


@dataclass
class Talker:
    """One live stream: its audio, and when each packet of speech was covered by text."""

    session: LiveSession
    audio: Samples
    heard: list[Hypothesis]
    sent: int = 0
    uncovered: list[tuple[float, float]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def cover(self, now: float) -> None:
        until = max((max(h.end, h.heard_until) for h in self.heard), default=0.0)
        covered = [packet for packet in self.uncovered if packet[0] <= until + 0.1]
        self.waits += [now - arrived for _, arrived in covered]
        self.uncovered = self.uncovered[len(covered) :]

    @property
    def p95(self) -> float:
        return float(np.percentile(self.waits, 95))


class Simulation:
    """`cost` says how long a batch takes a worker."""

    def __init__(
        self,
        workers: int,
        cost: Callable[[Batch], float],
        *,
        rule: BatchRule | None = None,
        cadence: CadencePolicy | None = None,
    ) -> None:
        self.now = 0.0
        self.cost = cost
        pace = Cadence(cadence or CadencePolicy(), workers)
        self.scheduler = Scheduler(workers, rule or BatchRule(), pace)
        engine = ScriptedModel({})
        self.model = LoadedModel("scripted", ModelSpec("x:y"), engine)
        self.talkers: list[Talker] = []
        self.batches: list[tuple[float, Batch]] = []
        self.finished: dict[int, float] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._turn = 0
        self._free = workers

    def talk(self, audio: Samples, start: float = 0.0) -> Talker:
        heard: list[Hypothesis] = []
        number = len(self.talkers) + 1
        decoder = WindowDecoder(LoudnessDetector())
        session = LiveSession(number, self.model, decoder, None, heard.extend)
        talker = Talker(session, audio, heard)
        self.talkers.append(talker)
        self.scheduler.lives[number] = session
        self.at(start + PACKET_SECONDS, lambda: self._packet(talker))
        return talker

    def file(self, audio: Samples, number: int = 1000) -> FileJob:
        options = RecognitionOptions(language="en")
        reader = FileReader(options, FileCutter(LoudnessDetector()), len(audio))
        job = FileJob(number, self.model, reader, self.now)
        reader.add(reader.cut(audio), len(audio))
        self.scheduler.files[number] = job
        return job

    def at(self, when: float, do: Callable[[], None]) -> None:
        self._turn += 1
        heapq.heappush(self._events, (when, self._turn, do))

    def run(self, seconds: float) -> None:
        self._serve()
        while self._events and self._events[0][0] <= seconds:
            self.now, _, do = heapq.heappop(self._events)
            do()
            self._serve()

    def _packet(self, talker: Talker) -> None:
        size = round(PACKET_SECONDS * 16_000)
        packet = talker.audio[talker.sent : talker.sent + size]
        if not len(packet):
            return
        talker.sent += len(packet)
        if np.abs(packet).max() > LOUD:
            talker.uncovered.append((talker.sent / 16_000, self.now))
        talker.session.feed(packet, self.now)
        self.at(self.now + PACKET_SECONDS, lambda: self._packet(talker))

    def _serve(self) -> None:
        while self._free:
            batch = self.scheduler.pick(self.now)
            if batch is None:
                wait = self.scheduler.wait_seconds(self.now)
                if wait is not None:
                    self.at(self.now + wait, lambda: None)
                return
            self._free -= 1
            self.batches.append((self.now, batch))
            spent = self.cost(batch)
            self.at(self.now + spent, lambda batch=batch, spent=spent: self._end(batch, spent))

    def _end(self, batch: Batch, spent: float) -> None:
        self._free += 1
        self.scheduler.done(batch, self.now)
        batch.model.costs.observe(batch.kind, spent / len(batch.items))
        requests: list[Any] = [item.request for item in batch.items]
        readings = batch.model.first.read([request.window for request in requests])
        for item, reading in zip(batch.items, readings, strict=True):
            if isinstance(item.owner, LiveSession):
                item.owner.accept(item.request, reading, 0.0)
            else:
                assert isinstance(item.request, FileWindow)
                item.owner.running -= 1
                item.owner.reader.accept(item.request, reading)
                if item.owner.reader.finished:
                    self.finished[item.owner.number] = self.now
        for talker in self.talkers:
            talker.cover(self.now)


def costing(quick: float, full: float, extra: float = 1.0) -> Callable[[Batch], float]:
    """Fixed costs; each further window of a batch costs `extra` of the first."""

    def cost(batch: Batch) -> float:
        first = quick if batch.kind is Kind.QUICK else full
        return first * (1 + extra * (len(batch.items) - 1))

    return cost


def fairness(talkers: Sequence[Talker]) -> float:
    """The worst stream's median time to text over that of the median stream."""
    waits = [median(talker.waits) for talker in talkers]
    return max(waits) / median(waits)
