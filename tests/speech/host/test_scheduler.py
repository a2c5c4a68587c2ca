"""Who is served when, in virtual time."""

import random
from itertools import pairwise
from statistics import median

import numpy as np
import pytest
from tests.fakes.scripted_model import silence, speech
from tests.speech.host.simulation import Simulation, costing, fairness

from tertulia.speech.domain import HypothesisKind, Samples
from tertulia.speech.host.capacity import CadencePolicy, Kind
from tertulia.speech.host.scheduler import Batch, BatchRule

pytestmark = pytest.mark.unit

QUICK, FULL = 0.08, 0.4


def person(seed: int, seconds: float) -> Samples:
    """Somebody who talks in sentences, with pauses."""
    chance = random.Random(seed)
    parts: list[Samples] = []
    while sum(map(len, parts)) < seconds * 16_000:
        parts.append(speech([chance.randint(2, 60) for _ in range(chance.choice([4, 8, 15, 25]))]))
        parts.append(silence(chance.choice([0.7, 0.8, 1.2, 2.5])))
    return np.concatenate(parts)[: round(seconds * 16_000)]


def crowd(count: int, seconds: float = 40, workers: int = 2) -> Simulation:
    simulation = Simulation(workers, costing(QUICK, FULL))
    for number in range(count):
        simulation.talk(person(number, seconds), start=number * 0.37 % 1)
    simulation.run(seconds)
    return simulation


def test_alone_text_comes_at_once() -> None:
    [talker] = crowd(1).talkers
    assert median(talker.waits) < 0.3
    assert talker.p95 < 0.5


def test_at_twice_the_load_latency_grows_by_cadence_and_nobody_starves() -> None:
    one, half, full = crowd(1), crowd(16), crowd(32)
    p95 = [median(talker.p95 for talker in s.talkers) for s in (one, half, full)]
    assert p95[0] < p95[1] < p95[2] < 6
    assert fairness(full.talkers) <= 1.5
    assert full.scheduler.current_cadence(Kind.QUICK, full.model, full.now) > 1


def test_under_overload_the_backlog_does_not_grow() -> None:
    simulation = crowd(32, seconds=60)
    early = [wait for t in simulation.talkers for wait in t.waits[: len(t.waits) // 2]]
    late = [wait for t in simulation.talkers for wait in t.waits[len(t.waits) // 2 :]]
    assert np.percentile(late, 95) < 2.5 * np.percentile(early, 95)
    assert all(
        t.session.decoder.received - t.session.decoder.kept_from < 45 * 16_000
        for t in simulation.talkers
    )


def test_partials_leave_the_workers_some_air() -> None:
    simulation = crowd(24)
    busy = sum(simulation.cost(batch) for _, batch in simulation.batches)
    assert busy / (2 * 40) < 0.95


def test_everything_said_under_overload_becomes_final_once() -> None:
    simulation = Simulation(1, costing(0.2, 0.8))
    talkers = [simulation.talk(speech(list(range(2, 40))), start=i / 7) for i in range(6)]
    simulation.run(14)
    for talker in talkers:
        talker.session.finish()
    simulation.run(60)
    for talker in talkers:
        finals = [h for h in talker.heard if h.kind is HypothesisKind.FINAL]
        assert " ".join(h.text for h in finals).split() == [f"w{n}" for n in range(2, 40)]


def test_finals_come_at_once_when_there_is_time_and_share_windows_when_there_is_none() -> None:
    alone, many = crowd(1), crowd(32)

    def windows_a_stream(simulation: Simulation) -> float:
        full = sum(1 for _, batch in simulation.batches if batch.kind is Kind.FULL)
        return full / len(simulation.talkers)

    assert windows_a_stream(many) < 0.5 * windows_a_stream(alone)


def test_live_goes_before_files_and_waits_for_at_most_one_window() -> None:
    simulation = Simulation(1, costing(0.05, 1.0))
    job = simulation.file(speech(list(range(2, 50)) * 8))
    talker = simulation.talk(person(1, 30))
    simulation.run(30)
    assert (
        max(talker.waits) < 0.35 + 1.0 + 1.0 + 0.3
    )  # cadence, one file window, its own final, packets
    assert simulation.finished[job.number] > 0


def test_two_workers_read_one_file_together() -> None:
    simulation = Simulation(2, costing(0.05, 1.0))
    job = simulation.file(speech(list(range(2, 50)) * 16))
    simulation.run(100)
    windows = sum(len(batch.items) for _, batch in simulation.batches)
    assert simulation.finished[job.number] == pytest.approx(np.ceil(windows / 2))


def test_a_file_is_not_starved_by_steady_talk() -> None:
    simulation = Simulation(1, costing(0.3, 1.0))
    job = simulation.file(speech(list(range(2, 50)) * 3))
    for seed in range(8):
        simulation.talk(person(seed, 120))
    simulation.run(120)
    assert job.number in simulation.finished


def test_with_nobody_live_a_file_is_read_in_batches() -> None:
    simulation = Simulation(1, costing(0.1, 1.0, extra=0.5), rule=BatchRule(file_windows=4))
    simulation.file(speech(list(range(2, 50)) * 16))
    simulation.run(100)
    assert max(len(batch.items) for _, batch in simulation.batches) == 4


def test_on_a_device_that_gains_by_it_sessions_share_calls() -> None:
    rule = BatchRule(quick_windows=16, full_windows=16, wait_seconds=0.01)
    simulation = Simulation(1, costing(0.05, 0.1, extra=0.05), rule=rule)
    for seed in range(20):
        simulation.talk(person(seed, 20))
    simulation.run(20)
    sizes = [len(batch.items) for _, batch in simulation.batches if batch.kind is Kind.QUICK]
    assert np.mean(sizes) > 4
    for _, batch in simulation.batches:
        owners = [item.owner.number for item in batch.items]
        assert len(owners) == len(set(owners))


def test_what_may_be_fatal_runs_alone() -> None:
    simulation = Simulation(4, costing(0.2, 0.4))
    for seed in range(4):
        simulation.talk(person(seed, 10))
    suspect = simulation.talkers[0].session
    suspect._alone_until = 16_000
    running: list[int] = []
    cost = simulation.cost

    def watched(batch: object) -> float:
        running.append(simulation.scheduler.running)
        return cost(batch)  # type: ignore[arg-type]

    simulation.cost = watched
    simulation.run(10)
    alone = [n for (_, batch), n in zip(simulation.batches, running, strict=True) if batch.alone]
    assert alone
    assert set(alone) == {1}
    for at, batch in simulation.batches:
        if batch.alone:
            others = [t for t, other in simulation.batches if at < t < at + 0.2 - 1e-9]
            assert others == []


def test_cadence_stays_within_its_bounds() -> None:
    policy = CadencePolicy()
    simulation = crowd(64, seconds=20)
    cadence = simulation.scheduler.current_cadence(Kind.QUICK, simulation.model, simulation.now)
    assert policy.shortest_seconds < cadence <= policy.longest_seconds


def test_full_windows_leave_a_worker_to_the_partials() -> None:
    simulation = crowd(8)
    running: list[tuple[float, float]] = []
    for began, batch in simulation.batches:
        if batch.kind is Kind.FULL:
            running.append((began, began + simulation.cost(batch)))
    spoken = [(a, b) for a, b in running if b < 38]  # until nobody speaks any more
    overlaps = [1 for (_, end), (start, _) in pairwise(sorted(spoken)) if start < end - 1e-6]
    assert len(spoken) > 10
    assert len(overlaps) <= len(spoken) / 10  # two run beside each other only while nobody speaks
    assert median(talker.p95 for talker in simulation.talkers) < 0.75


def test_when_many_end_together_what_they_said_is_shown_before_it_is_settled() -> None:
    simulation = Simulation(2, costing(QUICK, FULL))
    talkers = [simulation.talk(speech(list(range(2, 14)))) for _ in range(12)]
    simulation.run(4.5)
    for talker in talkers:
        talker.session.finish()
    simulation.run(60)
    assert all(talker.session.decoder.finished for talker in talkers)
    last_final = max(when for when, batch in simulation.batches if batch.kind is Kind.FULL)
    assert max(max(talker.waits) for talker in talkers) < (last_final - 4.5) * 0.8


def test_free_workers_share_what_waits_and_under_strain_calls_are_filled() -> None:
    def cost(batch: Batch) -> float:
        return FULL if batch.kind is Kind.FULL else 0.03 + 0.04 * len(batch.items)

    sizes, p95 = {}, {}
    for count in (2, 24):
        rule = BatchRule(quick_windows=4, spread=True)
        simulation = Simulation(2, cost, rule=rule)
        for number in range(count):
            simulation.talk(person(number, 30), start=number * 0.37 % 1)
        simulation.run(30)
        quick = [b for at, b in simulation.batches if b.kind is Kind.QUICK and at > 5]
        sizes[count] = np.mean([len(batch.items) for batch in quick])
        p95[count] = median(talker.p95 for talker in simulation.talkers)
    assert sizes[2] < 1.2
    assert sizes[24] > 3
    assert p95[24] < 1.3
