"""What `search`, `export` and `import` share: which transcripts are meant, for whoever runs the server."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from tertulia.cli.users import space_id_of
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import InvalidRequestError, NotFoundError
from tertulia.transcripts.domain import Filter, Kind, tidy_language

SpaceOption = Annotated[
    str | None, typer.Option("--space", help="Only this space, by its id.", show_default=False)
]
Kinds = Annotated[
    list[Kind] | None, typer.Option("--kind", help="Only what came through this door.")
]
Languages = Annotated[list[str] | None, typer.Option("--language", help="Only in this language.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Only what has this tag.")]
Speaker = Annotated[
    str | None, typer.Option("--speaker", help="Only what somebody of this name says.")
]
Person = Annotated[
    str | None, typer.Option("--person", help="Only what this person says, by their reference.")
]
Engine = Annotated[
    str | None, typer.Option("--engine", help="Only what this engine read.", show_default=False)
]
Shortest = Annotated[
    float | None, typer.Option("--min-seconds", min=0, help="Only conversations at least so long.")
]
Longest = Annotated[
    float | None, typer.Option("--max-seconds", min=0, help="Only conversations at most so long.")
]
Since = Annotated[
    str | None, typer.Option("--since", help="Only from this day or moment on: 2026-03-01.")
]
Until = Annotated[str | None, typer.Option("--until", help="Only before this day or moment.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of one command."""

    space: str | None
    kinds: list[Kind] | None
    languages: list[str] | None
    tags: list[str] | None
    speaker: str | None
    since: str | None
    until: str | None
    person: str | None = None
    engine: str | None = None
    shortest: float | None = None
    longest: float | None = None

    async def filter(self, services: Any, tx: Transaction) -> Filter:
        """The filter over the spaces there are."""
        codes = [tidy_language(code) for code in self.languages or ()]
        return Filter(
            spaces=await spaces(services, tx, self.space),
            kinds=self.kinds or (),
            languages=[code.split("-")[0] for code in codes if code],
            tags=self.tags or (),
            speaker=self.speaker,
            since=_moment(self.since),
            until=_moment(self.until),
            person=self.person,
            provider=self.engine,
            shortest_seconds=self.shortest,
            longest_seconds=self.longest,
        )


async def spaces(services: Any, tx: Transaction, asked: str | None) -> list[UUID]:
    """The space asked for, or every one there is."""
    known = [space.id for space in await services.identity.spaces.list_all(tx)]
    if asked is None:
        return known
    wanted = space_id_of(asked)
    if wanted not in known:
        raise NotFoundError("There is no such space. `tertulia spaces list` shows them.")
    return [wanted]


async def home(services: Any, tx: Transaction, asked: str | None) -> UUID:
    """The space asked for, or the one in which the server's first owner is."""
    if asked is not None:
        return (await spaces(services, tx, asked))[0]
    owner = await services.identity.users.first_owner(tx)
    if owner.active_space_id is not None:
        found: UUID = owner.active_space_id
        return found
    [(space, _), *_] = await services.identity.spaces.of_user(tx, owner.id)
    first: UUID = space.id
    return first


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequestError(f"{text} is no day. Write it like 2026-03-01.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
