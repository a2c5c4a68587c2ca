"""Who is served next. Pure: it is told the time and what has ended, and gives the next batch for a worker.

Live work goes before files, and among live streams the one whose unread audio has waited longest goes first.
While somebody speaks, full windows leave one worker to the partials, which are many and short: a word is seen
before a sentence is settled.
A file waits at most `file_patience_seconds` for a gap, so that steady talk cannot stop it altogether.
"""

import math
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from tertulia.speech.host.capacity import Cadence, Kind
from tertulia.speech.host.files import FileWindow
from tertulia.speech.host.models import LoadedModel
from tertulia.speech.host.work import FileJob, LiveSession, Need
from tertulia.speech.live import FeedRequest, ReadRequest

LONG = frozenset({Kind.FULL, Kind.FILE})
EARLY_SHARE = 0.25
"""A call has room for windows whose wait is this much of the cadence from its end."""


@dataclass(frozen=True, slots=True)
class BatchRule:
    """How many windows go into one call, and how long the first may wait for others."""

    quick_windows: int = 1
    full_windows: int = 1
    file_windows: int = 1
    wait_seconds: float = 0.0
    spread: bool = False
    """Whether free workers share what waits, as the cores of a CPU do."""

    def windows(self, kind: Kind) -> int:
        return self.quick_windows if kind is Kind.QUICK else self.full_windows


@dataclass(slots=True)
class Item:
    """One window or feed of a batch, and whom it is for."""

    owner: LiveSession | FileJob
    request: ReadRequest | FeedRequest | FileWindow
    waited_since: float


@dataclass(slots=True)
class Batch:
    """One engine call."""

    kind: Kind
    model: LoadedModel
    items: list[Item]
    alone: bool = False
    began: float = 0.0


@dataclass(slots=True)
class Waiting:
    """A live session that may be served, oldest first."""

    since: float
    session: LiveSession
    need: Need

    def turn(self) -> tuple[bool, float]:
        """Oldest first; but where many end together, what they said is shown before any of it is settled."""
        return self.need.final and self.session.decoder.finishing, self.since

    def is_like(self, other: "Waiting") -> bool:
        """Whether both can share a call."""
        mine, theirs = self.session, other.session
        alike = self.need.kind is other.need.kind and mine.model is theirs.model
        return alike and (self is other or not mine.alone)


@dataclass(slots=True)
class Scheduler:
    """Picks batches; see the module."""

    workers: int
    rule: BatchRule = field(default_factory=BatchRule)
    cadence: Cadence = field(default_factory=Cadence)
    file_patience_seconds: float = 10.0
    lives: dict[int, LiveSession] = field(default_factory=dict)
    files: dict[int, FileJob] = field(default_factory=dict)
    running: int = 0
    running_long: int = 0
    running_alone: bool = False

    def pick(self, now: float) -> Batch | None:
        """The next call for a free worker, or None when nothing may run yet."""
        if self.running_alone:
            return None
        waiting = sorted(self._due(now), key=Waiting.turn)
        room = self._room_for_long()
        starved = self._starved_file(now) if room else None
        if waiting and starved is None:
            batch = self._live_batch(waiting, now)
        elif room:
            batch = self._file_batch(starved, now)
        else:
            batch = None
        if batch is not None:
            self.running += 1
            self.running_long += batch.kind in LONG
            self.running_alone = batch.alone
            batch.began = now
        return batch

    def _room_for_long(self) -> bool:
        """Whether one worker more may be taken by a full window."""
        if self.running_long + 1 < self.workers or self.workers == 1:
            return True
        return not any(session.speaking for session in self.lives.values())

    def done(self, batch: Batch, now: float) -> None:
        """A call has ended, well or badly."""
        self.running -= 1
        self.running_long -= batch.kind in LONG
        if batch.alone:
            self.running_alone = False
        spent = now - batch.began
        if batch.kind is Kind.FULL:
            self.cadence.spent_on_final(now, spent)

    def wait_seconds(self, now: float) -> float | None:
        """How long until the cadence lets something be read; None when only new audio can."""
        if self.running_alone:
            return None
        waits = [max(when - now, self.rule.wait_seconds) for when, _, _ in self._needs(now)]
        return max(min(waits), 0.001) if waits else None

    @property
    def queued(self) -> int:
        """Live streams and files that could use a worker now."""
        lives = sum(1 for session in self.lives.values() if session.needs())
        return lives + sum(job.reader.waiting for job in self.files.values())

    def current_cadence(self, kind: Kind, model: LoadedModel, now: float) -> float:
        speaking = sum(1 for session in self.lives.values() if session.speaking)
        quick = model.costs.seconds.get(Kind.QUICK, 0.0)
        return self.cadence.seconds(kind, now, speaking, quick)

    def _needs(self, now: float) -> Iterable[tuple[float, LiveSession, Need]]:
        """When each waiting session may be read, and for what."""
        paces = {key: self._pace(model, now) for key, model in self._models().items()}
        room = self._room_for_long()
        ending = [s for s in self.lives.values() if s.decoder.finishing and not s.settling]
        for session in self.lives.values():
            for need in session.needs():
                if session.decoder.finishing:
                    # A final follows at once, unless many end together: then what was said is shown before.
                    if not need.final and len(ending) <= self.workers:
                        continue
                    if not need.final:
                        yield need.since, session, need
                        continue
                elif need.kind in LONG and not room:
                    continue
                pace = paces[session.model.key][need.final, need.kind]
                yield need.paced_from + pace, session, need

    def _models(self) -> dict[str, LoadedModel]:
        return {session.model.key: session.model for session in self.lives.values()}

    def _pace(self, model: LoadedModel, now: float) -> dict[tuple[bool, Kind], float]:
        """How long each kind of need waits."""
        quick = self.current_cadence(Kind.QUICK, model, now)
        return {
            (False, Kind.QUICK): quick,
            (True, Kind.FULL): self.cadence.final_patience(quick),
            (False, Kind.FEED): self.current_cadence(Kind.FEED, model, now),
            (True, Kind.FEED): 0.0,
        }

    def _due(self, now: float) -> Iterable[Waiting]:
        for when, session, need in self._needs(now):
            if when <= now:
                yield Waiting(need.since, session, need)

    def _live_batch(self, waiting: list[Waiting], now: float) -> Batch | None:
        first = waiting[0]
        if first.session.alone:
            if self.running:
                return None  # let what runs come to its end, so that this call has the process to itself
            chosen = [first]
        else:
            chosen = self._alike(first, waiting, now)
            full = len(chosen) >= self.rule.windows(first.need.kind)
            if not full and now - first.since < self.rule.wait_seconds:
                return None
        alone = first.session.alone
        quick = self.current_cadence(Kind.QUICK, first.session.model, now)
        # Whoever is behind catches up with windows that hold several utterances, and with rougher partials.
        hurried = self.cadence.final_patience(quick) > 0 or len(waiting) > self.workers
        items = [
            Item(w.session, w.session.take(w.need, now, hurried=hurried), w.since) for w in chosen
        ]
        return Batch(first.need.kind, first.session.model, items, alone)

    def _alike(self, first: Waiting, waiting: list[Waiting], now: float) -> list[Waiting]:
        """The oldest sessions that can share a call with the first."""
        if first.need.kind is Kind.FEED:
            return [first]
        fitting: dict[int, Waiting] = {}
        for entry in waiting:
            if entry.is_like(first):
                fitting.setdefault(entry.session.number, entry)
        most = self.rule.windows(first.need.kind)
        free = max(1, self.workers - self.running) if self.rule.spread else 1
        share = math.ceil(len(fitting) / free)
        chosen = list(fitting.values())[: min(most, share)]
        if first.need.kind is Kind.QUICK and share == len(fitting):
            chosen += self._soon(first, fitting, now)[: most - len(chosen)]
        return chosen

    def _soon(self, first: Waiting, chosen: Container[int], now: float) -> list[Waiting]:
        """Partials that are almost due, where one more window of a call costs much less than one of its own."""
        cadence = self.current_cadence(Kind.QUICK, first.session.model, now)
        # cores that have time to spare do better by keeping the pace
        if self.rule.spread and self.cadence.final_patience(cadence) <= 0:
            return []
        until = now + EARLY_SHARE * cadence
        near = [
            (when, Waiting(need.since, session, need))
            for when, session, need in self._needs(now)
            if now < when <= until and session.number not in chosen
        ]
        near.sort(key=lambda entry: entry[0])
        return [waiting for _, waiting in near if waiting.is_like(first)]

    def _starved_file(self, now: float) -> FileJob | None:
        ready = [job for job in self.files.values() if job.ready]
        starved = [j for j in ready if now - j.served_at >= self.file_patience_seconds]
        return min(starved, key=lambda job: job.served_at) if starved else None

    def _file_batch(self, job: FileJob | None, now: float) -> Batch | None:
        if job is None:
            ready = [job for job in self.files.values() if job.ready]
            if not ready:
                return None
            job = min(ready, key=lambda job: job.since)
        if job.alone and self.running:
            return None
        # With nobody live, several windows in one call keep nobody waiting.
        most = 1 if self.lives or job.alone else self.rule.file_windows
        items: list[Item] = []
        while job.ready and len(items) < most:
            items.append(Item(job, job.take(now), job.since))
        return Batch(Kind.FILE, job.model, items, job.alone)
