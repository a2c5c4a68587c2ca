"""`tertulia live`: speak, or have a file spoken, and read the words as they come."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.text import Text

from tertulia.cli.terminal import FAILED, INTERRUPTED, AsJson, Data, Terminal, run
from tertulia.cli.visiting import DEFAULT_URL, KEY_VARIABLE, let_in
from tertulia.client import (
    Completed,
    Event,
    Final,
    LiveError,
    LiveSession,
    Metrics,
    Partial,
    Problem,
    Reconnecting,
    live,
    sources,
)
from tertulia.kernel.errors import TertuliaError

STANDARD_INPUT = "-"


class LiveEndedError(TertuliaError):
    """The session could not go on."""

    code = "live_ended"
    title = "The live session ended early"


def live_command(
    file: Annotated[
        str | None,
        typer.Argument(
            help="A recording, spoken at the pace it was made; - reads 16 kHz 16-bit samples from standard input. "
            "Without it the microphone is used."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", help="The server; without it the one that runs here.", show_default=DEFAULT_URL
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            help=f"An API key with the scope speech; ${KEY_VARIABLE} does the same. "
            "Without one you are the owner of the server in the data folder.",
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="The language spoken; detected without it.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="A live engine or a chain.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Of the transcript.")] = None,
    hot_word: Annotated[
        list[str] | None, typer.Option("--hot-word", help="A word to expect; may be repeated.")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            "--speed", min=0.0, help="How many times as fast a file is spoken; 0 at once."
        ),
    ] = 1.0,
    device: Annotated[
        str | None, typer.Option("--device", help="The microphone, by number or name.")
    ] = None,
    microphones: Annotated[
        bool, typer.Option("--microphones", help="List the microphones there are.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Shows the words while they are spoken; they are kept in the hall. Ctrl+C ends and saves the session."""
    terminal = Terminal(as_json=as_json)
    if microphones:
        _list_microphones(terminal)
        return
    options = {"language": language, "engine": engine, "title": title, "hot_words": hot_word or []}
    sound = _sound(file, speed, device)
    secret = key or os.environ.get(KEY_VARIABLE)
    work = _talk(terminal, let_in(data, url, secret), sound, options)
    raise typer.Exit(run(work, as_json=as_json))


def _list_microphones(terminal: Terminal) -> None:
    rows = [{"number": number, "name": name} for number, name in sources.microphones()]
    terminal.table(rows, "number", "name", empty="No microphone was found.")


def _sound(file: str | None, speed: float, device: str | None) -> AsyncIterator[bytes]:
    if file is None:
        number = int(device) if device is not None and device.isdecimal() else device
        return sources.microphone(number)
    if file == STANDARD_INPUT:
        return _standard_input()
    return sources.file(Path(file), speed=speed)


async def _standard_input() -> AsyncIterator[bytes]:
    size = round(sources.RATE_HZ * sources.CHUNK_SECONDS) * 2
    while piece := await asyncio.to_thread(sys.stdin.buffer.read, size):
        yield piece


async def _talk(
    terminal: Terminal,
    entrance: AbstractAsyncContextManager[tuple[str, str]],
    sound: AsyncIterator[bytes],
    options: dict[str, Any],
) -> int:
    async with entrance as (url, key):
        screen = _Lines(terminal) if terminal.as_json else _Captions(terminal)
        with screen:
            try:
                async with live(url, key=key, **options) as session:
                    return await _until_done(session, sound, screen)
            except LiveError as error:
                raise LiveEndedError(str(error)) from None


async def _until_done(
    session: LiveSession, sound: AsyncIterator[bytes], screen: "_Captions | _Lines"
) -> int:
    """The first Ctrl+C ends the session and saves it; the second one only ends the command."""
    feeding = asyncio.create_task(_feed(session, sound))
    here = asyncio.current_task()

    def interrupt() -> None:
        if feeding.done() and here is not None:
            here.cancel()
        feeding.cancel()

    with suppress(ValueError, RuntimeError):  # not the main thread: then nobody presses it here
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
    try:
        async for event in session:
            screen.show(event)
            if feeding.done() and not feeding.cancelled() and (error := feeding.exception()):
                raise LiveEndedError(str(error)) from None
    finally:
        feeding.cancel()
    done = session.completed
    if feeding.cancelled():
        return INTERRUPTED
    return 0 if done is not None and done.status == "completed" else FAILED


async def _feed(session: LiveSession, sound: AsyncIterator[bytes]) -> None:
    try:
        async for chunk in sound:
            await session.send(chunk)
    finally:
        await session.stop()


class _Lines:
    """Events for programs, one a line."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, event: Event) -> None:
        if isinstance(event, Partial | Final | Problem | Reconnecting | Completed):
            fields = {name: getattr(event, name) for name in event.__slots__ if name != "words"}
            self._terminal.json({"event": type(event).__name__.lower(), **fields})


class _Captions:
    """Confirmed text stays above; the line below changes with what is being said."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._partial = ""
        self._note = ""
        self._live = Live(console=terminal.out, refresh_per_second=12, transient=True)

    def __enter__(self) -> "_Captions":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        match event:
            case Final(text=text):
                self._partial = ""
                if text:
                    self._live.console.print(Text(text))
            case Partial(text=text):
                self._partial = text
            case Reconnecting(attempt=attempt, wait_seconds=seconds):
                self._partial = ""
                self._note = f"reconnecting ({attempt}), in {seconds:g} s"
            case Metrics(latency_ms=latency_ms, slow=slow):
                self._note = f"{latency_ms} ms behind" if slow else ""
            case Completed():
                self._note = ""
            case _:
                self._note = "" if self._note.startswith("reconnecting") else self._note
        self._live.update(Text.assemble((self._partial, "dim"), ("  " + self._note, "yellow")))
