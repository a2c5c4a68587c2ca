"""How the speech host makes its models: called by name inside its process, with plain values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tertulia.speech.choice import Surroundings, choose_recogniser
from tertulia.speech.engines.errors import EngineUnavailableError
from tertulia.speech.local import LocalModel
from tertulia.speech.models import ModelStore


def whisper(config: Mapping[str, Any]) -> LocalModel:
    """The Whisper that is asked for, or the best one that is here; where there is none, it is fetched."""
    from tertulia.speech.engines.whisper import WhisperModel

    model = WhisperModel(
        _whisper_folder(config),
        device=config["device"],
        compute_type=config["compute_type"],
        workers=config["workers"],
    )
    return _with_speakers(model, config)


def pocketsphinx(config: Mapping[str, Any]) -> LocalModel:
    """English from the wheel."""
    from tertulia.speech.engines.pocketsphinx import PocketsphinxModel

    return _with_speakers(PocketsphinxModel(), config)


def sherpa(config: Mapping[str, Any]) -> LocalModel:
    """A sherpa-onnx model by name or path, fetched when it is not here."""
    from tertulia.speech.engines.sherpa import SherpaModel

    if not config["model"]:
        raise EngineUnavailableError(
            "sherpa has no model. Set TERTULIA_SHERPA_MODEL to a name of `tertulia models list` or a folder."
        )
    folder = _store(config).pull(config["model"], "sherpa")
    return _with_speakers(SherpaModel(folder, device=config["device"]), config)


def _store(config: Mapping[str, Any]) -> ModelStore:
    return ModelStore(Path(config["models"]), download=config["download"])


def _whisper_folder(config: Mapping[str, Any]) -> Path:
    store, wanted = _store(config), str(config["model"])
    if store.find_local(wanted) is None:
        here = tuple(model.name for model in store.list() if model.kind == "whisper")
        best = choose_recogniser(Surroundings(whisper_model=wanted, whisper_here=here)).model
        if here and best:
            return store.path(best)
    return store.pull(wanted)


def _with_speakers(model: LocalModel, config: Mapping[str, Any]) -> LocalModel:
    """Speakers told apart, where their models are set."""
    folder = config["speakers"]
    if not folder:
        return model
    from tertulia.speech.engines.diarisation import DiarisedModel, Diariser

    return DiarisedModel(model, Diariser(Path(folder).expanduser()))
