"""The live door: what a frame costs, how soon it is acknowledged, and whether cuts and kills lose a word.

`python -m bench.live [--quick] [--rounds N] [--sessions N] [--cuts N] [--kills N] [--words whisper pocketsphinx]`; each
part can be left out with 0.
"""

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import uvloop
from tests.doors.live.proxy import BadNetwork
from tests.fixtures.live import LiveServer, chunks, utterances

from bench.measure import at_most, percentile
from bench.parts.live_load import Load, crowd
from bench.parts.live_words import talked
from bench.parts.speech import clips, conversation
from tertulia.client import Created, Event, Final, live

GOAL_RATIO, GOAL_ACK_MS = 1.6, 50.0
SPEAKERS = 200
ECHO = """
import sys, socket, uvicorn
async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message["bytes"]})
listener = socket.socket(); listener.bind(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
config = uvicorn.Config(echo, ws="websockets-sansio", ws_per_message_deflate=False, lifespan="off", log_config=None, access_log=False, loop="uvloop")
uvicorn.Server(config).run(sockets=[listener])
"""
PATIENT = (0.1,) * 600


def node(engine: str) -> LiveServer:
    """A server of its own process: `bench.parts.live_node` or the scripted one of the tests."""
    plenty = {"rate_limit": "1000000/minute", "rate_limit_create": "1000000/minute"}
    folder = Path(tempfile.mkdtemp(prefix="bench-live-"))
    return LiveServer(folder, {**plenty, "live_max_sessions": "100000"}, module=engine).start()


class Processor:
    """Processor time of one process between two looks."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._began = 0.0
        self.begin()

    def begin(self) -> None:
        """Counts from here."""
        self._began = self._spent()

    def _spent(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def seconds(self) -> float:
        return self._spent() - self._began


def _echo() -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True)


async def frame_cost(rounds: int, seconds: float) -> None:
    """Goal 4: the server's processor time a frame over that of a bare echo, in turn."""
    server = await asyncio.to_thread(node, "bench.parts.live_node")
    echo = await asyncio.to_thread(_echo)
    assert server.process
    assert echo.stdout
    port = int(echo.stdout.readline())
    ours: list[float] = []
    bare: list[float] = []
    try:
        for turn in range(rounds + 1):
            both = [
                await _cost(
                    server.url, "/api/realtime/transcribe", server.headers, server.process.pid, seconds,
                    echo=False,
                ),
                await _cost(f"http://127.0.0.1:{port}", "/", {}, echo.pid, seconds, echo=True),
            ]  # fmt: skip
            if turn:  # the first is thrown away
                ours.append(both[0])
                bare.append(both[1])
    finally:
        echo.kill()
        echo.wait()
        echo.stdout.close()
        server.stop()
    claim = "4. live: server processor time a 3.2 kB frame, over a bare uvicorn echo"
    middle = statistics.median
    print("   each round:", [(round(a), round(b)) for a, b in zip(ours, bare, strict=True)])
    print(at_most(claim, middle(ours), middle(bare), "µs", GOAL_RATIO).line())


async def _cost(
    url: str, path: str, headers: dict[str, str], pid: int, seconds: float, *, echo: bool
) -> float:
    spent = Processor(pid)
    load = await crowd(
        url, path, headers, speakers=SPEAKERS, seconds=seconds, echo=echo, opened=spent.begin
    )
    return spent.seconds() / load.frames * 1e6


async def many_sessions(sessions: int, seconds: float) -> None:
    """Sessions at real time, each sending 100 ms ten times a second."""
    server = await asyncio.to_thread(node, "bench.parts.live_node")
    assert server.process
    own = Processor(os.getpid())
    spent = Processor(server.process.pid)

    def opened() -> None:
        own.begin()
        spent.begin()

    try:
        load: Load = await crowd(
            server.url, "/api/realtime/transcribe", server.headers,
            speakers=sessions, seconds=seconds, opened=opened,
        )  # fmt: skip
        cpu, speakers_cpu = spent.seconds(), own.seconds()
        memory = psutil.Process(server.process.pid).memory_info().rss / 1_048_576
    finally:
        server.stop()
    p50, p99 = percentile(load.waits_ms, 0.5), percentile(load.waits_ms, 0.99)
    lost = load.frames - len(load.waits_ms)
    print(
        f"   {sessions} sessions, {seconds:g} s: {load.frames} frames, {lost} without an answer, "
        f"acknowledged p50 {p50:.1f} ms, p99 {p99:.1f} ms; "
        f"processor: server {cpu / seconds:.2f} of a core, speakers {speakers_cpu / seconds:.2f}; {memory:.0f} MB"
    )
    print(at_most(f"   live: ack p99, {sessions} sessions", p99, GOAL_ACK_MS, "ms", 1.0).line())


def _words(events: list[Event]) -> list[str]:
    finals = {event.utterance_id: event for event in events if isinstance(event, Final)}
    return [
        word
        for final in sorted(finals.values(), key=lambda final: final.start)
        for word in final.text.split()
    ]


async def cuts(wanted: int, at_once: int = 8) -> None:
    """Random cuts on a network that also doubles and swaps: the transcript against what was said."""
    server = await asyncio.to_thread(node, "tests.doors.live.node")
    made = wrong = said_words = sessions = 0
    seeds = iter(range(1, 1_000_000))

    async def one(seed: int) -> tuple[int, bool, int]:
        sound, said = utterances(4, words=2 + seed % 4)
        network = BadNetwork(server.port, seed=seed, cuts=12, cut=0.12, double=0.1, swap=0.1)
        async with (
            network.running(),
            live(network.url, key=server.key, backoff_seconds=PATIENT) as session,
        ):
            for piece in chunks(sound):
                await session.send(piece)
                await asyncio.sleep(0.01)
            await session.stop()
            events = [event async for event in session]
        assert session.transcript_id
        kept = await asyncio.to_thread(server.text, session.transcript_id)
        differs = not _words(events) == said == kept
        if differs:
            print(f"   seed {seed}: client {_words(events) == said}, hall {kept == said}")
        return network.cut_connections, differs, len(said)

    try:
        while made < wanted:
            for count, differs, words in await asyncio.gather(
                *(one(next(seeds)) for _ in range(at_once))
            ):
                made, wrong, said_words = made + count, wrong + differs, said_words + words
                sessions += 1
    finally:
        server.stop()
    print(
        f"   {made} cuts in {sessions} sessions of {said_words} words: {wrong} transcripts differ from what was said"
    )


async def kills(wanted: int) -> None:
    """The server ended without warning in the middle of sessions, and begun again."""
    server = await asyncio.to_thread(node, "tests.doors.live.node")
    chance = random.Random(5)
    done = wrong = 0
    resumed: list[float] = []
    try:
        while done < wanted:
            sound, said = utterances(6)
            pieces = chunks(sound)
            places = set(chance.sample(range(5, len(pieces) - 5), min(5, wanted - done)))
            async with live(server.url, key=server.key, backoff_seconds=PATIENT) as session:
                back = asyncio.Event()

                async def heard(
                    session: object = session, back: asyncio.Event = back
                ) -> list[Event]:
                    events: list[Event] = []
                    async for event in session:  # type: ignore[attr-defined]
                        events.append(event)
                        if isinstance(event, Created):
                            back.set()
                    return events

                listening = asyncio.create_task(heard())
                for place, piece in enumerate(pieces):
                    await session.send(piece)
                    await asyncio.sleep(0.02)
                    if place in places:
                        back.clear()
                        await asyncio.to_thread(server.kill)
                        await asyncio.to_thread(server.start)
                        began = time.perf_counter()
                        await back.wait()
                        resumed.append(time.perf_counter() - began)
                        done += 1
                await session.stop()
                events = await listening
            assert session.transcript_id
            wrong += not _words(events) == said == server.text(session.transcript_id)
    finally:
        server.stop()
    print(
        f"   {done} kills of the server: {wrong} transcripts differ; back {statistics.median(resumed):.2f} s after "
        "the new server is ready"
    )


def _talking(folder: Path, engine: str) -> LiveServer:
    module = "tertulia" if engine == "pocketsphinx" else "bench.parts.live_whisper_node"
    settings = {"live_max_sessions": "1000"}
    if engine == "pocketsphinx":
        settings["stt"] = engine
    return LiveServer(folder, settings, module=module).start()


async def words(engine: str, crowds: Sequence[int], seconds: float) -> None:
    """First word, time to text and to confirmed text through the socket, at real time (goals 2 and 3)."""
    folder = Path(tempfile.mkdtemp(prefix="bench-live-"))
    server = await asyncio.to_thread(_talking, folder, engine)
    known = clips()
    try:
        await talked(server, [conversation(4, 99, known)])  # loads the model
        for count in crowds:
            told = await talked(
                server, [conversation(seconds, count * 100 + i, known) for i in range(count)]
            )
            text, confirmed = told.text, told.confirmed
            print(
                f"   {engine}, {count} at once: first word {statistics.median(told.first):.2f} s; text "
                f"{percentile(text, 0.5):.2f}/{percentile(text, 0.95):.2f} s behind (p50/p95), "
                f"confirmed {percentile(confirmed, 0.5):.2f}/{percentile(confirmed, 0.95):.2f} s",
                flush=True,
            )
    finally:
        server.stop()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sessions", type=int, default=None)
    parser.add_argument("--cuts", type=int, default=None)
    parser.add_argument("--kills", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--words", nargs="*", default=[], help="whisper, pocketsphinx")
    parser.add_argument("--crowds", type=int, nargs="*", default=[1, 2, 8, 16, 24])
    asked = parser.parse_args()
    quick = asked.quick
    rounds = asked.rounds if asked.rounds is not None else (1 if quick else 3)
    sessions = asked.sessions if asked.sessions is not None else (200 if quick else 1000)
    if rounds:
        await frame_cost(rounds, 4.0 if quick else 8.0)
    if sessions:
        await many_sessions(sessions, 5.0 if quick else 15.0)
    if wanted := asked.cuts if asked.cuts is not None else (40 if quick else 1000):
        await cuts(wanted)
    if wanted := asked.kills if asked.kills is not None else (2 if quick else 100):
        await kills(wanted)
    for engine in asked.words:
        await words(engine, asked.crowds, 20.0)


if __name__ == "__main__":
    uvloop.run(main())
