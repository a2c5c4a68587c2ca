"""Speech put together: which engines there are here, what `auto` means, and the host that runs the local ones."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.settings import Settings
from tertulia.server.engines import LIVE_WHISPER, LOCAL, EngineMaker, piper_name
from tertulia.server.metrics import Metrics
from tertulia.speech.choice import (
    Choice,
    Surroundings,
    choose_recogniser,
    choose_voice,
    look_around,
)
from tertulia.speech.decoding import DecodeLimits, Decoder
from tertulia.speech.engines.base import Outcome, Unit, Unobserved
from tertulia.speech.engines.errors import EngineUnavailableError
from tertulia.speech.host.client import HostConfig, SpeechHost
from tertulia.speech.host.models import ModelSpec
from tertulia.speech.models import ModelStore
from tertulia.speech.report import EngineReport, report
from tertulia.speech.service import AUTO, Engines, SpeechService
from tertulia.speech.wording import Wording

log = logging.getLogger(__name__)

LOADING = "tertulia.speech.engines.loading"
LOOK_SECONDS = 60.0
"""How often `auto` looks for models that have come meanwhile."""
CALL_SECONDS = 300.0
"""How long one window may take before the host counts as hanging: a busy or slow machine needs minutes for the
half minute of audio that a large model reads at once."""
LOAD_SECONDS = 1.0
"""How long the host may take to say how busy it is."""
OFFLINE = "pocketsphinx"


class MetricsObserver:
    """Puts every use of an engine into the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def used(
        self, engine: str, unit: Unit, quantity: float, elapsed_ms: int, outcome: Outcome
    ) -> None:
        self._metrics.engine(engine, unit.value, quantity, elapsed_ms / 1000, outcome.value)


class Auto:
    """What `auto` means on this machine, by what it has at the moment."""

    def __init__(self, settings: Settings, engines: Engines) -> None:
        self._settings = settings
        self._engines = engines
        self.around = Surroundings(whisper_model=settings.whisper_model)

    async def look(self) -> None:
        """Looks for models, keys and the hub; takes up to two seconds, off the event loop."""
        before = self.recogniser(None)
        self.around = await asyncio.to_thread(look_around, self._settings)
        now = self.recogniser(None)
        if now != before:
            log.info("auto means %s: %s", now.engine, now.reason)

    def recogniser(self, language: str | None) -> Choice:
        return choose_recogniser(self.around, language)

    def live_recogniser(self, language: str | None) -> Choice:
        """For live text; an OpenAI-compatible server reads whole files only."""
        return choose_recogniser(replace(self.around, openai=False), language)

    def voice(self, language: str | None) -> Choice:
        return choose_voice(self.around, language)

    def recognizers(self, language: str | None) -> list[str]:
        return self._chain(self.recogniser(language), language)

    def live(self, language: str | None) -> list[str]:
        return self._chain(self.live_recogniser(language), language)

    def voices(self, language: str | None) -> list[str]:
        choice = self.voice(language)
        best = choice.engine
        if best == "piper" and choice.model:
            best = piper_name(self._settings, choice.model)
        # a Piper voice that was fetched beside the running server joins at its next start
        names = [name for name in dict.fromkeys([best, "espeak"]) if name in self._engines.voices]
        if not names:
            raise EngineUnavailableError(_sentence(choice))
        return [name for name in names if name]

    def _chain(self, choice: Choice, language: str | None) -> list[str]:
        """The choice and, where it hangs on a network, what works without one. Of an unknown language that
        would make nonsense English, so it follows only what was to be fetched."""
        if choice.engine is None:
            raise EngineUnavailableError(_sentence(choice))
        english = language is not None and language.split("-")[0].lower() == "en"
        fetched = choice.engine == "whisper" and not self.around.whisper_here
        if self.around.pocketsphinx_installed and (english or (language is None and fetched)):
            return list(dict.fromkeys([choice.engine, OFFLINE]))
        return [choice.engine]


def _sentence(choice: Choice) -> str:
    reason = f"{choice.reason[:1].upper()}{choice.reason[1:]}."
    return f"{reason} {choice.better}" if choice.better else reason


@dataclass(frozen=True, slots=True)
class SpeechLoad:
    """How busy the speech host is."""

    streams: int
    capacity: int
    queue: int
    real_time_factor: float | None
    """Seconds of work per second of audio, since the host began."""
    restarts: int


@dataclass(frozen=True, slots=True)
class Speech:
    """Everything of speech that others use; works without a database."""

    settings: Settings
    service: SpeechService
    auto: Auto
    missing: Mapping[str, str]
    """Why an engine that the settings name cannot be had here."""
    decoder: Decoder
    host: SpeechHost
    models: ModelStore

    def engines(self) -> list[EngineReport]:
        """Every engine there is, and those the settings name that nobody else would think of."""
        known = report(self.auto.around)
        named = {(engine.kind, engine.name) for engine in known}
        chains: dict[Literal["stt", "tts"], tuple[str, ...]] = {
            "stt": self.settings.stt,
            "tts": self.settings.tts,
        }
        others = [
            self._named(name, kind)
            for kind, chain in chains.items()
            for name in chain
            if name != AUTO and (kind, name) not in named
        ]
        return sorted([*known, *others], key=lambda engine: (engine.kind, not engine.works))

    def _named(self, name: str, kind: Literal["stt", "tts"]) -> EngineReport:
        if any(e.name == name and e.kind == kind for e in self.service.engines()):
            return EngineReport(name, kind, True, Wording.reason("set_by_name"))
        unknown = Wording.reason("named_in_vain")
        return EngineReport(name, kind, False, self.missing.get(name, unknown))

    async def load(self) -> SpeechLoad | None:
        """How busy the host is; None while it does not answer."""
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                told = await self.host.snapshot()
        except (TimeoutError, TertuliaError):
            return None
        audio = sum(told["audio_seconds"].values())
        holds = [model["capacity"] for model in told["models"].values()]
        return SpeechLoad(
            streams=told["streams"],
            capacity=min(holds, default=self.settings.speech_max_live),
            queue=told["queued"],
            real_time_factor=sum(told["call_seconds"].values()) / audio if audio else None,
            restarts=told["restarts"],
        )

    async def keep_looking(self) -> None:
        """Looks again and again, so that a model fetched beside a running server is used."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.auto.look()


@asynccontextmanager
async def running_speech(speech: Speech) -> AsyncIterator[Speech]:
    """Speech with the decoder's and the host's process running."""
    try:
        await speech.auto.look()
        await speech.decoder.start()
        await speech.host.start()
        looking = asyncio.create_task(speech.keep_looking(), name="look for models")
        try:
            yield speech
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
    finally:
        await speech.service.close()
        await speech.host.close()
        await speech.decoder.close()


@asynccontextmanager
async def opened_speech(
    settings: Settings, metrics: Metrics | None = None
) -> AsyncIterator[Speech]:
    """Speech for a command: built, started, and closed at the end."""
    async with running_speech(build_speech(settings, metrics)) as speech:
        yield speech


def build_speech(
    settings: Settings, metrics: Metrics | None = None, *, warm: tuple[str, ...] = ()
) -> Speech:
    """Puts the parts together; starts nothing. `warm` names local engines whose models a host loads at its start."""
    host = SpeechHost(
        HostConfig(
            models=_specs(settings),
            workers=settings.speech_workers,
            memory_bytes=settings.speech_memory_bytes,
            max_live=settings.speech_max_live,
            device=_device(settings),
            warm=warm,
            call_seconds=min(CALL_SECONDS, settings.speech_timeout_seconds),
            file_seconds=settings.speech_timeout_seconds,
        )
    )
    decoder = Decoder(
        DecodeLimits(
            seconds=settings.decode_timeout_seconds,
            memory_bytes=settings.decode_memory_bytes,
            audio_seconds=settings.max_audio_seconds,
        )
    )
    observer = MetricsObserver(metrics) if metrics else Unobserved()
    maker = EngineMaker(settings, host, observer)
    engines = maker.engines()
    auto = Auto(settings, engines)
    service = SpeechService(engines, decoder, auto, stt=settings.stt, tts=settings.tts)
    models = ModelStore(settings.models_folder, download=settings.download_models)
    return Speech(settings, service, auto, maker.missing, decoder, host, models)


def _device(settings: Settings) -> str:
    if settings.device != "auto":
        return settings.device
    return "cuda" if Path("/dev/nvidia0").exists() else "cpu"


def _specs(settings: Settings) -> dict[str, ModelSpec]:
    """How the host makes each local model."""
    shared: dict[str, Any] = {
        "models": str(settings.models_folder),
        "download": settings.download_models,
        "speakers": settings.sherpa_diarisation,
        "device": settings.device,
        "compute_type": settings.compute_type,
        "workers": settings.speech_workers or os.cpu_count() or 1,
    }
    wanted = {
        "whisper": settings.whisper_model,
        "sherpa": settings.sherpa_model,
        "pocketsphinx": None,
    }
    specs = {
        name: ModelSpec(f"{LOADING}:{name}", {**shared, "model": wanted[name]}) for name in LOCAL
    }
    if settings.whisper_live_model:
        live = {**shared, "model": settings.whisper_live_model}
        specs[LIVE_WHISPER] = ModelSpec(f"{LOADING}:whisper", live)
    return specs
