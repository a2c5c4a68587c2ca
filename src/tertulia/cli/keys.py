"""`tertulia keys`: API keys, for whoever runs the server."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from tertulia.cli.opened import opened, opened_people
from tertulia.cli.terminal import AsJson, Data, run
from tertulia.cli.users import find_user, rows, space_id_of
from tertulia.identity.domain import ApiKey
from tertulia.identity.service import IdentityService
from tertulia.kernel.errors import InvalidRequestError, NotFoundError

app = typer.Typer(name="keys", help="API keys for programs.", no_args_is_help=True)

_SPAN = re.compile(r"(\d{1,5})([dh])")


def parse_expiry(text: str, now: datetime) -> datetime:
    """A day, a time, or a span from now: 2030-01-31, 2030-01-31T12:00:00Z, 90d, 12h."""
    if span := _SPAN.fullmatch(text):
        unit = {"d": timedelta(days=1), "h": timedelta(hours=1)}[span[2]]
        return now + int(span[1]) * unit
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequestError(
            f"`{text}` is no time. Write 90d, 12h, or a date like 2030-01-31."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "space_id": str(key.space_id) if key.space_id else None,
        "user_id": str(key.user_id),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }


@app.command()
def create(
    name: Annotated[str, typer.Option("--name", help="What the key is for.", show_default=False)],
    scope: Annotated[
        list[str],
        typer.Option("--scope", help="What it may do; may be given again.", show_default=False),
    ],
    space: Annotated[
        str | None, typer.Option("--space", help="The id of the one space it is confined to.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="When it ends: 90d, 12h or 2030-01-31.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", help="Whose it is: e-mail or id; else the first owner's."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Makes an API key. Its secret is printed this once."""

    async def work() -> None:
        async with opened(data, as_json=as_json) as services:
            identity: IdentityService = services.identity
            async with services.database.transaction() as tx:
                owner = (
                    await find_user(identity, tx, user)
                    if user
                    else await identity.users.first_owner(tx)
                )
                space_id = space_id_of(space) if space else None
                spaces = {s.id for s, _ in await identity.spaces.of_user(tx, owner.id)}
                if space_id is not None and space_id not in spaces:
                    raise NotFoundError(f"{owner.email} is in no space with that id.")
                expires_at = parse_expiry(expires, services.clock.now()) if expires else None
                key, secret = await identity.keys.issue(
                    tx, owner.id, name=name, scopes=scope, space_id=space_id, expires_at=expires_at
                )
            services.out.result({"id": str(key.id), "key": secret}, secret)

    run(work(), as_json=as_json)


@app.command("list")
def list_keys(data: Data = None, as_json: AsJson = False) -> None:
    """Shows every key that works, without its secret."""

    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                keys = await services.identity.keys.list_all(tx)
            services.out.table(
                rows(map(shown, keys), as_json),
                "name",
                "prefix",
                "scopes",
                "expires_at",
                "last_used_at",
                empty="No keys. `tertulia keys create` makes one.",
            )

    run(work(), as_json=as_json)


@app.command()
def revoke(
    key: Annotated[
        str,
        typer.Argument(help="The key's id, or the beginning that is shown.", show_default=False),
    ],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Ends a key, and within five seconds whatever it has open."""

    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            identity: IdentityService = services.identity
            async with services.database.transaction() as tx:
                keys = await identity.keys.list_all(tx)
                meant = [k.id for k in keys if key in (str(k.id), k.prefix)]
                if len(meant) != 1:
                    raise NotFoundError("There is no such key. `tertulia keys list` shows them.")
                await identity.keys.revoke_any(tx, meant[0])
            services.out.result({"id": str(meant[0])}, "The key is revoked.")

    run(work(), as_json=as_json)
