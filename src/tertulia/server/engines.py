"""Which engines there are: local ones always, vendors where their key or address is set."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tertulia.kernel.settings import Settings
from tertulia.speech.domain import Capabilities, LiveRecognizer, Recognizer, Voice
from tertulia.speech.engines.base import EngineObserver, Patience
from tertulia.speech.engines.errors import EngineUnavailableError
from tertulia.speech.host.client import SpeechHost
from tertulia.speech.models import ModelStore
from tertulia.speech.service import Engines

LIVE_WHISPER = "whisper-live"
"""The host's name for the Whisper of live text, where the settings give it one of its own."""
OPEN_SECONDS = 120.0
"""For opening a live stream in the host, which may have to load its model first."""
LIVEKIT = "livekit:"
OPENAI_URL = str(Settings.model_fields["openai_url"].default)

LOCAL: Mapping[str, Capabilities] = {
    "whisper": Capabilities(words=True, translation=True, hot_words=True, detects_language=True),
    "sherpa": Capabilities(streaming=True, words=True, detects_language=True),
    # whatever it is given it takes for English, so it need not be told
    "pocketsphinx": Capabilities(
        languages=frozenset({"en"}), streaming=True, words=True, detects_language=True
    ),
}
"""What local engines can do, as far as that is known before a model is loaded."""


class EngineMaker:
    """Makes every engine with the same patience and observer."""

    def __init__(self, settings: Settings, host: SpeechHost, observer: EngineObserver) -> None:
        self._settings = settings
        self._host = host
        self._recognizers: dict[str, Recognizer] = {}
        self._live: dict[str, LiveRecognizer] = {}
        self._voices: dict[str, Voice] = {}
        patience = Patience(timeout_seconds=settings.speech_timeout_seconds)
        self._common: dict[str, Any] = {"observer": observer, "patience": patience}

        self.missing: dict[str, str] = {}
        """Why an engine that the settings name cannot be had here."""

    def engines(self) -> Engines:
        self._local()
        self._gladia()
        self._openai()
        self._livekit()
        self._piper()
        self._espeak()
        return Engines(self._recognizers, self._live, self._voices)

    def _local(self) -> None:
        patience = replace(self._common["patience"], open_timeout_seconds=OPEN_SECONDS)
        common = {**self._common, "patience": patience}
        for name, known in LOCAL.items():
            can = replace(known, diarisation=self._settings.sherpa_diarisation is not None)
            self._recognizers[name] = self._host.recognizer(name, capabilities=can, **common)
            own_live = name == "whisper" and self._settings.whisper_live_model
            model = LIVE_WHISPER if own_live else name
            self._live[name] = self._host.live_recognizer(model, capabilities=can, **common)

    def _openai(self) -> None:
        """Where a key is given, or a server of one's own."""
        settings = self._settings
        if settings.openai_key is None and settings.openai_url == OPENAI_URL:
            return
        from tertulia.speech.engines.openai import OpenAIRecognizer, OpenAIServer, OpenAIVoice

        key = settings.openai_key.get_secret_value() if settings.openai_key else None
        hears = OpenAIServer(settings.openai_url, key, settings.openai_stt_model)
        says = OpenAIServer(
            settings.openai_url, key, settings.openai_tts_model, settings.openai_voice
        )
        self._recognizers["openai"] = OpenAIRecognizer(hears, **self._common)
        self._voices["openai"] = OpenAIVoice(says, **self._common)

    def _gladia(self) -> None:
        """Where a key is given."""
        if self._settings.gladia_key is None:
            return
        from tertulia.speech.engines.gladia import GladiaLiveRecognizer, GladiaRecognizer

        key, url = self._settings.gladia_key.get_secret_value(), self._settings.gladia_url
        self._recognizers["gladia"] = GladiaRecognizer(key, url, **self._common)
        self._live["gladia"] = GladiaLiveRecognizer(key, url, **self._common)

    def _livekit(self) -> None:
        """Plugins are loaded only where the settings name them: they bring their vendors' packages along."""
        hear = [name for name in self._settings.stt if name.startswith(LIVEKIT)]
        speak = [name for name in self._settings.tts if name.startswith(LIVEKIT)]
        if not hear and not speak:
            return
        from tertulia.speech.engines.livekit import (
            LiveKitLiveRecognizer,
            LiveKitRecognizer,
            LiveKitVoice,
        )

        for name in hear:
            with self._noted(name):
                self._recognizers[name] = LiveKitRecognizer(name, **self._common)
            with self._noted(name):
                self._live[name] = LiveKitLiveRecognizer(name, **self._common)
        for name in speak:
            with self._noted(name):
                self._voices[name] = LiveKitVoice(name, **self._common)

    def _piper(self) -> None:
        """The voice of the settings as `piper`, and every other that is here as `piper:NAME`."""
        settings = self._settings
        store = ModelStore(settings.models_folder, download=False)
        here = {m.name: m.path for m in store.list() if m.kind == "piper"}
        if settings.piper_model and (own := store.find_local(settings.piper_model, "piper")):
            here = {settings.piper_model: own, **here}
        if not here:
            return
        from tertulia.speech.engines.piper import PiperVoice

        cuda = settings.device == "cuda"
        for model, path in here.items():
            name = piper_name(settings, model)
            with self._noted(name):
                self._voices[name] = PiperVoice(path, cuda=cuda, **self._common)

    def _espeak(self) -> None:
        from tertulia.speech.engines.espeak import EspeakVoice

        with self._noted("espeak"):
            self._voices["espeak"] = EspeakVoice(**self._common)

    @contextmanager
    def _noted(self, name: str) -> Iterator[None]:
        """An engine that cannot be made is left out: the others, and the server, go on without it."""
        try:
            yield
        except EngineUnavailableError as error:
            self.missing[name] = error.detail


def piper_name(settings: Settings, model: str) -> str:
    """What the Piper voice `model` is called as an engine."""
    return "piper" if model == settings.piper_model else f"piper:{model}"
