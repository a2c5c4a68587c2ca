"""`tertulia export`: one transcript as a file, or all that a search finds as a zip."""

import asyncio
import os
import sys
from pathlib import Path
from typing import IO, Annotated, Any
from uuid import UUID

import typer

from tertulia.cli.hall import (
    Asked,
    Engine,
    Kinds,
    Languages,
    Longest,
    Person,
    Shortest,
    Since,
    SpaceOption,
    Speaker,
    Tags,
    Until,
    spaces,
)
from tertulia.cli.opened import opened
from tertulia.cli.terminal import Data, run
from tertulia.transcripts.protocol import Format
from tertulia.transcripts.searching import Query


def export(
    transcript: Annotated[
        UUID | None,
        typer.Argument(help="The transcript's id; without it a zip is made.", show_default=False),
    ] = None,
    to: Annotated[Format, typer.Option("--to", help="How the text is written.")] = "txt",
    out: Annotated[
        Path | None,
        typer.Option("--out", dir_okay=False, help="The file to write; else standard output."),
    ] = None,
    words: Annotated[
        str, typer.Option("--search", help="Only transcripts in which this is found.")
    ] = "",
    original: Annotated[
        bool, typer.Option("--original", help="As it was first written, without corrections.")
    ] = False,
    space: SpaceOption = None,
    kind: Kinds = None,
    language: Languages = None,
    tag: Tags = None,
    speaker: Speaker = None,
    since: Since = None,
    until: Until = None,
    person: Person = None,
    engine: Engine = None,
    min_seconds: Shortest = None,
    max_seconds: Longest = None,
    data: Data = None,
) -> None:
    """Writes one transcript as a file, or a zip of all that the options leave."""
    binary = transcript is None or to == "docx"
    if binary and out is None and sys.stdout.isatty():
        raise typer.BadParameter("This cannot be shown in a terminal. Give --out, or redirect it.")
    asked = Asked(
        space,
        kind,
        language,
        tag,
        speaker,
        since,
        until,
        person=person,
        engine=engine,
        shortest=min_seconds,
        longest=max_seconds,
    )

    async def work() -> None:
        async with opened(data) as services:
            if transcript is not None:
                await _one(services, transcript, space, to, out, original)
                return
            async with services.database.transaction() as tx:
                wanted = await asked.filter(services, tx)
            archive = services.hall_exporter.archive(
                Query.parse(words), wanted, to, original=original
            )
            await _stream(archive, out)

    run(work())


async def _one(
    services: Any, id_: UUID, space: str | None, to: Format, out: Path | None, original: bool
) -> None:
    async with services.database.transaction() as tx:
        found = await services.hall.get(tx, await spaces(services, tx, space), id_)
    await _stream(services.hall_exporter.file(found, to, original=original), out)


async def _stream(archive: Any, out: Path | None) -> None:
    """Writes under a temporary name first, so that a file that is there is complete."""
    if out is None:
        await _pour(archive, sys.stdout.buffer)
        return
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.part")
    file = await asyncio.to_thread(unfinished.open, "wb")
    try:
        with file:
            await _pour(archive, file)
        await asyncio.to_thread(unfinished.replace, out)
    finally:
        await asyncio.to_thread(unfinished.unlink, missing_ok=True)


async def _pour(archive: Any, file: IO[bytes]) -> None:
    async for piece in archive:
        await asyncio.to_thread(file.write, piece)
    await asyncio.to_thread(file.flush)
