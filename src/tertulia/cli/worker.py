"""`tertulia worker`: runs jobs in a process of its own, beside any number of servers and other workers."""

import asyncio
import os
import signal
from datetime import datetime
from typing import Annotated

import typer
import uvloop
from rich.markup import escape
from rich.panel import Panel

from tertulia.cli.terminal import INTERRUPTED, START_REFUSED, AsJson, Data, Terminal
from tertulia.jobs.domain import JobReport
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.settings import Settings, load_settings
from tertulia.server import logs
from tertulia.server.wiring import Services, opened_services

COLOURS = {"succeeded": "green", "gave up": "red", "gave back": "yellow", "lost": "yellow"}


def worker(
    data: Data = None,
    concurrency: Annotated[
        int | None,
        typer.Option(help="How many jobs at a time.", show_default="4", min=1, max=64),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Runs jobs until it is stopped; what is under way then is finished or given back."""
    terminal = Terminal(as_json=as_json)
    try:
        settings = load_settings(data=data, worker_concurrency=concurrency)
        logs.configure(settings.model_copy(update={"log_level": "warning"}))
        uvloop.run(_work(settings, terminal))
    except TertuliaError as error:
        terminal.fail(error)
        raise typer.Exit(START_REFUSED) from None
    except asyncio.CancelledError:
        raise typer.Exit(INTERRUPTED) from None


async def _work(settings: Settings, terminal: Terminal) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    async with opened_services(settings, worker=True) as services:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, services, terminal)
        services.worker.watch(lambda report: _tell(terminal, report))
        _welcome(settings, services, terminal)
        await services.worker.run()
    terminal.say("Stopped.")


def _welcome(settings: Settings, services: Services, terminal: Terminal) -> None:
    names = sorted(services.jobs.definitions)
    if terminal.as_json:
        terminal.json(
            {"pid": os.getpid(), "concurrency": settings.worker_concurrency, "jobs": names}
        )
        return
    text = f"{settings.worker_concurrency} at a time: {', '.join(names)}"
    terminal.out.print(
        Panel(escape(text), title="Tertulia runs jobs", expand=False, padding=(1, 3))
    )
    terminal.say("[dim]Ctrl+C stops it once what is under way is done.[/dim]")


def _stop(services: Services, terminal: Terminal) -> None:
    terminal.say("Stopping: finishing what is under way, giving back the rest.")
    services.worker.stop()


def _tell(terminal: Terminal, report: JobReport) -> None:
    if terminal.as_json:
        terminal.json(
            {
                "job": report.name,
                "id": report.job_id,
                "attempt": report.attempt,
                "outcome": report.outcome,
                "duration_ms": round(report.duration_ms, 1),
            }
        )
        return
    colour = COLOURS.get(report.outcome, "yellow")
    now = datetime.now().astimezone().strftime("%H:%M:%S")
    again = f", try {report.attempt}" if report.attempt > 1 else ""
    terminal.say(
        f"[dim]{now}[/dim] {escape(report.name)} [dim]#{report.job_id}{again}[/dim] "
        f"[{colour}]{escape(report.outcome)}[/{colour}] [dim]{report.duration_ms:.0f} ms[/dim]"
    )
