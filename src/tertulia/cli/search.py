"""`tertulia search`: what was said anywhere on this server."""

from typing import Annotated, Any

import typer
from rich.markup import escape

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
)
from tertulia.cli.opened import opened
from tertulia.cli.terminal import AsJson, Data, run
from tertulia.speech.formats import clean, clock
from tertulia.transcripts.protocol import HitOut
from tertulia.transcripts.searching import Hit, Order, Query


def search(
    words: Annotated[
        list[str],
        typer.Argument(
            help='Words; "a phrase", or, -without (after --), begin*.', show_default=False
        ),
    ],
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
    order: Annotated[
        Order, typer.Option("--order", help="The best or the latest first.")
    ] = Order.RANK,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")] = 20,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Finds what was said, in every space or in one."""
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
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                wanted = await asked.filter(services, tx)
                found = await services.hall.search(
                    tx, Query.parse(" ".join(words)), wanted, order=order, limit=limit
                )
            hits = list(found)[:limit]
            if as_json:
                services.out.json([HitOut.of(hit).model_dump(mode="json") for hit in hits])
            elif hits:
                services.out.table([_row(hit) for hit in hits], "when", "where", "who", "said")
            else:
                services.out.say("Nothing was found. `begin*` finds words by their beginning.")

    run(work(), as_json=as_json)


def _row(hit: Hit) -> dict[str, Any]:
    transcript, segment = hit.transcript, hit.segment
    pieces = HitOut.of(hit).pieces
    said = "".join(
        f"[bold yellow]{escape(p.text)}[/bold yellow]" if p.found else escape(p.text)
        for p in pieces
    )
    return {
        "when": f"{transcript.started_at:%Y-%m-%d} {clock(segment.start)[:8]}",
        "where": escape(clean(transcript.title) or str(transcript.id)),
        "who": escape(segment.speaker or ""),
        "said": said,
    }
