"""`tertulia import`: subtitles and transcripts of other programs become transcripts here."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from tertulia.cli.hall import home
from tertulia.cli.opened import opened
from tertulia.cli.terminal import FAILED, AsJson, Data, run
from tertulia.kernel.errors import TertuliaError
from tertulia.transcripts.importing import parse


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="SRT, WebVTT or JSON.", exists=True, dir_okay=False, show_default=False
        ),
    ],
    space: Annotated[
        str | None,
        typer.Option("--space", help="Where to, by its id; else the first owner's space."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="The language spoken, where the file says none."),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag to give them.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Brings in transcripts. Exit code 0: all of them; 1: some could not be read."""

    async def work() -> int:
        failures = 0
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                space_id = await home(services, tx, space)
            for file in files:
                try:
                    made = await _bring_in(services, space_id, file, language, tag or [])
                except TertuliaError as error:
                    failures += 1
                    if not as_json:
                        services.out.err.print(f"{file}:", markup=False, end=" ")
                    services.out.fail(error)
                    continue
                services.out.result(
                    {"file": str(file), "id": str(made.id), "title": made.title}, str(made.id)
                )
        return failures

    if run(work(), as_json=as_json):
        raise typer.Exit(FAILED)


async def _bring_in(
    services: Any, space_id: Any, file: Path, language: str | None, tags: list[str]
) -> Any:
    imported = await asyncio.to_thread(lambda: parse(file.read_bytes()))
    async with services.database.transaction() as tx:
        return await services.hall.bring_in(
            tx,
            space_id,
            imported,
            title=imported.title or file.stem,
            language=imported.language or language,
            tags=tags,
        )
