"""Peers from PyPI, each in a virtual environment of its own under `.cache/`."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.fakes.tiny_whisper import tiny_whisper

from bench.parts.speech import ROOT, spoken_packets
from tertulia.speech.domain import Samples

WHISPER_LIVE = "whisper-live==0.10.0"
NEEDED = ("faster-whisper>=1.2", "websockets", "prometheus-client")
PEER = Path(__file__).with_name("whisper_live_peer.py")


def whisper_live_python() -> Path | None:
    """Python with WhisperLive in it, without audio capture and torch; None where it cannot be installed."""
    folder = ROOT / ".cache" / "whisper-live"
    python = folder / "bin" / "python"
    if (folder / "lib").is_dir() and any(folder.glob("lib/*/site-packages/whisper_live")):
        return python
    steps = [
        [sys.executable, "-m", "uv", "venv", "-q", str(folder), "--python", sys.executable],
        [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(python), "--no-deps", WHISPER_LIVE],
        [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(python), *NEEDED],
    ]  # fmt: skip
    for step in steps:
        if subprocess.run(step, check=False, capture_output=True).returncode:
            return None
    return python


def whisper_live(
    python: Path, audios: Sequence[Samples], *, single_model: bool, threads: int
) -> dict[str, Any]:
    """What WhisperLive measures of itself on these streams, all at once in real time."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{i}.npy" for i in range(len(audios))]
        for file, audio in zip(files, audios, strict=True):
            np.save(file, audio)
        job = {
            "model": str(tiny_whisper()),
            "audios": [str(file) for file in files],
            "spoken": [spoken_packets(audio) for audio in audios],
            "single_model": single_model,
            "patience": 10,
        }
        order = Path(folder) / "job.json"
        order.write_text(json.dumps(job))
        env = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": ""}
        done = subprocess.run(
            [python, PEER, order], env=env, check=True, capture_output=True, text=True
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
