"""`tertulia ask`: a question to what was said, answered with the words it rests on."""

from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape

from tertulia.analysis.asking import Answered
from tertulia.analysis.protocol import AnswerOut
from tertulia.cli.hall import Asked, Kinds, Languages, Since, SpaceOption, Tags, Until, home, spaces
from tertulia.cli.opened import opened
from tertulia.cli.terminal import AsJson, Data, Terminal, run
from tertulia.speech.formats import clean, clock


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.", show_default=False)],
    transcript: Annotated[
        UUID | None,
        typer.Option("--transcript", help="Only this conversation, by its id.", show_default=False),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option("--chain", help="Which models to ask, in order: ollama:llama3.2,offline."),
    ] = None,
    space: SpaceOption = None,
    kind: Kinds = None,
    language: Languages = None,
    tag: Tags = None,
    since: Since = None,
    until: Until = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Answers a question from one conversation, or from all that the options leave."""
    asked = Asked(space, kind, language, tag, None, since, until)

    async def work() -> None:
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                wanted = await asked.filter(services, tx)
                payer = await home(services, tx, space)
                known = await spaces(services, tx, space)
            asking = services.analyses.asking
            found: Answered = (
                await asking.one(known, transcript, question, chain=chain)
                if transcript is not None
                else await asking.search(wanted, payer, question, chain=chain)
            )
            if as_json:
                services.out.json(AnswerOut.of(found).model_dump(mode="json"))
            else:
                _show(services.out, found)

    run(work(), as_json=as_json)


def _show(out: Terminal, found: Answered) -> None:
    if not found.said:
        out.say("It was not said.")
        return
    if found.answer:
        out.say(f"{escape(clean(found.answer))}\n")
    for cited in found.citations:
        where = clean(cited.transcript.title) or str(cited.transcript.id)
        at = clock(cited.segment.start)[:8]
        who = f"{escape(clean(cited.segment.speaker))}: " if cited.segment.speaker else ""
        out.say(f"· {who}{escape(clean(cited.quote))} [dim]{escape(where)}, {at}[/dim]")
    out.say(f"[dim]made by {escape(found.provider)}[/dim]")
