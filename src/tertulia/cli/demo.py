"""`tertulia demo`: a few scripted conversations, to see everything work before anything is recorded."""

from typing import Annotated, Any
from uuid import UUID

import typer

from tertulia.cli.hall import home
from tertulia.cli.opened import opened
from tertulia.cli.terminal import AsJson, Data, run


def demo(
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the demo away again, and nothing else.")
    ] = False,
    space: Annotated[
        str | None, typer.Option("--space", help="Where, by its id; else the first owner's space.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Fills a space with scripted conversations in three languages, spoken by the offline voices.

    They are kept and analysed as any other, by the running server or the next one, and carry the tag `demo`.
    """

    async def work() -> None:
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                space_id = await home(services, tx, space)
            if remove:
                async with services.database.transaction() as tx:
                    removed = await services.demo.remove(tx, space_id)
                services.out.result({"removed": removed}, f"{removed} conversations removed.")
                return
            await _make(services, space_id)

    run(work(), as_json=as_json)


async def _make(services: Any, space_id: UUID) -> None:
    async with services.database.transaction() as tx:
        missing = await services.demo.missing(tx, space_id)
    for script in missing:
        performance = await services.demo.perform(script)
        async with services.database.transaction() as tx:
            await services.demo.keep(tx, space_id, script, performance)
        services.out.result({"id": script.id, "title": script.title}, script.title)
    if not missing:
        services.out.result({"made": 0}, "The demo is there already. --remove takes it away.")
