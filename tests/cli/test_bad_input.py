"""A folder of what nobody should send, given to `tertulia transcribe`: each file has its own end, and the rest is read."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.cli.test_transcribe import environment, linked
from tests.speech.decoding.recordings import silent_opus, tone, wav
from tests.speech.decoding.test_files import CORRUPT

pytestmark = pytest.mark.engine

LONGEST_SECONDS = 120


def made() -> dict[str, tuple[bytes, str]]:
    """Recordings made here, and how each ends."""
    many = np.repeat(tone(0.5)[:, np.newaxis], 64, axis=1)
    holed = tone(1.0)
    holed[::7] = np.nan
    return {
        "empty.wav": (b"", "audio_empty"),
        "letter.wav": (b"Dear sir, this is not a recording. " * 200, "audio_unreadable"),
        "list.m4a": (b"#EXTM3U\n#EXTINF:5,\n/etc/passwd\n#EXT-X-ENDLIST\n", "audio_forbidden"),
        "bomb.webm": (silent_opus(LONGEST_SECONDS + 30), "audio_too_long"),
        "choir.wav": (wav((many * 32767).astype(np.int16)), "whole"),
        "holed.wav": (wav(holed), "whole"),
    }


def test_every_file_has_its_own_end(speech: Path, tmp_path: Path) -> None:
    folder = linked(tmp_path / "calls", *sorted((speech / "corrupt").iterdir()))
    expected = dict(CORRUPT)
    for name, (data, end) in made().items():
        (folder / name).write_bytes(data)
        expected[name] = end
    (folder / "well.wav").write_bytes((speech / "en" / "cards_001.wav").read_bytes())
    expected["well.wav"] = "whole"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tertulia", "transcribe", str(folder), "--json"),
            *("--engine", "pocketsphinx", "--out", str(tmp_path / "texts")),
        ],
        env=environment(tmp_path / "data") | {"TERTULIA_MAX_AUDIO_SECONDS": str(LONGEST_SECONDS)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1
    told = {Path(line["file"]).name: line for line in map(json.loads, done.stdout.splitlines())}
    assert {name: _end(line) for name, line in told.items()} == expected
    assert "Traceback" not in done.stderr
    written = {path.stem for path in (tmp_path / "texts").iterdir()}
    assert {"well", "choir", "holed"} <= written
    assert not written & {"empty", "letter", "list", "bomb"}


def _end(line: dict[str, object]) -> str:
    if line["status"] == "failed":
        error = line["error"]
        assert isinstance(error, dict)
        assert error["detail"].endswith(".")
        return str(error["code"])
    return "truncated" if line["truncated"] else "whole"
