"""The speech host: files through it against the bare engines, overload, three hours of stream, and a crash.

`python -m bench.host [--quick]`
"""

import asyncio
import os
import signal
import statistics
import sys
import time

import numpy as np
import psutil
from tests.fakes.scripted_model import silence, speech

from bench.measure import at_least, at_most, percentile
from bench.parts.speech import (
    ENGLISH,
    clips,
    conversation,
    crowd,
    pocketsphinx_spec,
    started,
    whisper_spec,
)
from tertulia.speech.domain import HypothesisKind, Samples
from tertulia.speech.host.models import ModelSpec

QUICK = "--quick" in sys.argv
ROUNDS = 1 if QUICK else 3
CORES = os.cpu_count() or 1
SCRIPTED = "tests.fakes.scripted_model:load"
LOUDNESS = "tests.fakes.scripted_model:LoudnessDetector"
STREAM_HOURS = 0.25 if QUICK else 3.0
MINUTE = 60 * 16_000


async def through_the_host(name: str, spec: ModelSpec, seconds: float) -> None:
    """Audio seconds a second with one worker, against the same engine called directly."""
    audio = conversation(seconds, 3)
    engine = spec.load()
    host = await started({name: spec}, 1)
    ours, bare = [], []
    try:
        recognizer = host.recognizer(name)
        await recognizer.transcribe(audio[: 5 * 16_000], ENGLISH)
        await asyncio.to_thread(engine.transcribe, audio[: 5 * 16_000], ENGLISH)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await recognizer.transcribe(audio, ENGLISH)
            ours.append(seconds / (time.perf_counter() - began))
            began = time.perf_counter()
            await asyncio.to_thread(engine.transcribe, audio, ENGLISH)
            bare.append(seconds / (time.perf_counter() - began))
    finally:
        await host.close()
    claim = f"host: a file by {name} through the host, over the engine called directly"
    unit = "audio s/s"
    print(at_least(claim, statistics.median(ours), statistics.median(bare), unit, 0.95).line())


async def overload() -> None:
    """Twice the streams that the scripted engine has time for, and how evenly they are served."""
    config = {"quick_seconds": 0.08, "full_seconds": 0.4}
    spec = ModelSpec(SCRIPTED, config)
    seconds = 20 if QUICK else 40
    fitting = await _fitting(spec)
    ratios = []
    for turn in range(ROUNDS):
        host = await started({"scripted": spec}, 2, max_live=1000)
        known = clips()
        try:
            audios = [conversation(seconds, turn * 100 + i, known) for i in range(2 * fitting)]
            measured = await crowd(host, audios, "scripted")
        finally:
            await host.close()
        middles = [statistics.median(waits) for waits in measured.waits if waits]
        ratios.append((max(middles) / statistics.median(middles), middles, measured.all_waits))
    ratio, middles, waits = sorted(ratios, key=lambda r: r[0])[len(ratios) // 2]
    print(
        f"host: {2 * fitting} streams where {fitting} fit: p95 time to text {percentile(waits, 0.95):.2f} s"
    )
    claim = "host: at twice the load, the worst stream's time to text over the median stream's"
    print(at_most(claim, max(middles), max(middles) / ratio, "s", 1.5).line())


async def _fitting(spec: ModelSpec) -> int:
    host = await started({"scripted": spec}, 2)
    try:
        capacity: int = (await host.snapshot())["models"]["scripted"]["capacity"]
        return capacity
    finally:
        await host.close()


async def three_hours() -> None:
    """A stream as long as a long meeting, sent as fast as the host takes it; memory of both processes."""
    host = await started({"scripted": ModelSpec(SCRIPTED)}, 1, detector=LOUDNESS)
    minute = np.concatenate([speech(list(range(2, 60))), silence(60)])[:MINUTE]
    memory: list[float] = []
    try:
        stream = await host.live_recognizer("scripted").open()
        confirmed = asyncio.Condition()
        until = 0.0
        words = 0

        async def listen() -> None:
            nonlocal until, words
            async for heard in stream.hypotheses():
                words += len(heard.text.split()) if heard.kind is HypothesisKind.FINAL else 0
                async with confirmed:
                    until = heard.heard_until
                    confirmed.notify_all()

        listening = asyncio.create_task(listen())
        minutes = round(STREAM_HOURS * 60)
        pids = (os.getpid(), host.pid or 0)
        for number in range(minutes):
            for packet in np.split(minute, range(1600, MINUTE, 1600)):
                await stream.send(packet)
            async with confirmed:
                await confirmed.wait_for(lambda n=number: until > n * 60 + 55)
            memory.append(sum(psutil.Process(pid).memory_info().rss for pid in pids) / 2**20)
        await stream.finish()
        await listening
    finally:
        await host.close()
    early = statistics.median(memory[len(memory) // 10 : len(memory) // 5 + 1])
    late = statistics.median(memory[-len(memory) // 10 :])
    print(f"host: {words} of {58 * minutes} words of {STREAM_HOURS:g} hours became final")
    claim = f"host: memory at the end of a stream of {STREAM_HOURS:g} hours, over its beginning"
    print(at_most(claim, late, early, "MiB", 1.05).line())


async def crash() -> None:
    """Ends the child in the middle of a sentence; how long until text comes again, and what became of the text."""
    waits, lost = [], 0
    for turn in range(ROUNDS):
        host = await started({"whisper": whisper_spec(CORES)}, CORES, warm=("whisper",))
        try:
            waits.append(await _crash(host, conversation(12, turn)))
        finally:
            await host.close()
    host = await started({"scripted": ModelSpec(SCRIPTED)}, CORES, detector=LOUDNESS)
    try:
        lost = await _lost_words(host)
    finally:
        await host.close()
    claim = "host: from a crash to the next partial, over the two seconds allowed"
    print(at_most(claim, statistics.median(waits), 2.0, "s", 1.0).line())
    print(f"host: words lost or doubled over three crashes: {lost}")


async def _crash(host: object, audio: Samples) -> float:
    stream = await host.live_recognizer("whisper").open(ENGLISH)  # type: ignore[attr-defined]
    killed = asyncio.Event()
    again = asyncio.get_running_loop().create_future()

    async def listen() -> None:
        async for heard in stream.hypotheses():
            if killed.is_set() and heard.text and not again.done():
                again.set_result(time.perf_counter())

    listening = asyncio.create_task(listen())
    when = 0.0
    for at in range(0, len(audio), 1600):
        await asyncio.sleep(0.1)
        await stream.send(audio[at : at + 1600])
        if at // 1600 == 40:
            os.kill(host.pid, signal.SIGKILL)  # type: ignore[attr-defined]
            when = time.perf_counter()
            killed.set()
    async with asyncio.timeout(20):
        back: float = await again
    await stream.cancel()
    await listening
    return back - when


async def _lost_words(host: object) -> int:
    stream = await host.live_recognizer("scripted").open()  # type: ignore[attr-defined]
    said: list[str] = []

    async def listen() -> None:
        async for heard in stream.hypotheses():
            if heard.kind is HypothesisKind.FINAL:
                said.extend(heard.text.split())

    listening = asyncio.create_task(listen())
    numbers = list(range(2, 62))
    audio = np.concatenate([speech(numbers[i : i + 10]) for i in range(0, 60, 10)])
    for at in range(0, len(audio), 1600):
        await asyncio.sleep(0.02)
        await stream.send(audio[at : at + 1600])
        if at // 1600 in {40, 90, 140}:
            os.kill(host.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    await stream.finish()
    await listening
    expected = [f"w{n}" for n in numbers]
    return len(set(expected) ^ set(said)) + abs(len(expected) - len(said))


async def main() -> None:
    await through_the_host("whisper", whisper_spec(1), 60 if QUICK else 120)
    await through_the_host("pocketsphinx", pocketsphinx_spec(), 20 if QUICK else 40)
    await overload()
    await three_hours()
    await crash()


if __name__ == "__main__":
    asyncio.run(main())
