"""Piper voices: neural, offline, one model a voice."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tertulia.kernel.clock import Clock
from tertulia.speech.domain import Capabilities, SpeechChunk, SpeechOptions, VoiceInfo
from tertulia.speech.engines.base import BaseVoice, EngineObserver, Patience
from tertulia.speech.engines.errors import EngineUnavailableError
from tertulia.speech.text import sentences

_GENDERS = {"M": "male", "F": "female"}

# It writes the text into its log.
logging.getLogger("piper").setLevel(logging.WARNING)


class PiperVoice(BaseVoice):
    """Speaks sentence by sentence on one thread; the model is loaded when it is first needed."""

    def __init__(
        self,
        model: Path,
        *,
        name: str = "piper",
        cuda: bool = False,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
    ) -> None:
        model = _inside(model)
        self._model, self._cuda = model, cuda
        self._config = _config(model)
        espeak = self._config.get("espeak") or {}
        language = self._config.get("language") or {}
        code = str(language.get("code") or espeak.get("voice") or "en").replace("_", "-")
        self._language = code
        capabilities = Capabilities(
            languages=frozenset({code.split("-")[0].lower()}), streaming=True, detects_language=True
        )
        super().__init__("piper", capabilities, clock=clock, observer=observer, patience=patience)
        self._voice: Any = None
        # A voice's model and its phonemiser are not made for two threads at once.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="piper")

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._voice = None

    async def voices(self) -> Sequence[VoiceInfo]:
        name = self._model.stem
        speakers: dict[str, int] = self._config.get("speaker_id_map") or {}
        if not speakers:
            gender = _GENDERS.get(str(self._config.get("gender", ""))[:1].upper())
            return (VoiceInfo(name, name, self._language, gender),)
        return tuple(VoiceInfo(s, f"{name}: {s}", self._language) for s in speakers)

    async def _speak_impl(
        self, text: str, options: SpeechOptions
    ) -> AsyncGenerator[SpeechChunk, None]:
        loop = asyncio.get_running_loop()
        for sentence in sentences(text):
            for chunk in await loop.run_in_executor(self._thread, self._say, sentence, options):
                yield chunk

    def _say(self, sentence: str, options: SpeechOptions) -> list[SpeechChunk]:
        from piper.config import SynthesisConfig

        if self._voice is None:
            self._voice = _loaded(self._model, cuda=self._cuda)
        speakers: dict[str, int] = self._config.get("speaker_id_map") or {}
        scale = float(self._voice.config.length_scale)
        settings = SynthesisConfig(
            speaker_id=speakers.get(options.voice or ""),
            length_scale=scale / min(max(options.speed, 0.25), 4.0),
        )
        # Double brackets would be read as phonemes.
        plain = sentence.replace("[[", "[ [").replace("]]", "] ]")
        return [
            SpeechChunk(chunk.audio_int16_bytes, chunk.sample_rate)
            for chunk in self._voice.synthesize(plain, settings)
            if len(chunk.audio_int16_bytes)
        ]


def _inside(model: Path) -> Path:
    """The voice in a folder, where a folder is given."""
    found = sorted(model.rglob("*.onnx")) if model.is_dir() else []
    return found[0] if found else model


def _config(model: Path) -> dict[str, Any]:
    """The JSON beside the model."""
    beside = Path(f"{model}.json")
    for path in (model, beside):
        if not path.is_file():
            raise EngineUnavailableError(
                f"There is no {path.name} in {path.parent}. A Piper voice is an .onnx file with its .onnx.json; "
                "set TERTULIA_PIPER_MODEL to the .onnx."
            )
    try:
        config = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError:
        config = None
    if not isinstance(config, dict) or "phoneme_id_map" not in config:
        raise EngineUnavailableError(
            f"{beside.name} is not the configuration of a Piper voice. Fetch it again."
        )
    return config


def _loaded(model: Path, *, cuda: bool) -> Any:
    try:
        import piper
    except ImportError:
        raise EngineUnavailableError(
            "piper is not installed. pip install tertulia[piper]."
        ) from None
    try:
        return piper.PiperVoice.load(model, use_cuda=cuda)
    except Exception as error:  # noqa: BLE001 - onnxruntime and piper each raise their own
        raise EngineUnavailableError(
            f"{model.name} cannot be loaded ({type(error).__name__}). Fetch the voice again."
        ) from None
