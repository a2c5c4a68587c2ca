"""A voice turn: what lies between the engines, when the first sound comes, and many turns at once.

The lists of turns are measured by `voice_lists`.
"""

import asyncio
import io
import math
import os
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
from sqlalchemy import text

from bench.measure import Ratio, at_most, median, percentile
from bench.parts.voice import SlowEar, SlowModel, SlowVoice
from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.service import BlobService
from tertulia.bots.domain import Rights
from tertulia.bots.result import Sounded
from tertulia.bots.service import BotService
from tertulia.bots.thinking import Thinker
from tertulia.bots.tools import HallSearch, Toolbox
from tertulia.bots.turn import TurnService
from tertulia.doors.voice.domain import AudioSession, Caller, VoiceAsked
from tertulia.doors.voice.service import Answered, VoiceService
from tertulia.identity.store import tables  # noqa: F401 - what other tables refer to
from tertulia.jobs.service import Jobs, Step
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.ids import new_id
from tertulia.kernel.postgres import EmbeddedPostgres
from tertulia.kernel.schema import Schema
from tertulia.kernel.sealing import Seal
from tertulia.language.domain import Link
from tertulia.language.service import LanguageService
from tertulia.ledger.domain import Prices
from tertulia.ledger.service import Ledger
from tertulia.speech.decoding import DecodeLimits, Decoder
from tertulia.speech.service import Engines, SpeechService
from tertulia.transcripts.appending import Silent
from tertulia.transcripts.finalising import WRITE_DOCUMENT
from tertulia.transcripts.service import TranscriptService

HEAR_SECONDS, SPEAK_SECONDS = 0.6, 0.3
ONE_SENTENCE = "We are open from ten to seven on every day of the week except for Sunday."
WORDS_A_SECOND = 20
STORY = " ".join(
    f"This is sentence number {n} and it has exactly twelve words in it." for n in range(8)
)
MOST_CPU_MS = 30.0
AT_ONCE = 50


class Speaks:
    """The engines in the order there are."""

    def recognizers(self, language: str | None) -> Sequence[str]:
        return ("whisper",)

    live = recognizers

    def voices(self, language: str | None) -> Sequence[str]:
        return ("espeak",)


class House:
    """The voice door on a database of its own, with engines of fixed delay."""

    def __init__(self, folder: Path) -> None:
        (folder / "postgres").mkdir(parents=True)
        self._server = EmbeddedPostgres(folder / "postgres")
        self._server.start()
        Schema(self._server.conninfo, binaries=self._server.binaries).upgrade()
        self.database = Database(self._server.conninfo, pool=16)
        self.clock = SystemClock()
        self.ear, self.mouth = SlowEar(0.0), SlowVoice(0.0)
        self.model = SlowModel(ONE_SENTENCE, 0.0)
        self.decoder = Decoder(DecodeLimits())
        engines = Engines({"whisper": self.ear}, {}, {"espeak": self.mouth})
        speech = SpeechService(engines, self.decoder, Speaks(), stt=("whisper",), tts=("espeak",))
        language = LanguageService(self._model, clock=self.clock, chain="ollama:bench")
        blobs = BlobService(self.database, LocalStore(folder / "blobs"), self.clock)
        jobs = Jobs(self.database)
        jobs.register(WRITE_DOCUMENT, _nothing)
        hall = TranscriptService(blobs=blobs, clock=self.clock, announcer=Silent(), jobs=jobs)
        seal = Seal(folder)
        toolbox = Toolbox(httpx.AsyncClient(), HallSearch(self.database, hall), seal)
        self.turns = TurnService(speech, Thinker(language, toolbox, self.clock), self.clock)
        self.voice = VoiceService(
            database=self.database,
            turns=self.turns,
            bots=BotService(self.clock, seal),
            blobs=blobs,
            hall=hall,
            ledger=Ledger(self.clock, Prices(), cheaper={}, currency="EUR"),
            clock=self.clock,
        )
        self.space = new_id()

    def _model(self, link: Link) -> Any:
        return self.model

    async def open(self) -> None:
        await self.decoder.start()
        async with self.database.transaction() as tx:
            await tx.session.execute(
                text("insert into spaces (id, name, created_at) values (:id, 'bench', now())"),
                {"id": self.space},
            )

    async def close(self) -> None:
        await self.decoder.close()
        await self.database.close()
        self._server.stop()

    def question(self, **more: Any) -> VoiceAsked:
        caller = Caller(self.space, "key-bench", Rights())
        return VoiceAsked(caller, str(new_id()), audio=RECORDING, mime_type="audio/wav", **more)

    async def ask(self, question: VoiceAsked | None = None) -> tuple[AudioSession, float]:
        """A whole turn, and when its first sound came, in seconds."""
        began, first = time.perf_counter(), math.inf
        async with aclosing(cast(Any, self.voice.answer(question or self.question()))) as events:
            async for event in events:
                if isinstance(event, Sounded):
                    first = min(first, time.perf_counter() - began)
                if isinstance(event, Answered):
                    return event.session, first
        raise AssertionError("no answer")


async def _nothing(_: Step) -> None:
    """Documents are written by a worker, elsewhere."""


def recording() -> bytes:
    """Two seconds of a hum."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        samples = (int(9_000 * math.sin(n / 12)) for n in range(32_000))
        sound.writeframes(b"".join(s.to_bytes(2, "little", signed=True) for s in samples))
    return file.getvalue()


RECORDING = recording()


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory() as folder:
        found = House(Path(folder))
        await found.open()
        try:
            yield found
        finally:
            await found.close()


async def total(found: House, rounds: int) -> Ratio:
    """Goal 9: from the question to the kept answer, against what the engines took."""
    words = len(ONE_SENTENCE.split())
    found.ear.seconds, found.mouth.seconds = HEAR_SECONDS, SPEAK_SECONDS
    found.model = SlowModel(ONE_SENTENCE, 0.6 / words)
    found.turns.thinker._language._models.clear()
    taken: list[float] = []
    alone: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _word in range(words):
            await asyncio.sleep(0.6 / words)
        await asyncio.sleep(HEAR_SECONDS)
        await asyncio.sleep(SPEAK_SECONDS)
        alone.append(time.perf_counter() - began)
        began = time.perf_counter()
        await found.ask()
        taken.append(time.perf_counter() - began)
    return at_most("a turn ÷ its engines' own time", median(taken), median(alone), "s", 1.03)


async def overhead(found: House, rounds: int) -> Ratio:
    """CPU of this process for a turn whose engines take no time."""
    found.ear.seconds = found.mouth.seconds = 0.0
    found.model = SlowModel(ONE_SENTENCE, 0.0)
    found.turns.thinker._language._models.clear()
    spent: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        await found.ask()
        spent.append((time.process_time() - began) * 1000)
    p95 = percentile(spent, 0.95)
    print(f"   CPU a turn: median {median(spent):.1f} ms, p95 {p95:.1f} ms")
    return at_most("CPU a turn, p95 ÷ 30 ms", p95, MOST_CPU_MS, "ms", 1.0)


async def first_sound(found: House, rounds: int) -> Ratio:
    """The first sound while the model writes, against waiting for its last word."""
    found.ear.seconds, found.mouth.seconds = 0.1, 0.1
    found.model = SlowModel(STORY, 1 / WORDS_A_SECOND)
    found.turns.thinker._language._models.clear()
    streamed: list[float] = []
    waited: list[float] = []
    for _ in range(rounds):
        session, first = await found.ask()
        streamed.append(first)
        waited.append((session.usage_stt_ms + session.usage_llm_ms) / 1000 + found.mouth.seconds)
    return at_most("first sound, streamed ÷ not", median(streamed), median(waited), "s", 0.5)


async def at_once(found: House, rounds: int) -> Ratio:
    """Fifty turns at the same time against one."""
    found.ear.seconds, found.mouth.seconds = 1.5, 1.0
    found.model = SlowModel(ONE_SENTENCE, 2.0 / len(ONE_SENTENCE.split()))
    found.turns.thinker._language._models.clear()
    one: list[float] = []
    many: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        await found.ask()
        one.append(time.perf_counter() - began)
        began = time.perf_counter()
        await asyncio.gather(*(found.ask() for _ in range(AT_ONCE)))
        many.append(time.perf_counter() - began)
    return at_most(f"{AT_ONCE} turns at once ÷ one", median(many), median(one), "s", 1.2)


async def measure(quick: bool) -> list[Ratio]:
    async with house() as found:
        for _ in range(3):
            await found.ask()
        return [
            await overhead(found, 20 if quick else 100),
            await total(found, 3 if quick else 7),
            await first_sound(found, 2 if quick else 3),
            await at_once(found, 1 if quick else 3),
        ]


def main() -> int:
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    ratios = asyncio.run(measure("--quick" in sys.argv))
    for ratio in ratios:
        print(ratio.line())
    return 0 if all(ratio.holds for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
