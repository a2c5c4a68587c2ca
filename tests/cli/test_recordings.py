"""Which files a command line means, and where their text goes."""

import os
from pathlib import Path

import pytest
from typer import BadParameter

from tertulia.cli.recordings import orders, write_whole

pytestmark = pytest.mark.unit


def made(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def test_one_file_is_printed_and_several_are_written_beside_themselves(tmp_path: Path) -> None:
    made(tmp_path / "a.mp3", tmp_path / "b.wav")
    [one] = orders([str(tmp_path / "a.mp3")], to="srt", out=None)
    assert one.output is None
    both = orders([str(tmp_path / "a.mp3"), str(tmp_path / "b.wav")], to="srt", out=None)
    assert [o.output for o in both] == [tmp_path / "a.srt", tmp_path / "b.srt"]


def test_a_folder_gives_its_recordings_at_any_depth_and_keeps_their_places(tmp_path: Path) -> None:
    day = tmp_path / "calls"
    made(
        day / "b.mp3",
        day / "monday" / "a.OGG",
        day / "notes.txt",
        day / ".hidden.wav",
        day / ".x" / "c.wav",
    )
    found = orders([str(day)], to="txt", out=tmp_path / "out")
    assert [str(o.recording.place) for o in found] == ["b.mp3", "monday/a.OGG"]
    assert [o.output for o in found] == [tmp_path / "out/b.txt", tmp_path / "out/monday/a.txt"]
    beside = orders([str(day)], to="txt", out=None)
    assert [o.output for o in beside] == [day / "b.txt", day / "monday/a.txt"]


def test_a_folder_with_one_recording_is_still_written_beside_it(tmp_path: Path) -> None:
    made(tmp_path / "calls" / "a.mp3")
    [only] = orders([str(tmp_path / "calls")], to="md", out=None)
    assert only.output == tmp_path / "calls" / "a.md"


def test_a_file_that_is_meant_twice_is_read_once(tmp_path: Path) -> None:
    made(tmp_path / "a.mp3", tmp_path / "b.mp3")
    found = orders(
        [str(tmp_path), str(tmp_path / "a.mp3"), str(tmp_path / "*.mp3")], to="txt", out=None
    )
    assert [o.recording.path.name for o in found] == ["a.mp3", "b.mp3"]


def test_recordings_that_would_share_an_output_keep_their_endings(tmp_path: Path) -> None:
    made(tmp_path / "a.mp3", tmp_path / "a.wav", tmp_path / "b.wav")
    found = orders([str(tmp_path)], to="srt", out=None)
    assert [o.output.name for o in found if o.output] == ["a.mp3.srt", "a.wav.srt", "b.srt"]


def test_files_of_one_name_from_two_folders_do_not_overwrite_each_other(tmp_path: Path) -> None:
    made(tmp_path / "1" / "a.mp3", tmp_path / "2" / "a.mp3")
    found = orders(
        [str(tmp_path / "1/a.mp3"), str(tmp_path / "2/a.mp3")], to="srt", out=tmp_path / "o"
    )
    outputs = {o.output for o in found}
    assert len(outputs) == 2


def test_patterns_are_understood_where_the_shell_did_not(tmp_path: Path) -> None:
    made(tmp_path / "x" / "a.mp3", tmp_path / "x" / "y" / "b.mp3", tmp_path / "c.txt")
    found = orders([str(tmp_path / "**" / "*.mp3")], to="txt", out=None)
    assert [o.recording.path.name for o in found] == ["a.mp3", "b.mp3"]


@pytest.mark.parametrize("argument", ["missing.mp3", "*.nothing", "empty"])
def test_what_means_nothing_is_refused_before_anything_is_read(
    tmp_path: Path, argument: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadParameter):
        orders([str(tmp_path / argument)], to="txt", out=None)


def test_standard_input_beside_files_needs_a_place(tmp_path: Path) -> None:
    made(tmp_path / "a.mp3")
    [alone] = orders(["-"], to="txt", out=None)
    assert alone.recording.from_stdin
    assert alone.output is None
    with pytest.raises(BadParameter, match="--out"):
        orders(["-", str(tmp_path / "a.mp3")], to="txt", out=None)
    both = orders(["-", str(tmp_path / "a.mp3")], to="txt", out=tmp_path)
    assert [o.output for o in both] == [tmp_path / "stdin.txt", tmp_path / "a.txt"]


def test_a_text_newer_than_its_recording_is_done(tmp_path: Path) -> None:
    recording = tmp_path / "a.mp3"
    made(recording)
    [order] = orders([str(recording)], to="txt", out=tmp_path)
    assert not order.done()
    made(tmp_path / "a.txt")
    os.utime(tmp_path / "a.txt", ns=(2_000, 2_000))
    os.utime(recording, ns=(1_000, 1_000))
    assert order.done()
    os.utime(recording, ns=(3_000, 3_000))
    assert not order.done()


def test_what_cannot_be_finished_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "deep" / "a.txt", b"text")
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_text_is_written_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "deep" / "a.txt", b"text")
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.txt"]
    assert (tmp_path / "deep" / "a.txt").read_bytes() == b"text"
