"""Which recordings a command line means, and where the text of each goes."""

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from typer import BadParameter

STDIN = "-"
ENDINGS = frozenset(
    [
        *(".3gp", ".aac", ".ac3", ".aif", ".aiff", ".alaw", ".amr", ".ape", ".au", ".avi", ".caf"),
        *(".flac", ".flv", ".gsm", ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3"),
        *(".mp4", ".mpeg", ".mpg", ".oga", ".ogg", ".ogv", ".opus", ".spx", ".ts", ".ulaw", ".voc"),
        *(".wav", ".weba", ".webm", ".wma", ".wmv", ".wv"),
    ]
)
"""What counts as a recording inside a folder; a file that is named is taken as it is."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file to transcribe, and its place below the folder it was found in."""

    path: Path
    place: Path

    @property
    def from_stdin(self) -> bool:
        return str(self.path) == STDIN


@dataclass(frozen=True, slots=True)
class Order:
    """One recording and the file its text goes to; without one it is printed."""

    recording: Recording
    output: Path | None

    def done(self) -> bool:
        """Whether the text is there already and not older than the recording."""
        if self.output is None or self.recording.from_stdin:
            return False
        try:
            return self.output.stat().st_mtime_ns >= self.recording.path.stat().st_mtime_ns
        except OSError:
            return False


def orders(arguments: Sequence[str], *, to: str, out: Path | None) -> list[Order]:
    """Everything the arguments mean, each recording once, in their order."""
    found: dict[Path, Recording] = {}
    for argument in arguments:
        for recording in _meant(argument):
            found.setdefault(_identity(recording), recording)
    recordings = list(found.values())
    single = len(arguments) == len(recordings) == 1 and not Path(arguments[0]).is_dir()
    if out is None and single:
        return [Order(recordings[0], None)]
    if out is None and any(r.from_stdin for r in recordings):
        raise BadParameter("Text from standard input needs a place beside other files. Give --out.")
    return [Order(r, o) for r, o in zip(recordings, _outputs(recordings, to, out), strict=True)]


def _identity(recording: Recording) -> Path:
    return recording.path if recording.from_stdin else recording.path.resolve()


def _meant(argument: str) -> Iterator[Recording]:
    """A file, a folder's recordings at any depth, or what a pattern matches."""
    path = Path(argument)
    if argument == STDIN:
        yield Recording(path, Path("stdin"))
    elif path.is_dir():
        yield from _inside(path)
    elif path.exists():
        yield Recording(path, Path(path.name))
    elif glob.has_magic(argument):
        yield from _matching(argument)
    else:
        raise BadParameter(f"{argument} is not there. Check the path.")


def _matching(pattern: str) -> Iterator[Recording]:
    matches = [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - patterns may be absolute
    files = [match for match in matches if match.is_file()]
    if not files:
        raise BadParameter(f"No file matches {pattern}. Check the pattern.")
    yield from (Recording(file, Path(file.name)) for file in files)


def _inside(folder: Path) -> Iterator[Recording]:
    empty = True
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(parent, name)
            if file.suffix.lower() in ENDINGS and not name.startswith("."):
                empty = False
                yield Recording(file, file.relative_to(folder))
    if empty:
        raise BadParameter(
            f"There is no recording in {folder}. Give the files themselves, or another folder."
        )


def _outputs(recordings: Sequence[Recording], to: str, out: Path | None) -> list[Path]:
    """`call.srt` for `call.mp3`; where two recordings would share it, `call.mp3.srt` and `call.wav.srt`."""
    plain = [_beside(r, out).with_suffix(f".{to}") for r in recordings]
    uses = Counter(plain)
    named = [
        output if uses[output] == 1 else _beside(r, out).with_name(f"{r.place.name}.{to}")
        for r, output in zip(recordings, plain, strict=True)
    ]
    # files of one name from two folders, all going to one --out
    taken: Counter[Path] = Counter()
    for index, output in enumerate(named):
        taken[output] += 1
        if taken[output] > 1:
            named[index] = output.with_name(f"{output.stem}-{taken[output]}{output.suffix}")
    return named


def _beside(recording: Recording, out: Path | None) -> Path:
    return out / recording.place if out else recording.path


def write_whole(target: Path, data: bytes) -> None:
    """Writes under a temporary name first, so that a file that is there is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
