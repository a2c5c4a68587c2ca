"""`tertulia bots`: the bots of this server, as a list and as files."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from tertulia.bots.protocol import BotDefinition
from tertulia.bots.service import from_file, to_file
from tertulia.cli.hall import SpaceOption, home, spaces
from tertulia.cli.opened import opened
from tertulia.cli.terminal import AsJson, Data, Terminal, run
from tertulia.cli.writing import write

app = typer.Typer(name="bots", help="Bots: who answers.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The bot, by its name or id.")]


@app.command("list")
def list_(space: SpaceOption = None, data: Data = None, as_json: AsJson = False) -> None:
    """Lists the bots of every space, or of one, then those that come with the server."""

    async def work() -> None:
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                found = await services.talk.bots.list(tx, await spaces(services, tx, space))
            thinker = services.talk.turns.thinker
            rows = [
                {
                    "id": str(bot.id),
                    "name": bot.name,
                    "language": bot.language,
                    "thinks_with": ",".join(bot.llm) or thinker.chain(bot),
                    "space_id": str(bot.space_id) if bot.space_id else None,
                }
                for bot in found
            ]
            services.out.table(rows, "id", "name", "language", "thinks_with")

    run(work(), as_json=as_json)


@app.command()
def show(bot: Name, space: SpaceOption = None, data: Data = None, as_json: AsJson = False) -> None:
    """Shows a bot as its file."""

    async def work() -> None:
        async with opened(data, as_json=as_json) as services:
            found = await _chosen(services, bot, space)
            if as_json:
                services.out.json(BotDefinition.fields_of(found))
            else:
                sys.stdout.write(to_file(found))

    run(work(), as_json=as_json)


@app.command()
def export(
    bot: Name,
    file: Annotated[Path, typer.Argument(help="The file to write.", dir_okay=False)],
    space: SpaceOption = None,
    data: Data = None,
) -> None:
    """Writes a bot into a file, without the secrets of its tools."""

    async def work() -> None:
        async with opened(data) as services:
            found = await _chosen(services, bot, space)
            await write(file, to_file(found).encode())
            services.out.say(f"{escape(found.name)} is in {escape(str(file))}.")

    run(work())


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A bot's file.", exists=True, dir_okay=False)],
    space: SpaceOption = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Makes a bot of a file; a name that is taken gets a number."""

    async def work() -> None:
        content = await asyncio.to_thread(file.read_bytes)
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                where = await home(services, tx, space)
                made = await services.talk.bots.import_file(tx, where, content)
            services.out.result(
                {"id": str(made.id), "name": made.name}, f"{escape(made.name)} is here: {made.id}"
            )

    run(work(), as_json=as_json)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A bot's file.", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Says whether a bot's file can be used, and what is wrong with it."""

    async def work() -> None:
        bot = from_file(await asyncio.to_thread(file.read_bytes))
        told = {"name": bot.name}
        Terminal(as_json=as_json).result(told, f"{escape(bot.name)}: nothing is wrong.")

    run(work(), as_json=as_json)


@app.command()
def remove(
    bot: Name, space: SpaceOption = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Removes a bot; what was said with it stays."""

    async def work() -> None:
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                known = await spaces(services, tx, space)
                found = await services.talk.bots.choose(tx, known, bot)
                await services.talk.bots.delete(tx, known, found.id)
            services.out.result({"id": str(found.id)}, f"{escape(found.name)} is removed.")

    run(work(), as_json=as_json)


async def _chosen(services: Any, bot: str, space: str | None) -> Any:
    async with services.database.transaction() as tx:
        known: list[UUID] = await spaces(services, tx, space)
        return await services.talk.bots.choose(tx, known, bot)
