"""The `tertulia` command."""

from typing import Annotated

import typer

import tertulia
from tertulia.cli.lazily import LazyGroup, Named


def _named(module: str, attribute: str, summary: str) -> Named:
    return Named(f"tertulia.cli.{module}", attribute, summary)


COMMANDS = {
    "serve": _named("serve", "serve", "Starts the server and prints the link that opens it."),
    "worker": _named(
        "worker",
        "worker",
        "Runs jobs until it is stopped; what is under way then is finished or given back.",
    ),
    "doctor": _named(
        "doctor", "doctor", "Looks at every part of the server: it works, or here is what to do."
    ),
    "demo": _named(
        "demo",
        "demo",
        "Fills a space with scripted conversations in three languages, spoken by the offline voices.",
    ),
    "transcribe": _named(
        "transcribe",
        "transcribe",
        "Transcribes recordings. Exit code 0: all of them; 1: some could not be read; 2: wrong arguments.",
    ),
    "live": _named(
        "live",
        "live_command",
        "Shows the words while they are spoken; they are kept in the hall. Ctrl+C ends and saves the session.",
    ),
    "say": _named(
        "say",
        "say",
        "Asks a bot with a recording; plays the answer where a player is installed, or writes it with --out.",
    ),
    "chat": _named(
        "chat",
        "chat",
        "Writes with a bot, line by line; /quit or Ctrl+D leaves. Nothing of it is kept.",
    ),
    "search": _named("search", "search", "Finds what was said, in every space or in one."),
    "analyse": _named(
        "analyse",
        "analyse",
        "Reads a conversation and says what is in it, with the words that it rests on.",
    ),
    "ask": _named(
        "ask",
        "ask",
        "Answers a question from one conversation, or from all that the options leave.",
    ),
    "export": _named(
        "export",
        "export",
        "Writes one transcript as a file, or a zip of all that the options leave.",
    ),
    "import": _named(
        "import_",
        "import_",
        "Brings in transcripts. Exit code 0: all of them; 1: some could not be read.",
    ),
    "erase": _named(
        "erase",
        "erase",
        "Erases conversations, or a person from a space, for good, and prints the receipt.",
    ),
    "users": _named("users", "app", "People and their accounts."),
    "keys": _named("keys", "app", "API keys for programs."),
    "spaces": _named("spaces", "app", "Spaces and who is in them."),
    "bots": _named("bots", "app", "Bots: who answers."),
    "models": _named("models", "app", "Speech models: list, pull, path."),
    "db": _named("db", "app", "The database: status, upgrade, backup, restore."),
}
"""Every command in the order of the list; its words there are the first paragraph of its own help."""


class Commands(LazyGroup):
    """What `tertulia` can do."""

    named = COMMANDS


app = typer.Typer(
    name="tertulia",
    cls=Commands,
    help="One self-hosted server for spoken conversations.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tertulia {tertulia.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """One self-hosted server for spoken conversations."""


def main() -> None:
    """Where the `tertulia` program begins."""
    app()
