"""How commands speak: tables and colours to people, JSON to programs, exit codes to scripts."""

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tertulia.kernel.errors import NotFoundError, StartError, TertuliaError

T = TypeVar("T")

PIPE_COLUMNS = 240

FAILED = 1
START_REFUSED = 3
NOT_FOUND = 4
INTERRUPTED = 130

CANCEL_AGAIN_SECONDS = 0.5

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The data folder. (TERTULIA_DATA does the same.)", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


class Terminal:
    """Prints results to stdout, and everything else to stderr."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        # a program at the other end of a pipe has no width; a table must not be cut for it
        self.out = Console(
            soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS
        )
        self.err = Console(stderr=True, soft_wrap=True, highlight=False)

    def json(self, value: Any) -> None:
        """One line of JSON."""
        sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """A sentence for a person; nothing for a program."""
        if not self.as_json:
            self.out.print(text)

    def table(
        self, rows: Iterable[Mapping[str, Any]], *columns: str, empty: str = "Nothing yet."
    ) -> None:
        """A table for people, a list for programs."""
        found = [dict(row) for row in rows]
        if self.as_json:
            self.json(found)
            return
        if not found:
            self.out.print(f"[dim]{empty}[/dim]")
            return
        table = Table(
            *(c.replace("_", " ") for c in columns), box=None, header_style="bold", pad_edge=False
        )
        for row in found:
            table.add_row(*("" if row.get(c) is None else str(row[c]) for c in columns))
        self.out.print(table)

    def result(self, value: Mapping[str, Any], sentence: str) -> None:
        """The value for a program, the sentence for a person."""
        if self.as_json:
            self.json(value)
        else:
            self.out.print(sentence)

    def fail(self, error: TertuliaError) -> None:
        if self.as_json:
            sys.stderr.write(json.dumps(error.problem(), default=str) + "\n")
        else:
            self.err.print(f"[red]{escape(error.title)}.[/red] {escape(error.detail)}")


class _Interruption:
    """Ctrl+C: cancels the work, again and again until it ends, since a cancellation can be lost on the way
    through other people's code, and the command would then go on as if nothing had been pressed.
    """

    def __init__(self) -> None:
        self.asked = False

    async def over(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            self.asked = True
            if not task.done():
                task.cancel()
                loop.call_later(CANCEL_AGAIN_SECONDS, stop)

        with suppress(ValueError, RuntimeError):  # not the main thread: then nobody presses it here
            loop.add_signal_handler(signal.SIGINT, stop)
        try:
            return await task
        finally:
            with suppress(ValueError, RuntimeError):
                loop.remove_signal_handler(signal.SIGINT)


def run(work: Coroutine[Any, Any, T], *, as_json: bool = False) -> T:
    """Runs a command to its end and turns its errors into words and exit codes."""
    interruption = _Interruption()
    try:
        result = asyncio.run(interruption.over(work))
    except TertuliaError as error:
        if interruption.asked:
            raise typer.Exit(INTERRUPTED) from None
        Terminal(as_json=as_json).fail(error)
        codes = {StartError: START_REFUSED, NotFoundError: NOT_FOUND}
        raise typer.Exit(codes.get(type(error), FAILED)) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(INTERRUPTED) from None
    if interruption.asked:
        raise typer.Exit(INTERRUPTED)
    return result
