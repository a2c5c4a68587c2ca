"""`tertulia erase`: conversations, or all that one person said, with a receipt."""

import sys
from typing import Annotated, Any
from uuid import UUID

import typer

from tertulia.cli.hall import SpaceOption, spaces
from tertulia.cli.opened import opened
from tertulia.cli.terminal import AsJson, Data, run
from tertulia.transcripts.keeping_protocol import ReceiptOut
from tertulia.transcripts.receipts import Receipt


def erase(
    transcripts: Annotated[
        list[UUID] | None, typer.Argument(help="Conversations by their ids.", show_default=False)
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(
            "--person", help="A person by the reference that follows them; needs --space."
        ),
    ] = None,
    space: SpaceOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Erases conversations, or a person from a space, for good, and prints the receipt."""
    if bool(transcripts) == bool(person):
        raise typer.BadParameter("Give the ids of conversations, or --person.")
    if person and space is None:
        raise typer.BadParameter("Give the --space from which the person is erased.")
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("Nothing can be asked here. Give --yes to erase for good.")
        typer.confirm("This cannot be taken back. Erase for good?", abort=True)

    async def work() -> None:
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                where = await spaces(services, tx, space)
                erasing = services.hall_parts.erasing
                if person:
                    receipts = [await erasing.person(tx, where[0], person, None)]
                else:
                    receipts = await erasing.conversations(tx, where, transcripts or [], None)
            _show(services.out, receipts)

    run(work(), as_json=as_json)


def _show(out: Any, receipts: list[Receipt]) -> None:
    if out.as_json:
        out.json([ReceiptOut.of(receipt).model_dump(mode="json") for receipt in receipts])
        return
    for receipt in receipts:
        gone = ", ".join(f"{count} {name}" for name, count in receipt.counts.items())
        out.say(f"Erased: {gone or 'nothing was there'}. The receipt is {receipt.id}.")
