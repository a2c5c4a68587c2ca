"""`tertulia serve`: the server, its page and its jobs, in one process tree."""

import asyncio
import gc
import os
from typing import Annotated

import typer
import uvloop
from rich.panel import Panel

from tertulia.cli.terminal import INTERRUPTED, START_REFUSED, Data, Terminal
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.settings import Settings, load_settings
from tertulia.server import logs
from tertulia.server.app import create_api, surround
from tertulia.server.run import Signals, address, listen
from tertulia.server.run import serve as serve_app
from tertulia.server.telemetry import traced
from tertulia.server.wiring import opened_services


def serve(
    host: Annotated[
        str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The port; 0 takes a free one.", show_default="8765")
    ] = None,
    data: Data = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON when ready: url, link, pid.")
    ] = False,
) -> None:
    """Starts the server and prints the link that opens it."""
    terminal = Terminal(as_json=as_json)
    try:
        settings = load_settings(host=host, port=port, data=data)
        logs.configure(settings)
        uvloop.run(_serve(settings, terminal))
    except TertuliaError as error:
        terminal.fail(error)
        raise typer.Exit(START_REFUSED) from None
    except asyncio.CancelledError:
        raise typer.Exit(INTERRUPTED) from None


async def _serve(settings: Settings, terminal: Terminal) -> None:
    signals = Signals()
    listener = listen(settings)
    url = address(settings, listener)
    async with opened_services(settings, server=True, url=url) as services:
        api = create_api(services)
        app = surround(api, services)

        async def ready() -> None:
            link = await services.first_start_link()
            services.storage.folder.announce(url=url)
            _welcome(terminal, url, link)
            _settle()

        with traced(settings, api, services.database):
            await serve_app(app, settings, listener, ready, signals)


def _settle() -> None:
    """Tells Python's collector that what the start has made stays.

    It would walk over all of it again and again: a tenth of what a request costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)


def _welcome(terminal: Terminal, url: str, link: str | None) -> None:
    if terminal.as_json:
        terminal.json({"url": url, "link": link, "pid": os.getpid()})
        return
    if link:
        text = f"Open this link to make your account. It works once.\n\n[bold]{link}[/bold]"
    else:
        text = f"Open [bold]{url}[/bold]"
    terminal.out.print(Panel(text, title="Tertulia is ready", expand=False, padding=(1, 3)))
    terminal.out.print("[dim]Ctrl+C stops it.[/dim]")
