"""`tertulia models`: what is on this machine, what `auto` makes of it, and fetching what is not."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from tertulia.cli.terminal import AsJson, Data, Terminal, run
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.settings import Settings, load_settings
from tertulia.server import logs
from tertulia.server.speech import Speech
from tertulia.speech.choice import Choice, choose_recogniser, choose_voice, look_around
from tertulia.speech.languages import code_of
from tertulia.speech.models import KNOWN, Kind, ModelStore
from tertulia.speech.service import AUTO, ModelNotFoundError

app = typer.Typer(name="models", help="Speech models: list, pull, path.", no_args_is_help=True)

KIND_HELP = "whisper, sherpa or piper; found out from the name when not given."
KindOption = Annotated[Kind | None, typer.Option("--kind", help=KIND_HELP, show_default=False)]
NameArgument = Annotated[
    str, typer.Argument(help="A name of `models list`, a repository, or a folder.")
]


@app.command("list")
def list_models(
    language: Annotated[
        str | None, typer.Option("--language", help="What `auto` would choose for this language.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Shows the models that are here, those that can be fetched, and what `auto` would choose."""
    settings, terminal = _begun(data, as_json)

    async def work() -> None:
        around = await asyncio.to_thread(look_around, settings)
        here = await asyncio.to_thread(_store(settings).list)
        rows = [
            {"name": m.name, "kind": m.kind, "size": _size(m.size_bytes), "path": str(m.path)}
            for m in here
        ]
        names = {(m.name, m.kind) for m in here}
        others = [
            {"name": m.name, "kind": m.kind, "size": m.size, "languages": m.languages}
            for m in KNOWN
            if (m.name, m.kind) not in names
        ]
        code = code_of(language)
        chosen = {"stt": choose_recogniser(around, code), "tts": choose_voice(around, code)}
        if as_json:
            told = {kind: _told(choice) for kind, choice in chosen.items()}
            terminal.json({"here": rows, "to_pull": others, "auto": told})
            return
        _show(terminal, rows, others, chosen)

    run(work(), as_json=as_json)


@app.command()
def pull(
    name: NameArgument, kind: KindOption = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Fetches a model from its hub, unless it is here."""
    settings, terminal = _begun(data, as_json)

    async def work() -> None:
        path = await pulled(terminal, _store(settings), name, kind or kind_of(name))
        terminal.result({"name": name, "path": path}, f"{name} is in {path}")

    run(work(), as_json=as_json)


@app.command()
def path(
    name: NameArgument, kind: KindOption = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Prints the folder of a model that is here."""
    settings, terminal = _begun(data, as_json)

    async def work() -> None:
        found = await asyncio.to_thread(_store(settings).path, name, kind or kind_of(name))
        terminal.result({"name": name, "path": found}, str(found))

    run(work(), as_json=as_json)


def kind_of(name: str) -> Kind:
    """The kind of the model known by that name; Whisper where nobody knows it."""
    return next((model.kind for model in KNOWN if model.name == name), "whisper")


async def pulled(terminal: Terminal, store: ModelStore, name: str, kind: Kind) -> Path:
    """Fetches a model behind a progress bar on standard error."""
    shown = terminal.err.is_terminal and not terminal.as_json
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=terminal.err,
        transient=True,
        disable=not shown,
    )
    with bar:
        task = bar.add_task(f"Fetching {name}", total=None)

        def progressed(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return await asyncio.to_thread(store.pull, name, kind, progressed)


async def prepare(terminal: Terminal, speech: Speech, language: str | None) -> None:
    """Says what `auto` chose, and fetches the models of the engines asked for, before any recording is read."""
    settings = speech.settings
    if AUTO in settings.stt:
        _say_choice(terminal, speech.auto.recogniser(language))
    try:
        chain = speech.service.recognizer(None, language)
    except ModelNotFoundError as error:
        raise typer.BadParameter(error.detail) from None
    members = [link.engine.name for link in chain.links]
    wanted: tuple[tuple[Kind, str | None], ...] = (
        ("whisper", settings.whisper_model),
        ("sherpa", settings.sherpa_model),
    )
    for kind, name in wanted:
        if kind not in members or not name or _is_here(speech, kind, name):
            continue
        try:
            await pulled(terminal, speech.models, name, kind)
        except TertuliaError as error:
            if members == [kind]:
                raise
            if not terminal.as_json:
                terminal.err.print(f"{kind} is left out: {error.detail}", markup=False)


def _is_here(speech: Speech, kind: Kind, name: str) -> bool:
    """Whether the engine has a model, be it another Whisper than the settings name."""
    if kind == "whisper" and speech.auto.around.whisper_here:
        return True
    return speech.models.find_local(name, kind) is not None


def _say_choice(terminal: Terminal, choice: Choice) -> None:
    if terminal.as_json or choice.engine is None:
        return
    terminal.err.print(f"Reading with {choice.engine}: {choice.reason}.", markup=False, style="dim")
    if choice.better:
        terminal.err.print(f"Better: {choice.better}", markup=False, style="dim")


def _begun(data: Path | None, as_json: bool) -> tuple[Settings, Terminal]:
    settings = load_settings(data=data, log_level="error")
    logs.configure(settings)
    return settings, Terminal(as_json=as_json)


def _store(settings: Settings) -> ModelStore:
    return ModelStore(settings.models_folder, download=settings.download_models)


def _told(choice: Choice) -> dict[str, Any]:
    return {
        "engine": choice.engine,
        "model": choice.model,
        "reason": choice.reason,
        "better": choice.better,
    }


def _show(
    terminal: Terminal,
    rows: list[dict[str, str]],
    others: list[dict[str, str]],
    chosen: dict[str, Choice],
) -> None:
    terminal.out.print("[bold]On this machine[/bold]")
    empty = "No model yet. English works without one, by pocketsphinx."
    terminal.table(rows, "name", "kind", "size", "path", empty=empty)
    terminal.out.print("\n[bold]To fetch with `tertulia models pull NAME`[/bold]")
    terminal.table(others, "name", "kind", "size", "languages", empty="Everything known is here.")
    terminal.out.print("\n[bold]`auto` chooses[/bold]")
    for work, choice in (("to transcribe", chosen["stt"]), ("to speak", chosen["tts"])):
        text = f"{work}: {choice.engine or 'nothing'}; {choice.reason}."
        terminal.out.print(text, markup=False)
        if choice.better:
            terminal.out.print(f"  better: {choice.better}", markup=False)


def _size(size_bytes: int) -> str:
    """As people say it: 485 MB."""
    for unit, bytes_a_unit in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= bytes_a_unit:
            return f"{size_bytes / bytes_a_unit:.3g} {unit}"
    return f"{size_bytes} bytes"
