"""`tertulia doctor`: looks at every part, and says of each that it works or what to do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from rich.markup import escape

from tertulia.cli.terminal import FAILED, AsJson, Data, Terminal, run
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.folder import DataFolder
from tertulia.kernel.settings import Settings, load_settings
from tertulia.server import logs
from tertulia.server.page import FOLDER
from tertulia.server.status import look
from tertulia.server.wiring import opened_services
from tertulia.speech.choice import look_around
from tertulia.speech.report import report

GIBIBYTE = 1 << 30
ROOM_BYTES = 2 * GIBIBYTE


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: whether it works, what was seen, and what to do about it. `ok` is None for advice."""

    part: str
    ok: bool | None
    seen: str
    fix: str | None = None


def doctor(data: Data = None, as_json: AsJson = False) -> None:
    """Looks at every part of the server: it works, or here is what to do."""
    findings = run(_examine(data, Terminal(as_json=as_json)), as_json=as_json)
    if any(f.ok is False for f in findings):
        raise typer.Exit(FAILED)


async def _examine(data: Path | None, terminal: Terminal) -> list[Finding]:
    settings = load_settings(data=data, log_level="error")
    logs.configure(settings)
    findings: list[Finding] = []
    async for finding in _findings(settings):
        findings.append(finding)
        if not terminal.as_json:
            mark = {
                True: "[green]works[/green]",
                False: "[red]broken[/red]",
                None: "[yellow]better[/yellow]",
            }
            terminal.out.print(
                f"{mark[finding.ok]:>6}  [bold]{finding.part}[/bold]  {escape(finding.seen)}"
            )
            if finding.fix:
                terminal.out.print(f"        [dim]→ {escape(finding.fix)}[/dim]")
    if terminal.as_json:
        terminal.json([asdict(f) for f in findings])
    return findings


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    yield Finding("settings", True, "every one is understood")
    yield _folder(settings)
    yield _page()
    async for finding in _services(settings):
        yield finding
    for found in report(await asyncio.to_thread(look_around, settings)):
        ok = True if found.works else None
        yield Finding(f"{found.kind} {found.name}", ok, found.reason, found.better)


def _folder(settings: Settings) -> Finding:
    folder = DataFolder(settings.data, min_free_bytes=settings.min_free_disk_bytes)
    try:
        folder.prepare()
    except TertuliaError as error:
        return Finding("data folder", False, error.detail)
    free = folder.free_bytes()
    seen = f"{folder.path}, {free / GIBIBYTE:.0f} GiB free"
    if free < ROOM_BYTES:
        return Finding("data folder", None, seen, "Make room: models and recordings are large.")
    return Finding("data folder", True, seen)


def _page() -> Finding:
    if (FOLDER / "index.html").is_file():
        return Finding("page", True, "built")
    return Finding("page", False, "not built", "Run `make web`.")


async def _services(settings: Settings) -> AsyncIterator[Finding]:
    try:
        async with opened_services(settings) as services:
            for engine in services.language.engines():
                fix = f"Set {engine.setting}." if engine.setting else None
                yield Finding(
                    f"llm {engine.name}", True if engine.works else None, engine.seen, fix
                )
            async with services.database.transaction() as tx:
                lacking = await services.hall_parts.meaning.missing(tx)
            yield Finding("search by meaning", None if lacking else True, lacking or "works")
            for check in await look(services):
                yield Finding(check.name, check.ok, check.detail, check.fix)
            if running := services.storage.folder.running():
                yield Finding(
                    "server", True, f"runs at {running.get('url')} (process {running['pid']})"
                )
    except TertuliaError as error:
        yield Finding("database", False, error.detail)
