"""`tertulia transcribe` as a person or a script would use it, with nothing but what is installed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import jiwer
import psutil
import pytest

pytestmark = pytest.mark.engine

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(data: Path) -> dict[str, str]:
    """No settings but the data folder, no model, no hub."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TERTULIA_", "PG_", "HF_"))}
    cache = str(data / "cache")
    return {**kept, "TERTULIA_DATA": str(data), "HF_HUB_OFFLINE": "1", "HF_HOME": cache}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str | Path, **settings: str) -> "subprocess.CompletedProcess[str]":
        given = {f"TERTULIA_{k.upper()}": v for k, v in settings.items()}
        return subprocess.run(
            [sys.executable, "-m", "tertulia", "transcribe", *map(str, arguments)],
            env=environment(tmp_path / "data") | given,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return run


def linked(folder: Path, *recordings: Path) -> Path:
    """A folder with these recordings, so that nothing is written beside the real ones."""
    folder.mkdir(exist_ok=True)
    for recording in recordings:
        (folder / recording.name).write_bytes(recording.read_bytes())
    return folder


def test_one_recording_is_printed_offline_and_the_choice_is_told(run: Run, speech: Path) -> None:
    done = run(speech / "en/librivox_sense_0880.wav", "--to", "srt")
    assert done.returncode == 0, done.stderr
    number, times, *lines = done.stdout.strip().splitlines()
    assert number == "1"
    assert " --> " in times
    said = "he was not an ill disposed young man"
    assert jiwer.wer(said, " ".join(lines)) <= 0.4
    assert "pocketsphinx understands English only" in done.stderr
    assert "tertulia models pull small" in done.stderr


def test_a_folder_is_read_and_only_what_is_new_is_read_again(
    run: Run, speech: Path, tmp_path: Path
) -> None:
    calls = linked(tmp_path / "calls", speech / "en/cards_001.wav", speech / "en/cards_003.wav")
    (calls / "broken.wav").write_text("this is text")
    out = tmp_path / "out"
    first = run(calls, "--to", "json", "--out", out, "--json")
    assert first.returncode == 1
    lines = {Path(d["file"]).name: d for d in map(json.loads, first.stdout.splitlines())}
    assert lines["broken.wav"]["status"] == "failed"
    assert lines["broken.wav"]["error"]["code"] == "audio_unreadable"
    assert lines["cards_001.wav"]["status"] == "done"
    assert lines["cards_001.wav"]["engine"] == "pocketsphinx"
    written = json.loads((out / "cards_001.json").read_text())
    assert "ten of clubs" in json.dumps(written)
    assert sorted(p.name for p in out.iterdir()) == ["cards_001.json", "cards_003.json"]
    (calls / "broken.wav").unlink()
    second = run(calls, "--to", "json", "--out", out)
    assert second.returncode == 0
    assert "2 left out" in second.stderr
    assert "Reading with" not in second.stderr


def test_channels_are_read_each_by_itself(run: Run, speech: Path) -> None:
    done = run(speech / "twochannel/fw_stereo_diarization.wav", "--channels", "--json")
    assert done.returncode == 0, done.stderr
    segments = json.loads(done.stdout)["segments"]
    assert {s["channel"] for s in segments} == {0, 1}
    assert [s["start"] for s in segments] == sorted(s["start"] for s in segments)
    assert segments[0]["words"]


def test_what_is_cut_short_is_read_as_far_as_it_goes(run: Run, speech: Path) -> None:
    done = run(speech / "corrupt/derived_truncated_riff.wav", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["status"], told["truncated"]) == (0, "done", True)


def test_standard_input_is_a_recording_too(speech: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tertulia", "transcribe", "-", "--to", "txt"]
    with (speech / "en/cards_001.wav").open("rb") as recording:
        done = subprocess.run(
            command,
            stdin=recording,
            env=environment(tmp_path / "data"),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
    assert (done.returncode, done.stdout.strip()) == (0, "ten of clubs")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["missing.wav"], 2, "is not there"),
        (["{recording}", "--engine", "nonsense"], 2, "nonsense is not an engine"),
        (["{recording}", "--language", "elvish"], 2, "no language known here"),
        (["{recording}", "--to", "pdf"], 2, "docx"),
        ([], 2, "Missing argument"),
        (["{recording}", "--language", "ru"], 1, "models pull small"),
        (["{recording}", "--engine", "whisper"], 1, "copy the model's folder"),
    ],
)
def test_what_cannot_be_done_names_the_fix(
    run: Run, speech: Path, arguments: list[str], code: int, says: str
) -> None:
    recording = str(speech / "en/cards_001.wav")
    done = run(*(a.format(recording=recording) for a in arguments))
    assert done.returncode == code
    assert says in " ".join(done.stderr.replace("│", " ").split())
    assert done.stdout == ""


def test_a_chain_goes_on_without_the_engine_that_has_no_model(run: Run, speech: Path) -> None:
    done = run(speech / "en/cards_001.wav", "--engine", "whisper,pocketsphinx")
    assert (done.returncode, done.stdout.strip()) == (0, "ten of clubs")
    assert "whisper is left out" in done.stderr


def living(group: int) -> list[int]:
    """The processes of a group that have not ended; one that nobody has collected yet has."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def test_ctrl_c_ends_it_cleanly(speech: Path, tmp_path: Path) -> None:
    calls = linked(tmp_path / "calls", *sorted((speech / "en").glob("*.wav")))
    process = subprocess.Popen(
        [sys.executable, "-m", "tertulia", "transcribe", str(calls), "--json"],
        env=environment(tmp_path / "data"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert json.loads(first)["status"] == "done"
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - began < 20
    assert "Traceback" not in errors
    deadline = time.monotonic() + 20
    while living(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert living(process.pid) == []
    assert [p.name for p in calls.iterdir() if p.name.endswith(".part")] == []


def test_what_is_kept_is_found_in_the_hall(run: Run, speech: Path, tmp_path: Path) -> None:
    def tertulia(*arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tertulia", *arguments],
            env=environment(tmp_path / "data"),
            capture_output=True,
            text=True,
            timeout=110,
            check=True,
            input=given,
        )
        return done.stdout

    recording = speech / "en/librivox_sense_0880.wav"
    ownerless = run(recording, "--keep")
    assert ownerless.returncode == 4, ownerless.stderr
    tertulia("users", "add", "o@example.org", "--owner", "--password-stdin", given="a tired heron")
    done = run(recording, "--keep", "--json")
    assert done.returncode == 0, done.stderr
    word = json.loads(done.stdout)["text"].split()[-1]
    [hit] = json.loads(tertulia("search", word, "--json"))
    found = hit["transcript"]
    assert (found["kind"], found["title"], found["state"]) == ("files", recording.stem, "final")
    assert found["audio"]["size_bytes"] == recording.stat().st_size
