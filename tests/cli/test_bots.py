"""Bots' files on the command line, and what `say` writes."""

from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tertulia.cli.main import app
from tertulia.cli.say import _format
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


def test_the_name_says_what_the_answer_is_kept_as() -> None:
    assert _format(Path("answer.MP3")) is AudioFormat.MP3
    assert _format(None) is AudioFormat.WAV
    with pytest.raises(InvalidRequestError):
        _format(Path("answer.exe"))
