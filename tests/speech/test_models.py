"""Models by name: found where they lie, fetched where there is a hub."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.model_hub import model_hub

from tertulia.speech.models import (
    ModelStore,
    ModelUnknownError,
    ModelUnusableError,
    hub_answers,
    names,
)

pytestmark = pytest.mark.unit

REPOSITORY = "Systran/faster-whisper-tiny"
FILES = {
    "config.json": b"{}",
    "model.bin": b"weights" * 200_000,
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"words",
    "README.md": b"not wanted",
}

PULL = """
import json, sys
from pathlib import Path
from tertulia.kernel.errors import TertuliaError
from tertulia.speech.models import ModelStore

steps = []
try:
    path = ModelStore(Path(sys.argv[1])).pull(sys.argv[2], progress=lambda done, total: steps.append((done, total)))
    print(json.dumps({"path": str(path), "steps": steps}))
except TertuliaError as error:
    print(json.dumps({"code": error.code, "detail": error.detail}))
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)


def _pull(folder: Path, name: str, endpoint: str) -> dict[str, object]:
    """In a process of its own: huggingface_hub reads its address when it is imported."""
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1"}
    run = subprocess.run(
        [sys.executable, "-c", PULL, str(folder), name],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    answer: dict[str, object] = json.loads(run.stdout)
    return answer


def _whisper(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"x" * 10)
    return folder


def test_pull_fetches_the_files_that_matter_and_tells_its_progress(tmp_path: Path) -> None:
    with model_hub({REPOSITORY: FILES}) as (address, asked):
        answer = _pull(tmp_path / "models", "tiny", address)
        assert "path" in answer, answer
        path = Path(str(answer["path"]))
        assert path == tmp_path / "models" / "whisper" / "tiny"
        assert (path / "model.bin").read_bytes() == FILES["model.bin"]
        assert not (path / "README.md").exists()
        steps = answer["steps"]
        assert isinstance(steps, list)
        assert steps[-1][0] >= len(FILES["model.bin"])
        count = len(asked)
        assert _pull(tmp_path / "models", "tiny", address)["path"] == str(path)
        assert len(asked) == count  # what is here is not asked for again


def test_a_hub_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        answer = _pull(tmp_path, "tiny", f"http://127.0.0.1:{free.getsockname()[1]}")
    assert answer["code"] == "hub_unreachable"
    assert "HF_ENDPOINT" in str(answer["detail"])
    assert ModelStore(tmp_path).find_local("tiny") is None


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    with model_hub({}) as (address, _):
        answer = _pull(tmp_path, "someone/whisper-own", address)
    assert answer["code"] in {"model_unknown", "hub_unreachable"}


def test_a_repository_without_a_model(tmp_path: Path) -> None:
    with model_hub({"someone/notes": {"config.json": b"{}"}}) as (address, _):
        answer = _pull(tmp_path, "someone/notes", address)
    assert answer["code"] == "model_unusable"


def test_a_name_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(ModelUnknownError, match="large-v3-turbo"):
        ModelStore(tmp_path).pull("enormous")


def test_downloads_may_be_forbidden(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusableError, match="TERTULIA_DOWNLOAD_MODELS"):
        ModelStore(tmp_path, download=False).pull("tiny")


def test_a_folder_of_ones_own_is_found_by_its_path(tmp_path: Path) -> None:
    folder = _whisper(tmp_path / "mine")
    store = ModelStore(tmp_path / "models")
    assert store.find_local(str(folder)) == folder
    assert store.find_local(str(tmp_path)) is None
    assert store.pull(str(folder)) == folder


def test_a_model_in_the_shared_cache_is_found_by_its_name(tmp_path: Path) -> None:
    snapshot = (
        tmp_path / "hf" / "hub" / "models--Systran--faster-whisper-tiny" / "snapshots" / "abc"
    )
    _whisper(snapshot)
    store = ModelStore(tmp_path / "models")
    assert store.find_local("tiny") == snapshot
    assert store.find_local(REPOSITORY) == snapshot
    assert [model.name for model in store.list()] == ["tiny"]


def test_the_list_is_what_is_here(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert store.list() == []
    _whisper(tmp_path / "whisper" / "base")
    (tmp_path / "whisper" / "small.partial").mkdir()
    piper = tmp_path / "piper" / "ru_RU-irina-medium"
    piper.mkdir(parents=True)
    (piper / "voice.onnx.json").write_text("{}")
    assert [(m.name, m.kind, m.size_bytes) for m in store.list()] == [
        ("base", "whisper", 10),
        ("ru_RU-irina-medium", "piper", 2),
    ]


def test_a_model_that_is_not_here_names_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusableError, match="tertulia models pull small"):
        ModelStore(tmp_path).path("small")


def test_every_kind_has_names() -> None:
    assert "small" in names("whisper")
    assert names("sherpa")
    assert "es_ES-davefx-medium" in names("piper")


def test_knocking_at_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    with model_hub({}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        assert hub_answers()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert not hub_answers()
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert not hub_answers(seconds=0.5)
