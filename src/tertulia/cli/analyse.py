"""`tertulia analyse`: what a conversation says, read now."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from tertulia.analysis.domain import Analysis, Point, Requester, Status, Task, What
from tertulia.analysis.protocol import AnalysisOut
from tertulia.analysis.tasks import QUEUE, AnalysisFailedError
from tertulia.cli.hall import spaces
from tertulia.cli.opened import opened
from tertulia.cli.terminal import AsJson, Data, Terminal, run
from tertulia.jobs import Worker
from tertulia.kernel.errors import TertuliaError
from tertulia.speech.formats import clean, clock

LOOK_SECONDS = 0.25


def analyse(
    transcript: Annotated[UUID, typer.Argument(help="The transcript's id.", show_default=False)],
    field: Annotated[
        list[What] | None, typer.Option("--field", help="Only this; the others stay as they were.")
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option("--chain", help="Which models to ask, in order: ollama:llama3.2,offline."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Reads a conversation and says what is in it, with the words that it rests on."""

    async def work() -> None:
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                known = await spaces(services, tx, None)
                await services.analyses.service.request(
                    tx, known, transcript, fields=field, chain=chain, requester=Requester()
                )
            done, version = await _read(services, known, transcript)
            if done.status is Status.FAILED:
                raise _failure(done)
            if as_json:
                services.out.json(AnalysisOut.of(done, version).model_dump(mode="json"))
            else:
                _show(services.out, done)

    run(work(), as_json=as_json)


async def _read(services: Any, known: list[UUID], id_: UUID) -> tuple[Analysis, int]:
    """Takes the job itself, unless a server that runs has it already."""
    worker = Worker(services.jobs, concurrency=1, queues=[QUEUE])
    working = asyncio.ensure_future(worker.run())
    try:
        while True:
            async with services.database.transaction() as tx:
                found: Analysis = await services.analyses.service.get(tx, known, id_)
                version = (await services.hall.get(tx, known, id_)).version
            if found.status.ended:
                return found, version
            if working.done():
                working.result()
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        worker.stop()
        with suppress(asyncio.CancelledError):
            await working


def _failure(done: Analysis) -> TertuliaError:
    return AnalysisFailedError(str((done.error or {}).get("detail") or "Ask for it again."))


def _show(out: Terminal, done: Analysis) -> None:
    results = done.results
    made = f"[dim]made by {escape(done.provider or '')}[/dim]"
    if results.summary is not None:
        out.say(f"{escape(clean(results.summary))}\n{made}")
    for title, points in (
        ("Tasks", results.tasks),
        ("Risks", results.risks),
        ("Decisions", results.decisions),
    ):
        if points:
            out.say(f"\n[bold]{title}[/bold]")
        for point in points or ():
            out.say(_line(point))
    for title, text in (
        ("Topics", ", ".join(results.topics or ())),
        ("Reason", results.reason.what if results.reason else ""),
        ("Product", results.product_type or ""),
        ("Feeling", _course(done)),
    ):
        if text:
            out.say(f"\n[bold]{title}[/bold]  {escape(clean(text))}")


def _line(point: Point) -> str:
    whom = ""
    if isinstance(point, Task):
        whom = ", ".join(escape(clean(w)) for w in (point.who, point.by) if w)
    at = clock(point.evidence[0].start)[:8]
    return f"· {escape(clean(point.what))}{f' ({whom})' if whom else ''} [dim]{at}[/dim]"


def _course(done: Analysis) -> str:
    first, last = done.results.initial_feeling, done.results.final_feeling
    return " → ".join(felt.feeling for felt in (first, last) if felt is not None)
