"""In CI nothing may be left out, in one process or in several."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.rules.source import ROOT

pytestmark = pytest.mark.unit

TESTS = """
import pytest

def test_lacks():
    pytest.skip("needs a violin")

def test_does_not_apply():
    pytest.skip("it says that it knows no word times")
"""


@pytest.mark.parametrize(
    ("processes", "ci", "code"), [("0", "true", 1), ("1", "true", 1), ("1", "false", 0)]
)
def test_ci_refuses_a_test_that_lacks_something(
    tmp_path: Path, processes: str, ci: str, code: int
) -> None:
    (tmp_path / "test_few.py").write_text(TESTS)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", processes, "-p", "no:playwright"),
            *("-c", os.devnull, "--rootdir", str(tmp_path)),
            # in its common folder pytest would lock out the database server of the run this test is part of
            f"--basetemp={tmp_path / 'inner'}",
            *("-p", "tests.fixtures.nothing_left_out", str(tmp_path)),
        ],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("needs a violin" in done.stdout.partition("left out, which")[2]) is (ci == "true")
    assert "word times" not in done.stdout.partition("left out, which")[2]
