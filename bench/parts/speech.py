"""Real speech to measure with, the model it is measured on, and a crowd of live speakers."""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from tests.fakes.tiny_whisper import tiny_whisper

from tertulia.speech.activity import ActivityStream
from tertulia.speech.domain import RecognitionOptions, Samples
from tertulia.speech.host.client import HostConfig, SpeechHost
from tertulia.speech.host.models import ModelSpec

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT.parent / "shared" / "speech" / "en"
PACKET_SAMPLES = 1600
PACKET_SECONDS = PACKET_SAMPLES / 16_000
ENGLISH = RecognitionOptions(language="en")


def clips() -> list[Samples]:
    """The English recordings that are at hand, each at least a second long."""
    from faster_whisper.audio import decode_audio

    files = sorted(p for p in RECORDINGS.glob("*") if p.suffix in {".wav", ".flac"})
    if not files:
        sys.exit(f"needs recordings of speech in {RECORDINGS}")
    decoded = [decode_audio(str(file)) for file in files]
    return [audio for audio in decoded if len(audio) > 16_000]


def conversation(seconds: float, seed: int, known: Sequence[Samples] = ()) -> Samples:
    """Recordings in a row with pauses between them, as somebody talks."""
    chance = random.Random(seed)
    known = known or clips()
    parts: list[Samples] = []
    length = 0
    while length < seconds * 16_000:
        pause = np.zeros(round(chance.uniform(0.3, 1.5) * 16_000), np.float32)
        added = [chance.choice(known), pause]
        parts += added
        length += sum(map(len, added))
    return np.concatenate(parts)[: round(seconds * 16_000)]


def spoken_packets(audio: Samples) -> list[bool]:
    """For every 100 ms, whether somebody speaks in it."""
    whole = len(audio) // 512 * 512
    voiced = ActivityStream().feed(audio[:whole]) >= 0.5
    packets = len(audio) // PACKET_SAMPLES
    edges = [
        (i * PACKET_SAMPLES // 512, ((i + 1) * PACKET_SAMPLES - 1) // 512) for i in range(packets)
    ]
    return [bool(voiced[first : last + 1].all()) for first, last in edges]


def whisper_spec(
    workers: int, factory: str = "tertulia.speech.engines.loading:whisper"
) -> ModelSpec:
    config = {
        "model": str(tiny_whisper()),
        "models": str(ROOT / ".cache"),
        "download": False,
        "device": "cpu",
        "compute_type": "int8",
        "workers": workers,
        "speakers": None,
    }
    return ModelSpec(factory, config)


def pocketsphinx_spec() -> ModelSpec:
    return ModelSpec("tertulia.speech.engines.loading:pocketsphinx", {"speakers": None})


async def started(models: dict[str, ModelSpec], workers: int, **fields: object) -> SpeechHost:
    """A host with its models loaded."""
    host = SpeechHost(HostConfig(models, workers=workers, **fields))  # type: ignore[arg-type]
    await host.start()
    for name in models:
        await host.load(name)
    return host


@dataclass
class Crowd:
    """What a number of live speakers measured. `waits` holds each one's waits for text, in seconds."""

    waits: list[list[float]] = field(default_factory=list)
    updates: int = 0
    cpu_seconds: float = 0.0
    audio_seconds: float = 0.0

    @property
    def all_waits(self) -> list[float]:
        return [wait for one in self.waits for wait in one]


def cpu_of(pids: Sequence[int]) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


async def crowd(host: SpeechHost, audios: Sequence[Samples], model: str = "whisper") -> Crowd:
    """Has everybody talk at once in real time; a packet's wait ends with the update that covers it."""
    measured = Crowd(audio_seconds=sum(len(audio) for audio in audios) / 16_000)
    pids = [psutil.Process().pid, host.pid or 0]
    before = cpu_of(pids)
    gap = PACKET_SECONDS / len(audios)
    speakers = [_speak(host, model, audio, i * gap, measured) for i, audio in enumerate(audios)]
    await asyncio.gather(*speakers)
    measured.cpu_seconds = cpu_of(pids) - before
    return measured


async def _speak(
    host: SpeechHost, model: str, audio: Samples, delay: float, measured: Crowd
) -> None:
    spoken = spoken_packets(audio)
    stream = await host.live_recognizer(model).open(ENGLISH)
    sent: list[float] = []
    waits: list[float] = []
    covered = 0

    async def listen() -> None:
        nonlocal covered
        async for heard in stream.hypotheses():
            now = time.perf_counter()
            measured.updates += bool(heard.utterance_id)
            # Half a frame of voice activity may lie beyond the end that is told.
            until = int((max(heard.end, heard.heard_until) + 0.05) / PACKET_SECONDS)
            while covered < min(until, len(sent)):
                if spoken[covered]:
                    waits.append(now - sent[covered])
                covered += 1

    listening = asyncio.create_task(listen())
    await asyncio.sleep(delay)
    began = time.perf_counter()
    for number in range(len(spoken)):
        await asyncio.sleep(max(0.0, began + (number + 1) * PACKET_SECONDS - time.perf_counter()))
        sent.append(time.perf_counter())
        await stream.send(audio[number * PACKET_SAMPLES : (number + 1) * PACKET_SAMPLES])
    await stream.finish()
    await listening
    measured.waits.append(waits)
