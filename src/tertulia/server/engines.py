"""Which engines there are: local ones always, vendors where their key or address is set."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tertulia.kernel.settings import Settings
from tertulia.speech.domain import Capabilities, LiveRecognizer, Recognizer, Voice
from tertulia.speech.engines.base import EngineObserver, Patience
from tertulia.speech.host.client import SpeechHost
from tertulia.speech.service import Engines

LIVE_WHISPER = "whisper-live"
"""The host's name for the Whisper of live text, where the settings give it one of its own."""
OPEN_SECONDS = 120.0
"""For opening a live stream in the host, which may have to load its model first."""
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

    def engines(self) -> Engines:
        self._local()
        self._openai()
        self._offline_voices()
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

    def _offline_voices(self) -> None:
        from tertulia.speech.engines.espeak import EspeakVoice

        self._voices["espeak"] = EspeakVoice(**self._common)
