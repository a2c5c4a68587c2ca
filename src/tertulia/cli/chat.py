"""`tertulia chat`: writing with a bot in the terminal."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.markup import escape

from tertulia.bots.domain import Exchange
from tertulia.bots.thinking import Question, Thought
from tertulia.cli.hall import SpaceOption
from tertulia.cli.opened import opened
from tertulia.cli.talking import caller
from tertulia.cli.terminal import AsJson, Data, run
from tertulia.ledger.domain import Spender

LEAVE = ("/quit", "/exit")


def chat(
    bot: Annotated[str, typer.Argument(help="The bot, by its name or id.")],
    space: SpaceOption = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Writes with a bot, line by line; /quit or Ctrl+D leaves. Nothing of it is kept."""

    async def work() -> None:
        async with opened(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                who = await caller(services, tx, space)
                chosen = await services.talk.bots.choose(tx, [who.space_id], bot)
                thinker = services.talk.turns.thinker
                chain = await services.ledger.allowed(
                    tx, Spender(who.space_id), thinker.chain(chosen)
                )
            _greet(services, thinker.greeting(chosen, who.rights))
            question = Question(bot=chosen, said="", rights=who.rights, chain=chain)
            history: list[Exchange] = []
            while (said := await _line(services)) is not None:
                thought = Thought()
                asked = replace(question, said=said, history=history)
                reply = await _answered(services, asked, thought)
                history.append(Exchange(said, reply))
                question = replace(question, state=thought.state)
                if thought.form:
                    _form(services, thought.form, thought.values)
                if thought.ends:
                    return

    run(work(), as_json=as_json)


def _greet(services: Any, greeting: str) -> None:
    if services.out.as_json:
        services.out.json({"said": None, "reply": greeting})
    elif greeting:
        services.out.say(escape(greeting))


async def _line(services: Any) -> str | None:
    """The next line, or None at the end."""
    if sys.stdin.isatty() and not services.out.as_json:
        services.out.out.print("[bold]> [/bold]", end="")
    line = await asyncio.to_thread(sys.stdin.readline)
    said = line.strip()
    return None if not line or said in LEAVE else said


async def _answered(services: Any, asked: Question, thought: Thought) -> str:
    """The reply, printed while it is written."""
    pieces: list[str] = []
    async for piece in services.talk.turns.thinker.reply(asked, thought):
        pieces.append(piece)
        if not services.out.as_json:
            services.out.out.print(piece, end="", markup=False)
    reply = "".join(pieces)
    if services.out.as_json:
        said = {"said": asked.said, "reply": reply, "provider": thought.provider}
        services.out.json({**said, "form": thought.form, "values": dict(thought.values)})
    else:
        services.out.say("")
    return reply


def _form(services: Any, name: str, values: Mapping[str, str]) -> None:
    if not services.out.as_json:
        filled = ", ".join(f"{key}: {value}" for key, value in values.items())
        services.out.err.print(f"[dim]{escape(name)}: {escape(filled)}[/dim]")
