"""`tertulia models`: what is here, what is not, and what to do about it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tertulia.cli.main import app

pytestmark = pytest.mark.unit

MODEL = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("TERTULIA_DATA", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return CliRunner()


def a_model(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / "models" / "whisper" / name
    folder.mkdir(parents=True)
    for file in MODEL:
        (folder / file).write_bytes(b"x" * 1000)
    return folder


def told(runner: CliRunner, *arguments: str) -> dict[str, object]:
    result = runner.invoke(app, ["models", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


def test_with_nothing_here_auto_means_english_and_says_what_would_be_better(
    runner: CliRunner,
) -> None:
    answer = told(runner, "list")
    assert answer["here"] == []
    auto = answer["auto"]
    assert isinstance(auto, dict)
    assert auto["stt"]["engine"] == "pocketsphinx"
    assert "models pull small" in auto["stt"]["better"]
    assert auto["tts"]["engine"] == "espeak"
    names = {m["name"] for m in answer["to_pull"]}  # type: ignore[attr-defined]
    assert {"small", "zipformer-es", "zipformer-ru", "es_ES-davefx-medium"} <= names


def test_what_auto_means_depends_on_the_language(runner: CliRunner) -> None:
    auto = told(runner, "list", "--language", "russian")["auto"]
    assert isinstance(auto, dict)
    assert auto["stt"]["engine"] is None
    assert "English only" in auto["stt"]["reason"]


def test_a_model_that_is_here_is_listed_and_chosen(runner: CliRunner, tmp_path: Path) -> None:
    folder = a_model(tmp_path, "small")
    answer = told(runner, "list")
    [here] = answer["here"]  # type: ignore[misc]
    assert (here["name"], here["kind"], here["path"]) == ("small", "whisper", str(folder))
    assert here["size"] == "4 kB"
    auto = answer["auto"]
    assert isinstance(auto, dict)
    assert (auto["stt"]["engine"], auto["stt"]["model"]) == ("whisper", "small")
    assert told(runner, "path", "small")["path"] == str(folder)
    assert told(runner, "pull", "small")["path"] == str(folder)


def test_people_get_tables(runner: CliRunner, tmp_path: Path) -> None:
    a_model(tmp_path, "tiny")
    result = runner.invoke(app, ["models", "list"])
    assert result.exit_code == 0
    for word in ("tiny", "large-v3-turbo", "99 languages", "`auto` chooses", "espeak"):
        assert word in result.stdout


def test_without_a_network_pulling_names_the_ways_out(runner: CliRunner) -> None:
    result = runner.invoke(app, ["models", "pull", "small"])
    assert result.exit_code == 1
    assert "copy the model's folder to" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("pull", "enormous"), 1, "no whisper model called"),
        (("path", "small"), 1, "models pull small"),
        (("pull", "x", "--kind", "parrot"), 2, "whisper"),
    ],
)
def test_what_cannot_be_done_names_the_fix(
    runner: CliRunner, arguments: tuple[str, ...], code: int, says: str
) -> None:
    result = runner.invoke(app, ["models", *arguments])
    assert result.exit_code == code
    assert says in " ".join(result.stderr.split())


def test_downloads_may_be_forbidden(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERTULIA_DOWNLOAD_MODELS", "false")
    result = runner.invoke(app, ["models", "pull", "small"])
    assert result.exit_code == 1
    assert "TERTULIA_DOWNLOAD_MODELS is false" in " ".join(result.stderr.split())
