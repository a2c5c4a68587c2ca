"""`tertulia transcribe`: recordings to text on this machine; with `--keep` also into the hall."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tertulia.cli.kept import Keeper, keeper
from tertulia.cli.models import prepare
from tertulia.cli.pipeline import Pipeline, Progress
from tertulia.cli.recordings import Order, orders, write_whole
from tertulia.cli.terminal import FAILED, INTERRUPTED, Data, Terminal, run
from tertulia.cli.transcribing import Bars, JsonLines
from tertulia.kernel.settings import Settings, load_settings
from tertulia.server import logs
from tertulia.server.speech import Speech, opened_speech
from tertulia.speech.domain import RecognitionOptions
from tertulia.speech.formats import render
from tertulia.speech.languages import code_of
from tertulia.speech.service import Transcribed
from tertulia.speech.transcriptions.protocol import Format

READ_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says about every recording."""

    to: Format
    options: RecognitionOptions
    channels: bool
    again: bool
    at_once: int
    keep: bool = False
    space: str | None = None


Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        file_okay=False,
        help="The folder to write into. Without it the text of one file is printed, and that of "
        "several is written beside them.",
    ),
]
Engine = Annotated[
    str | None,
    typer.Option("--engine", help="An engine, or a chain tried in order: whisper,pocketsphinx."),
]
AtOnce = Annotated[
    int,
    typer.Option("--at-once", min=0, max=64, help="Recordings read side by side; 0 is one a core."),
]
Keep = Annotated[
    bool,
    typer.Option(
        "--keep", help="Also keep each as a conversation of the hall, with its recording."
    ),
]
Space = Annotated[
    str | None,
    typer.Option("--space", help="Where to keep them, by its id; else the first owner's space."),
]


def transcribe(
    files: Annotated[
        list[str],
        typer.Argument(help="Recordings, folders of them, patterns, or - for standard input."),
    ],
    to: Annotated[Format, typer.Option("--to", help="How the text is written.")] = "txt",
    out: Out = None,
    engine: Engine = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="The language spoken, as a code or a name."),
    ] = None,
    channels: Annotated[
        bool, typer.Option("--channels", help="Read each channel by itself, as one speaker.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also read recordings whose text is there already.")
    ] = False,
    at_once: AtOnce = 0,
    keep: Keep = False,
    space: Space = None,
    data: Data = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON a recording.")
    ] = False,
) -> None:
    """Transcribes recordings. Exit code 0: all of them; 1: some could not be read; 2: wrong arguments."""
    terminal = Terminal(as_json=as_json)
    options = RecognitionOptions(language=_code(language), words=to == "json" or as_json or keep)
    wanted = orders(files, to=to, out=out)
    if to == "docx" and wanted[0].output is None and sys.stdout.isatty() and not as_json:
        raise typer.BadParameter(
            "A docx cannot be shown in a terminal. Give --out, or redirect it."
        )
    settings = load_settings(data=data, stt=engine, log_level="error")
    logs.configure(settings)
    asked = Asked(to, options, channels, again, at_once, keep, space)
    with _stdin(wanted) as received:
        work = _Work(terminal, settings, asked, received)
        failures = run(work.run(wanted), as_json=as_json)
    if failures:
        raise typer.Exit(FAILED)


def _code(language: str | None) -> str | None:
    code = code_of(language)
    if language and code is None:
        raise typer.BadParameter(
            f"{language} is no language known here. Use a code such as en, es or ru."
        )
    return code


@contextmanager
def _stdin(wanted: list[Order]) -> Iterator[Path | None]:
    """Standard input as a file, received before anything else runs, so that Ctrl+C can end the waiting."""
    if not any(order.recording.from_stdin for order in wanted):
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="tertulia-") as file:
        try:
            shutil.copyfileobj(sys.stdin.buffer, file, READ_BYTES)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        file.flush()
        yield Path(file.name)


class _Work:
    """One command: how its recordings are taken from files to texts."""

    def __init__(
        self, terminal: Terminal, settings: Settings, asked: Asked, stdin: Path | None
    ) -> None:
        self._terminal = terminal
        self._settings = settings
        self._asked = asked
        self._stdin = stdin
        self._keeper: Keeper | None = None

    async def run(self, wanted: list[Order]) -> int:
        """Reads what is not read yet and says how many could not be."""
        skipped = [] if self._asked.again else [order for order in wanted if order.done()]
        left = [order for order in wanted if order not in skipped]
        failures = 0
        with self._watcher(len(wanted)) as watcher:
            for order in skipped:
                watcher.skipped(order)
            if left:
                failures = await self._read_all(left, watcher)
        if len(wanted) > 1 or skipped:
            self._sum_up(len(left) - failures, failures, len(skipped))
        return failures

    def _watcher(self, total: int) -> JsonLines | Bars:
        return JsonLines(self._terminal) if self._terminal.as_json else Bars(self._terminal, total)

    async def _read_all(self, left: list[Order], watcher: JsonLines | Bars) -> int:
        async with AsyncExitStack() as stack:
            if self._asked.keep:
                kept = keeper(self._settings.data, self._asked.space)
                self._keeper = await stack.enter_async_context(kept)
            speech = await stack.enter_async_context(opened_speech(self._settings))
            await prepare(self._terminal, speech, self._asked.options.language)
            pipeline = Pipeline(
                lambda order, progress: self._read(speech, order, progress),
                self._write,
                watcher,
                at_once=self._asked.at_once or self._settings.speech_workers or os.cpu_count() or 1,
            )
            return await pipeline.run(left)

    async def _read(self, speech: Speech, order: Order, progress: Progress) -> Transcribed:
        return await speech.service.transcribe(
            self._path(order),
            self._asked.options,
            channels=self._asked.channels,
            progress=progress,
        )

    def _path(self, order: Order) -> Path:
        recording = order.recording
        return self._stdin if recording.from_stdin and self._stdin else recording.path

    async def _write(self, order: Order, read: Transcribed) -> None:
        if self._keeper is not None:
            name = "recording" if order.recording.from_stdin else order.recording.path.name
            await self._keeper.keep(self._path(order), name, read.recognition)
        if order.output is None and self._terminal.as_json:
            return
        data = await asyncio.to_thread(render, read.recognition, self._asked.to)
        if order.output is not None:
            await asyncio.to_thread(write_whole, order.output, data)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def _sum_up(self, done: int, failed: int, skipped: int) -> None:
        if self._terminal.as_json:
            return
        parts = [f"{done} transcribed", f"{failed} failed"]
        if skipped:
            parts.append(f"{skipped} left out, their text is there already (--again reads them)")
        self._terminal.err.print(", ".join(parts) + ".", markup=False)
