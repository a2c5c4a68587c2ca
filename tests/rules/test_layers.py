"""Law 1: imports point down, never up and never sideways. The contracts stand in pyproject.toml."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.rules.source import ROOT

pytestmark = pytest.mark.unit

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_point_down() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, (
        f"{done.stdout}\nAn import goes up or sideways. Move what is shared down a layer, or pass it in as a port."
    )


CONFIG = """
    [tool.importlinter]
    root_package = "planted"
    [[tool.importlinter.contracts]]
    name = "down"
    type = "layers"
    containers = ["planted"]
    layers = ["high", "low | beside"]
"""


@pytest.mark.parametrize(
    ("imported", "status"),
    [("import planted.low", 0), ("import planted.high", 1), ("import planted.beside", 1)],
)
def test_an_import_up_or_sideways_is_found(tmp_path: Path, imported: str, status: int) -> None:
    package = tmp_path / "planted"
    package.mkdir()
    (tmp_path / "pyproject.toml").write_text(textwrap.dedent(CONFIG))
    for name in ("__init__", "high", "low", "beside"):
        (package / f"{name}.py").write_text("")
    (package / ("high.py" if status == 0 else "low.py")).write_text(imported)
    assert lint(tmp_path).returncode == status
