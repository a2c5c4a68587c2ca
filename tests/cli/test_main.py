"""The list of commands says what they say of themselves, and waits for none of them."""

import inspect
import subprocess
import sys

import pytest
import typer.main
from typer.testing import CliRunner

from tertulia.cli.main import COMMANDS, app

pytestmark = pytest.mark.unit

HEAVY = ("sqlalchemy", "fastapi", "pydantic", "tertulia.server.wiring")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says_of_itself(name: str) -> None:
    command = typer.main.get_group(app).commands[name]
    first, _, _ = inspect.cleandoc(command.help or "").partition("\n\n")
    assert COMMANDS[name].summary == first.replace("\n", " ")
    assert command.name == name


def test_every_command_is_in_the_list_with_its_words() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "300"})
    assert result.exit_code == 0
    for name, command in COMMANDS.items():
        assert name in result.output
        assert command.summary in " ".join(result.output.split())


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_list_imports_no_command(argument: str) -> None:
    code = (
        "import sys\n"
        "from tertulia.cli.main import app\n"
        f"app(['{argument}'], standalone_mode=False)\n"
        f"loaded = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "sys.exit(', '.join(loaded) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_command_about_keys_does_without_what_conversations_need() -> None:
    code = (
        "import sys\n"
        "import tertulia.cli.keys, tertulia.server.ground\n"
        "sys.exit(', '.join(m for m in sys.modules if m.startswith(('tertulia.doors', 'tertulia.bots'))) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_no_command_is_refused_with_the_nearest_that_is() -> None:
    result = CliRunner().invoke(app, ["serv"])
    assert result.exit_code == 2
    assert "serve" in result.output
