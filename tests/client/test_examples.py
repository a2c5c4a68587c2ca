"""The examples do what they say."""

import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from tests.fixtures.live import ROOT, LiveServer, utterances

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
def recording(tmp_path: Path) -> tuple[Path, list[str]]:
    sound, said = utterances(2)
    path = tmp_path / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(sound)
    return path, said


def run(server: LiveServer, *command: str) -> str:
    environment = {**os.environ, "TERTULIA_URL": server.url, "TERTULIA_KEY": server.key}
    found = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.parametrize("name", ["live_bare.py", "live_client.py", "live_deepgram.py"])
def test_programs_print_what_is_said(
    live_server: LiveServer, recording: tuple[Path, list[str]], name: str
) -> None:
    path, said = recording
    printed = run(live_server, sys.executable, str(ROOT / "examples" / name), str(path))
    finals = [line.split() for line in printed.replace("\x1b[K", "\n").splitlines()]
    assert said[:4] in finals
    assert said[4:] in finals


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_script_with_curl(live_server: LiveServer) -> None:
    printed = run(live_server, "sh", str(ROOT / "examples" / "live_curl.sh"))
    assert printed.count('"session_id"') >= 4
    assert '"role"' not in printed


@pytest.mark.parametrize("name", ["live_curl.sh", "live_websocat.sh"])
def test_scripts_are_shell(name: str) -> None:
    subprocess.run(["sh", "-n", str(ROOT / "examples" / name)], check=True, timeout=10)
