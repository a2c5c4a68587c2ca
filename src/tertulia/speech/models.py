"""Models by name: where they lie on this machine, and fetching those that do not."""

import importlib
import io
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from tertulia.kernel.errors import NotFoundError, TertuliaError, UnavailableError

Kind = Literal["whisper", "sherpa", "piper"]
PullProgress = Callable[[int, int], None]
"""Called with the bytes fetched so far and the bytes there are in all."""


class ModelUnusableError(TertuliaError):
    """A model is missing or broken."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "model_unusable"
    title = "A speech model cannot be used"


class ModelUnknownError(NotFoundError):
    """No model is known by that name."""

    code = "model_unknown"
    title = "There is no model by that name"


class HubUnreachableError(UnavailableError):
    """The place models are fetched from cannot be reached."""

    code = "hub_unreachable"
    title = "The model hub cannot be reached"


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model that can be fetched by name."""

    name: str
    kind: Kind
    repository: str
    files: tuple[str, ...]
    """What is fetched of the repository; patterns."""
    proof: str
    """The file without which it is not there."""
    languages: str = "99 languages"
    size: str = ""


_WHISPER_FILES = (
    "config.json",
    "preprocessor_config.json",
    "model.bin",
    "tokenizer.json",
    "vocabulary.*",
)
_WHISPER_SIZES = {
    "tiny": "75 MB", "base": "145 MB", "small": "485 MB", "medium": "1.5 GB", "large-v1": "3.1 GB",
    "large-v2": "3.1 GB", "large-v3": "3.1 GB", "large-v3-turbo": "1.6 GB", "distil-large-v3": "1.5 GB",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LocalModelFolder:
    """A model that lies on this machine."""

    name: str
    kind: Kind
    path: Path
    size_bytes: int


class ModelStore:
    """The models of this machine: in the folder of ours, and in the cache that Hugging Face's tools share."""

    def __init__(self, folder: Path, *, download: bool = True) -> None:
        self.folder = folder
        self.download = download

    def find_local(self, name: str, kind: Kind = "whisper") -> Path | None:
        """The folder of a model by name or path; never asks the network."""
        given = Path(name).expanduser()
        if given.is_dir():
            return given.resolve() if _proven(given, kind) else None
        if kind == "piper" and given.suffix == ".onnx" and given.is_file():
            return given.resolve()
        known = find_known(name, kind)
        places = [self.folder / kind / _folder_name(name)]
        if known is not None:
            places.append(self.folder / kind / _folder_name(known.repository))
            places += _cached(known.repository)
        elif "/" in name:
            places += _cached(name)
        return next((place for place in places if _proven(place, kind)), None)

    def path(self, name: str, kind: Kind = "whisper") -> Path:
        """The folder of a model that is here."""
        found = self.find_local(name, kind)
        if found is None:
            raise ModelUnusableError(
                f"The {kind} model `{name}` is not on this machine. Fetch it with `tertulia models pull {name}` "
                f"where there is a network, or copy its folder to {self.folder / kind / _folder_name(name)}."
            )
        return found

    def list(self) -> list[LocalModelFolder]:
        """Every model that is here."""
        found: dict[Path, LocalModelFolder] = {}
        for kind in ("whisper", "sherpa", "piper"):
            folder = self.folder / kind
            for place in sorted(folder.iterdir()) if folder.is_dir() else []:
                if _proven(place, kind):
                    found[place.resolve()] = _described(place.name, kind, place)
        for model in KNOWN:
            here = self.find_local(model.name, model.kind)
            if here is not None and here.resolve() not in found:
                found[here.resolve()] = _described(model.name, model.kind, here)
        return list(found.values())

    def pull(self, name: str, kind: Kind = "whisper", progress: PullProgress | None = None) -> Path:
        """Fetches a model unless it is here. Blocks for minutes: call it from a thread."""
        here = self.find_local(name, kind)
        if here is not None:
            return here
        model = find_known(name, kind)
        if model is None:
            if "/" not in name:
                raise ModelUnknownError(
                    f"There is no {kind} model called `{name}`. Known are {', '.join(names(kind))}; a "
                    "repository on Hugging Face (owner/name) or a folder will do too."
                )
            model = ModelName(name, kind, name, _FILES[kind], _PROOFS[kind][0])
        if not self.download:
            raise ModelUnusableError(
                f"The {kind} model `{name}` is not here and TERTULIA_DOWNLOAD_MODELS is false. Allow it, or "
                f"copy the model's folder to {self.folder / kind / _folder_name(name)}."
            )
        target = self.folder / kind / _folder_name(name)
        _fetch(model, target, progress)
        if not _proven(target, kind):
            raise ModelUnusableError(
                f"{model.repository} holds no {kind} model that can be used here ({model.proof} is missing). "
                "Choose another."
            )
        return target


def _fetch(model: ModelName, target: Path, progress: PullProgress | None) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    # what is half fetched stands aside, is gone on with next time, and is never taken for a model
    draft = target.with_name(target.name + ".partial")
    draft.mkdir(parents=True, exist_ok=True)
    try:
        snapshot_download(
            model.repository,
            local_dir=draft,
            allow_patterns=list(model.files),
            tqdm_class=_reporter(progress),
            etag_timeout=10,
        )
    except RepositoryNotFoundError:
        raise ModelUnknownError(
            f"{model.repository} is not on Hugging Face, or is private. Check the name, or set HF_TOKEN."
        ) from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise HubUnreachableError(
            f"{model.repository} cannot be fetched ({type(error).__name__}). Check the network, set HF_ENDPOINT "
            f"to a mirror, or copy the model's folder to {target}.",
            retry_after_seconds=60,
        ) from error
    draft.rename(target)


def _reporter(progress: PullProgress | None) -> type[Any]:
    """huggingface_hub tells its progress to a class like tqdm; this one tells ours, and prints nothing."""
    base: Any = importlib.import_module("tqdm").tqdm

    def update(self: Any, count: float | None = 1) -> Any:
        shown = base.update(self, count)
        if progress is not None and self.unit == "B" and self.total:
            progress(int(self.n), int(self.total))
        return shown

    def begin(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("name", None)
        base.__init__(self, *args, **{**kwargs, "disable": False, "file": io.StringIO()})

    return type("Reporter", (base,), {"__init__": begin, "update": update})


def find_known(name: str, kind: Kind) -> ModelName | None:
    return next((m for m in KNOWN if m.kind == kind and m.name == name), None)


def names(kind: Kind) -> list[str]:
    """The names that `pull` knows."""
    return [model.name for model in KNOWN if model.kind == kind]


def _cached(repository: str) -> Iterable[Path]:
    """Folders of the repository in Hugging Face's own cache, the newest first."""
    home = (
        os.environ.get("HF_HUB_CACHE")
        or Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface") / "hub"
    )
    snapshots = Path(home) / f"models--{repository.replace('/', '--')}" / "snapshots"
    if not snapshots.is_dir():
        return []
    return sorted(snapshots.iterdir(), key=lambda place: place.stat().st_mtime, reverse=True)


def _proven(place: Path, kind: Kind) -> bool:
    """Whether the files that make a model of this kind lie there."""
    return place.is_dir() and any(True for pattern in _PROOFS[kind] for _ in place.glob(pattern))


def _described(name: str, kind: Kind, place: Path) -> LocalModelFolder:
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    return LocalModelFolder(name, kind, place, size)


def _folder_name(name: str) -> str:
    return name.replace("/", "--")


_FILES: dict[Kind, tuple[str, ...]] = {
    "whisper": _WHISPER_FILES,
    "sherpa": ("*.onnx", "tokens.txt", "bpe.model", "*.vocab"),
    "piper": ("*.onnx", "*.onnx.json"),
}
_PROOFS: dict[Kind, tuple[str, ...]] = {
    "whisper": ("model.bin",),
    "sherpa": ("tokens.txt", "*segmentation*.onnx", "model.onnx"),
    "piper": ("*.onnx.json", "**/*.onnx.json"),
}


def _whisper_models() -> list[ModelName]:
    from faster_whisper.utils import _MODELS

    return [
        ModelName(
            name, "whisper", repository, _WHISPER_FILES, "model.bin",
            "English" if ".en" in name or name.startswith("distil") else "99 languages",
            _WHISPER_SIZES.get(name.removesuffix(".en"), ""),
        )
        for name, repository in _MODELS.items()
    ]  # fmt: skip


def _sherpa(name: str, repository: str, languages: str, size: str) -> ModelName:
    return ModelName(name, "sherpa", repository, _FILES["sherpa"], "tokens.txt", languages, size)


def _piper(name: str, languages: str) -> ModelName:
    language, voice, quality = name.split("-")
    folder = f"{language.split('_')[0]}/{language}/{voice}/{quality}/{name}"
    files = (f"{folder}.onnx", f"{folder}.onnx.json")
    return ModelName(name, "piper", "rhasspy/piper-voices", files, ".onnx.json", languages, "60 MB")


KNOWN: tuple[ModelName, ...] = (
    *_whisper_models(),
    _sherpa(
        "zipformer-en",
        "csukuangfj/sherpa-onnx-streaming-zipformer-en-2023-06-26",
        "English",
        "300 MB",
    ),
    _sherpa(
        "zipformer-fr",
        "shaojieli/sherpa-onnx-streaming-zipformer-fr-2023-04-14",
        "French",
        "400 MB",
    ),
    _sherpa(
        "zipformer-ru",
        "csukuangfj/sherpa-onnx-streaming-zipformer-small-ru-vosk-2025-08-16",
        "Russian",
        "70 MB",
    ),
    _sherpa(
        "zipformer-es",
        "csukuangfj/sherpa-onnx-streaming-zipformer-es-kroko-2025-08-06",
        "Spanish",
        "160 MB",
    ),
    _piper("es_ES-davefx-medium", "Spanish (Spain)"),
    _piper("es_MX-claude-high", "Spanish (Mexico)"),
    _piper("ru_RU-irina-medium", "Russian"),
    _piper("en_US-lessac-medium", "English (US)"),
)


def hub_answers(seconds: float = 2.0) -> bool:
    """Whether the hub, or the mirror that HF_ENDPOINT names, can be connected to."""
    address = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    if (
        os.environ.get("HF_HUB_OFFLINE", "0").lower() in {"1", "true", "yes", "on"}
        or not address.hostname
    ):
        return False
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname, port), timeout=seconds).close()
    except OSError:
        return False
    return True
