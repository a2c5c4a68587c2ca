"""`tertulia db`: the tables, their dumps, and putting a dump back."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from tertulia.cli.terminal import AsJson, Data, Terminal, run
from tertulia.kernel.errors import StartError
from tertulia.kernel.settings import load_settings
from tertulia.server import logs
from tertulia.server.storage import opened_storage

app = typer.Typer(
    name="db", help="The database: status, upgrade, backup, restore.", no_args_is_help=True
)


@app.command()
def status(data: Data = None, as_json: AsJson = False) -> None:
    """Says which revision the tables are at, and where the database is."""

    async def work() -> None:
        settings = load_settings(data=data, log_level="error")
        logs.configure(settings)
        async with opened_storage(settings, migrate=False) as storage:
            state = await asyncio.to_thread(storage.schema.state)
            kind = "embedded" if storage.postgres else "given"
            value = {
                "revision": state.current,
                "wanted": state.wanted,
                "up_to_date": state.up_to_date,
                "database": kind,
                "running": storage.folder.running(),
            }
            verdict = "up to date" if state.up_to_date else "needs `tertulia db upgrade`"
            Terminal(as_json=as_json).result(
                value, f"The {kind} database is at revision {state.current or 'none'}: {verdict}."
            )

    run(work(), as_json=as_json)


@app.command()
def upgrade(data: Data = None, as_json: AsJson = False) -> None:
    """Brings the tables up to date, after a dump when there is anything to lose."""

    async def work() -> None:
        settings = load_settings(data=data, log_level="error")
        logs.configure(settings)
        async with opened_storage(settings, migrate=False) as storage:
            before = await asyncio.to_thread(storage.schema.state)
            file: Path | None = None
            if not before.up_to_date:
                if not before.empty:
                    file = await asyncio.to_thread(
                        storage.schema.backup, storage.folder.backups, keep=settings.backups_kept
                    )
                await asyncio.to_thread(storage.schema.upgrade)
            value = {"from": before.current, "to": before.wanted, "backup": file}
            Terminal(as_json=as_json).result(value, f"The tables are at revision {before.wanted}.")

    run(work(), as_json=as_json)


@app.command()
def backup(
    to: Annotated[Path | None, typer.Option("--to", help="The folder to write into.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Dumps the whole database into one file, while the server runs."""

    async def work() -> None:
        settings = load_settings(data=data, log_level="error")
        logs.configure(settings)
        async with opened_storage(settings, migrate=False) as storage:
            file = await asyncio.to_thread(storage.schema.backup, to or storage.folder.backups)
            value = {"file": file, "bytes": file.stat().st_size}
            Terminal(as_json=as_json).result(value, f"Written: {file}")

    run(work(), as_json=as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A dump that `tertulia db backup` wrote.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Puts a dump in the place of everything in the database, whole or not at all. Stop the server first."""

    async def work() -> None:
        settings = load_settings(data=data, log_level="error")
        logs.configure(settings)
        async with opened_storage(settings, migrate=False) as storage:
            if running := storage.folder.running():
                raise StartError(
                    f"A server runs on this folder (process {running['pid']}). Stop it first."
                )
            await asyncio.to_thread(storage.schema.restore, file)
            await storage.migrate()
            Terminal(as_json=as_json).result({"restored": file}, f"Restored from {file}.")

    run(work(), as_json=as_json)
