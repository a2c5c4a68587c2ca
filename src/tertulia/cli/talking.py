"""What `say`, `chat` and `bots` share: a bot by its name, its turns, and playing what it says."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from tertulia.bots.domain import Rights
from tertulia.cli.hall import home
from tertulia.cli.opened import Opened, opened
from tertulia.doors.voice.domain import Caller
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import InvalidRequestError
from tertulia.server.speech import running_speech
from tertulia.speech.languages import code_of

PLAYERS = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
    ("mpv", "--really-quiet"),
    ("play", "-q"),
    ("paplay",),
    ("afplay",),
)
"""Programs that play a file, the first that is here is used."""

BotOption = Annotated[
    str | None,
    typer.Option("--bot", help="The bot, by its name or id; the server's own choice without it."),
]


@asynccontextmanager
async def talking(data: Path | None, *, as_json: bool) -> AsyncIterator[Opened]:
    """Everything a turn needs, with the engines running."""
    async with opened(data, as_json=as_json) as services, running_speech(services.speech):
        yield services


async def caller(services: Any, tx: Transaction, space: str | None) -> Caller:
    """Whoever runs the server, in the space asked for."""
    space_id = await home(services, tx, space)
    owner = await services.identity.users.first_owner(tx)
    return Caller(
        space_id=space_id,
        api_key_id=f"user:{owner.id}",
        rights=Rights((space_id,), may_search=True, name=owner.name),
        user_id=owner.id,
    )


def language_code(asked: str | None) -> str | None:
    """A language by its code or name."""
    if asked is None:
        return None
    code = code_of(asked)
    if code is None:
        raise InvalidRequestError(
            f"{asked} is not a language that is known here. Write en, es, ru …"
        )
    return code


def player() -> tuple[str, ...] | None:
    """The program that plays sound here, or None."""
    return next((command for command in PLAYERS if shutil.which(command[0])), None)


async def play(sound: bytes, suffix: str) -> None:
    """Plays a file to its end."""
    command = player()
    if command is None:
        return
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        await asyncio.to_thread(file.write, sound)
        await asyncio.to_thread(file.flush)
        process = await asyncio.create_subprocess_exec(
            *command, file.name, stdin=asyncio.subprocess.DEVNULL
        )
        try:
            await process.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.terminate()
            raise
