"""Bots' files on the command line, and what `say` writes."""

from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tertulia.cli.main import app
from tertulia.cli.say import _format
from tertulia.cli.writing import writable, write
from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.encoding import AudioFormat

pytestmark = pytest.mark.unit


def test_a_file_is_checked_without_a_server(tmp_path: Path) -> None:
    shipped = resources.files("tertulia.bots").joinpath("shipped", "host.es.toml")
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(shipped.read_text("utf-8"), "utf-8")
    bad.write_text('name = "x"\nscript = "[[intents]]"\n', "utf-8")
    checked = CliRunner().invoke(app, ["bots", "check", str(good)])
    assert (checked.exit_code, checked.output.strip()) == (0, "Anfitrión: nothing is wrong.")
    refused = CliRunner().invoke(app, ["bots", "check", str(bad)])
    assert refused.exit_code == 1
    assert "intents[1].name" in refused.output


def test_a_mistake_is_said_as_the_file_has_it(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('name = "x"\nscript = """\nsay = 1\nintents = 2\n"""\n', "utf-8")
    refused = CliRunner().invoke(app, ["bots", "check", str(bad)])
    assert refused.exit_code == 1
    assert "say: A table is wanted here, as in [say]." in refused.output.replace("\n", " ")


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    question = tmp_path / "question.wav"
    question.write_bytes(b"RIFF")
    nowhere = str(tmp_path / "nowhere" / "answer.mp3")
    data = ["--data", str(tmp_path / "data")]
    refused = CliRunner().invoke(app, ["say", str(question), "--out", nowhere, *data])
    assert refused.exit_code == 1
    assert "is not a folder" in refused.output.replace("\n", " ")
    assert not (tmp_path / "data").exists()


async def test_what_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    writable(tmp_path / "new.toml")
    await write(tmp_path / "new.toml", b"x")
    with pytest.raises(InvalidRequestError, match="cannot be written"):
        await write(tmp_path, b"x")


def test_the_name_says_what_the_answer_is_kept_as() -> None:
    assert _format(Path("answer.MP3")) is AudioFormat.MP3
    assert _format(None) is AudioFormat.WAV
    with pytest.raises(InvalidRequestError):
        _format(Path("answer.exe"))
