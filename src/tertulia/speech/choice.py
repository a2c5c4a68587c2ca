"""What `auto` means on this machine: which recogniser and which voice, why, and what would be better."""

import importlib.util
import os
from dataclasses import dataclass

from tertulia.kernel.settings import Settings
from tertulia.speech.models import ModelStore, hub_answers
from tertulia.speech.wording import Wording

PIPER_VOICES = {
    "es": "es_ES-davefx-medium",
    "ru": "ru_RU-irina-medium",
    "en": "en_US-lessac-medium",
}
_WHISPER_BY_QUALITY = (
    *("large-v3", "large", "large-v3-turbo", "turbo", "large-v2", "large-v1", "distil-large-v3.5"),
    *("distil-large-v3", "distil-large-v2", "medium", "medium.en", "distil-medium.en", "small"),
    *("small.en", "distil-small.en", "base", "base.en", "tiny", "tiny.en"),
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What this machine has; `look_around` fills it, tests write it down."""

    whisper_model: str = "small"
    """The model the settings name."""
    whisper_here: tuple[str, ...] = ()
    """Whisper models on this machine, by name or path."""
    sherpa_installed: bool = False
    sherpa_model: str | None = None
    """The sherpa-onnx model the settings name, when it is here."""
    pocketsphinx_installed: bool = True
    gladia: bool = False
    """Whether a key is given."""
    openai: bool = False
    """Whether a key or a server of one's own is given."""
    downloads: bool = True
    hub_answers: bool = False
    piper_installed: bool = False
    piper_here: tuple[str, ...] = ()
    espeak_installed: bool = True
    cuda: bool = False
    cores: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and in words why. `engine` is None where nothing here can do it."""

    engine: str | None
    reason: str
    model: str | None = None
    better: str | None = None
    """What would be better, and how to get it; None when this is the best."""


def choose_recogniser(around: Surroundings, language: str | None = None) -> Choice:
    """The best recogniser for a language (None: any) that works here without asking anybody."""
    code = _plain(language)
    here = _best_whisper(around, code)
    if here is not None:
        return _whisper_here(around, here)
    if around.sherpa_installed and around.sherpa_model:
        return Choice(
            "sherpa",
            Wording.reason("sherpa_here", model=around.sherpa_model),
            around.sherpa_model,
            _pull_whisper(around),
        )
    if around.gladia:
        return Choice("gladia", Wording.reason("gladia_set"), None, _pull_whisper(around))
    if around.openai:
        return Choice("openai", Wording.reason("openai_hears"), None, _pull_whisper(around))
    if around.downloads and around.hub_answers:
        return Choice(
            "whisper",
            Wording.reason("whisper_first_use", model=around.whisper_model),
            around.whisper_model,
        )
    return _pocketsphinx(around, code)


def choose_voice(around: Surroundings, language: str | None = None) -> Choice:
    """The best voice for a language that works here without asking anybody."""
    code = _plain(language)
    fitting = [name for name in around.piper_here if code is None or _voice_speaks(name, code)]
    if around.piper_installed and fitting:
        return Choice("piper", Wording.reason("piper_here", model=fitting[0]), fitting[0])
    better = _better_voice(around, code)
    if around.openai:
        return Choice("openai", Wording.reason("openai_speaks"), None, better)
    if around.espeak_installed:
        return Choice("espeak", Wording.reason("espeak_comes_along"), None, better)
    return Choice(None, "no voice is installed", None, "`pip install espeakng-loader` brings one.")


def look_around(settings: Settings) -> Surroundings:
    """What this machine has. Reads folders and knocks at the hub for two seconds: call it from a thread."""
    store = ModelStore(settings.models_folder, download=settings.download_models)
    models = store.list()
    whisper = [model.name for model in models if model.kind == "whisper"]
    if settings.whisper_model not in whisper and store.find_local(settings.whisper_model):
        whisper.append(settings.whisper_model)
    piper = [model.name for model in models if model.kind == "piper"]
    if settings.piper_model and store.find_local(settings.piper_model, "piper"):
        piper.insert(0, settings.piper_model)
    own_server = settings.openai_url != Settings.model_fields["openai_url"].default
    return Surroundings(
        whisper_model=settings.whisper_model,
        whisper_here=tuple(whisper),
        sherpa_installed=_installed("sherpa_onnx"),
        sherpa_model=settings.sherpa_model
        if settings.sherpa_model and store.find_local(settings.sherpa_model, "sherpa")
        else None,
        pocketsphinx_installed=_installed("pocketsphinx"),
        gladia=settings.gladia_key is not None,
        openai=settings.openai_key is not None or own_server,
        downloads=settings.download_models,
        # a hub that nobody would ask need not be knocked at
        hub_answers=settings.download_models and not whisper and hub_answers(),
        piper_installed=_installed("piper"),
        piper_here=tuple(piper),
        espeak_installed=_installed("espeakng_loader"),
        cuda=_cuda(),
        cores=os.cpu_count() or 1,
    )


def _best_whisper(around: Surroundings, code: str | None) -> str | None:
    """The model the settings name where it is here and knows the language, else the best one that is."""
    fitting = [name for name in around.whisper_here if _whisper_speaks(name, code)]
    if around.whisper_model in fitting:
        return around.whisper_model
    known = [name for name in _WHISPER_BY_QUALITY if name in fitting]
    return next(iter([*known, *fitting]), None)


def _whisper_here(around: Surroundings, name: str) -> Choice:
    if name != around.whisper_model:
        other = Wording.reason("whisper_other_here", model=name, wanted=around.whisper_model)
        return Choice("whisper", other, name, _pull_whisper(around))
    if around.cuda and name in {"tiny", "base", "small"}:
        reason = Wording.reason("whisper_here_gpu", model=name)
        return Choice(
            "whisper", reason, name, Wording.advice("pull_larger", model="large-v3-turbo")
        )
    return Choice("whisper", Wording.reason("whisper_here", model=name), name)


def _pocketsphinx(around: Surroundings, code: str | None) -> Choice:
    why = (
        "the model hub cannot be reached"
        if around.downloads
        else "TERTULIA_DOWNLOAD_MODELS is false"
    )
    nothing = f"no Whisper model is here and {why}"
    if code not in {None, "en"}:
        return Choice(
            None,
            f"{nothing}: what is left, pocketsphinx, understands English only",
            None,
            _pull_whisper(around),
        )
    if not around.pocketsphinx_installed:
        return Choice(
            None, f"{nothing}, and pocketsphinx is not installed", None, _pull_whisper(around)
        )
    reason = "only_english_offline" if around.downloads else "only_english_undownloaded"
    return Choice("pocketsphinx", Wording.reason(reason), None, _pull_whisper(around))


def _pull_whisper(around: Surroundings) -> Wording:
    online = around.hub_answers or not around.downloads
    code = "pull_whisper" if online else "pull_whisper_online"
    return Wording.advice(code, model=around.whisper_model)


def _better_voice(around: Surroundings, code: str | None) -> Wording | None:
    voice = PIPER_VOICES.get(code or "en")
    if voice is None:
        return None
    return Wording.advice("pull_voice" if around.piper_installed else "install_voice", model=voice)


def _whisper_speaks(name: str, code: str | None) -> bool:
    return code in {None, "en"} or not (".en" in name or name.startswith("distil"))


def _voice_speaks(name: str, code: str) -> bool:
    return (
        name.rsplit("/", 1)[-1].split("_", maxsplit=1)[0].split("-", maxsplit=1)[0].lower() == code
    )


def _plain(language: str | None) -> str | None:
    return language.split("-")[0].lower() if language else None


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _cuda() -> bool:
    import ctranslate2

    return bool(ctranslate2.get_cuda_device_count())
