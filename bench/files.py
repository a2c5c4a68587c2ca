"""Files by the tiny Whisper shape: the whole pipeline against stock faster-whisper, and its cost against the engine.

`python -m bench.files [--quick]`
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Sequence

from bench.measure import at_most
from bench.parts.speech import ENGLISH, clips, conversation, cpu_of, started, whisper_spec
from tertulia.speech.domain import Samples
from tertulia.speech.host.client import SpeechHost
from tertulia.speech.local import LocalModel

QUICK = "--quick" in sys.argv
ROUNDS = 1 if QUICK else 3
FILES = 4 if QUICK else 8
SECONDS = 60 if QUICK else 150
CORES = os.cpu_count() or 1
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""What the host gives its child too: threads that wait for each other in numpy would count as cost of the engine."""


async def pipeline(host: SpeechHost, files: Sequence[Samples]) -> tuple[float, float]:
    """Wall and processor seconds of all files through the host, a few at a time."""
    recognizer = host.recognizer("whisper")
    few = asyncio.Semaphore(2 * CORES)

    async def one(audio: Samples) -> None:
        async with few:
            await recognizer.transcribe(audio, ENGLISH)

    pids = [os.getpid(), host.pid or 0]
    before, began = cpu_of(pids), time.perf_counter()
    await asyncio.gather(*(one(audio) for audio in files))
    return time.perf_counter() - began, cpu_of(pids) - before


def stock(model: object, files: Sequence[Samples]) -> float:
    """Wall seconds of faster-whisper as it comes, with two threads and the same options."""
    began = time.perf_counter()
    for audio in files:
        segments, _ = model.transcribe(audio, language="en", beam_size=5, vad_filter=True)  # type: ignore[attr-defined]
        list(segments)
    return time.perf_counter() - began


def direct(engine: LocalModel, files: Sequence[Samples]) -> float:
    """Processor seconds of the engine called with nothing around it."""
    before = time.process_time()
    for audio in files:
        engine.transcribe(audio, ENGLISH)
    return time.process_time() - before


async def main() -> None:
    from faster_whisper import WhisperModel

    known = clips()
    files = [conversation(SECONDS, seed, known) for seed in range(FILES)]
    hours = sum(map(len, files)) / 16_000 / 3600
    spec = whisper_spec(CORES)
    peer = WhisperModel(spec.config["model"], device="cpu", compute_type="int8", cpu_threads=2)
    engine = spec.load()
    host = await started({"whisper": spec}, CORES)
    walls, costs, stocks, directs = [], [], [], []
    try:
        await pipeline(host, files[:1])
        for _ in range(ROUNDS):
            wall, cost = await pipeline(host, files)
            walls.append(wall)
            costs.append(cost / hours)
            stocks.append(await asyncio.to_thread(stock, peer, files))
            directs.append(await asyncio.to_thread(direct, engine, files) / hours)
    finally:
        await host.close()
    median = statistics.median
    claim = f"7. files: wall time of {FILES} files of {SECONDS} s, over stock faster-whisper with two threads"
    print(at_most(claim, median(walls), median(stocks), "s", 0.42).line())
    claim = "8. files: processor time an audio hour, over the engine called directly"
    print(at_most(claim, median(costs), median(directs), "s", 1.10).line())


if __name__ == "__main__":
    if ONE_THREAD.items() <= os.environ.items():
        asyncio.run(main())
    else:
        order = [sys.executable, "-m", "bench.files", *sys.argv[1:]]
        os.execve(sys.executable, order, {**os.environ, **ONE_THREAD})
