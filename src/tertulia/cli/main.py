"""The `tertulia` command."""

from typing import Annotated

import typer

import tertulia
from tertulia.cli import bots, db, keys, models, spaces, users
from tertulia.cli.analyse import analyse
from tertulia.cli.ask import ask
from tertulia.cli.chat import chat
from tertulia.cli.demo import demo
from tertulia.cli.doctor import doctor
from tertulia.cli.erase import erase
from tertulia.cli.export import export
from tertulia.cli.import_ import import_
from tertulia.cli.live import live_command
from tertulia.cli.say import say
from tertulia.cli.search import search
from tertulia.cli.serve import serve
from tertulia.cli.transcribe import transcribe
from tertulia.cli.worker import worker

app = typer.Typer(
    name="tertulia",
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


app.command()(serve)
app.command()(worker)
app.command()(doctor)
app.command()(demo)
app.command()(transcribe)
app.command("live")(live_command)
app.command()(say)
app.command()(chat)
app.command()(search)
app.command()(analyse)
app.command()(ask)
app.command()(export)
app.command("import")(import_)
app.command()(erase)
for group in (users, keys, spaces, bots, models, db):
    app.add_typer(group.app)


def main() -> None:
    """Where the `tertulia` program begins."""
    app()
