"""Bots that come with the server: they answer at once, and are there to be copied."""

import functools
from collections.abc import Sequence
from importlib import resources
from uuid import UUID, uuid5

from tertulia.bots import files
from tertulia.bots.domain import Bot
from tertulia.bots.protocol import BotDefinition

_NAMESPACE = UUID("6f6b0c6e-6d0f-5c61-9f0b-74657274756c")
KINDS = ("host", "answering-machine", "table-booking")
LANGUAGES = ("en", "es", "ru")
HOST = "host"


@functools.cache
def shipped_bots() -> Sequence[Bot]:
    """Every one, in every language."""
    return tuple(_bot(kind, language) for language in LANGUAGES for kind in KINDS)


def shipped_bot(id_: UUID) -> Bot | None:
    return next((bot for bot in shipped_bots() if bot.id == id_), None)


def shipped_named(name: str) -> Bot | None:
    """By its name, or as `host.es`."""
    wanted = name.strip().lower()
    return next(
        (bot for bot in shipped_bots() if wanted == bot.name.lower() or id_of(wanted) == bot.id),
        None,
    )


def host(language: str | None) -> Bot:
    """The bot that answers where nobody is asked for, in the language asked for if it is one of ours."""
    code = (language or "").split("-")[0].lower()
    found = shipped_bot(id_of(f"{HOST}.{code if code in LANGUAGES else LANGUAGES[0]}"))
    assert found is not None
    return found


def id_of(slug: str) -> UUID:
    """The same on every server."""
    return uuid5(_NAMESPACE, slug)


def _bot(kind: str, language: str) -> Bot:
    slug = f"{kind}.{language}"
    text = resources.files(__package__).joinpath("shipped", f"{slug}.toml").read_text("utf-8")
    definition = BotDefinition.model_validate(files.read(text))
    return definition.bot(id_of(slug), None)
