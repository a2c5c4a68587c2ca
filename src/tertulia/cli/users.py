"""`tertulia users`: people and their accounts, for whoever runs the server."""

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from tertulia.cli.opened import opened_people
from tertulia.cli.terminal import AsJson, Data, run
from tertulia.identity.domain import Role, User
from tertulia.identity.service import IdentityService
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import ConflictError, InvalidRequestError, NotFoundError
from tertulia.kernel.pages import MAX_LIMIT

app = typer.Typer(name="users", help="People and their accounts.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="E-mail or id.", show_default=False)]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


async def find_user(identity: IdentityService, tx: Transaction, who: str) -> User:
    """Somebody by e-mail or id."""
    try:
        return await identity.users.get(tx, UUID(who))
    except ValueError:
        user = await identity.users.find_by_email(tx, who)
    if user is None:
        raise NotFoundError(f"Nobody has the e-mail {who}. `tertulia users list` shows everybody.")
    return user


def read_password(from_stdin: bool) -> str:
    """Asks for a password without showing it; a program pipes it in."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise InvalidRequestError(
            "There is no terminal to ask for the password at. Pipe it in with --password-stdin."
        )
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def shown(user: User) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "email": user.email,
        "name": user.name,
        "is_owner": user.is_owner,
        "disabled_at": user.disabled_at,
        "created_at": user.created_at,
        "last_seen_at": user.last_seen_at,
    }


def rows(found: Iterable[Mapping[str, Any]], as_json: bool) -> list[dict[str, Any]]:
    """Rows as they are for programs; for people with times to the minute and lists as words."""
    return [{k: v if as_json else _for_people(v) for k, v in row.items()} for row in found]


def _for_people(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else ""
    return value


@app.command("list")
def list_users(data: Data = None, as_json: AsJson = False) -> None:
    """Shows everybody, newest first."""

    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            found: list[User] = []
            cursor: str | None = None
            async with services.database.transaction() as tx:
                while True:
                    page = await services.identity.users.list(tx, cursor, MAX_LIMIT)
                    found += page.items
                    cursor = page.next_cursor
                    if cursor is None:
                        break
            services.out.table(
                rows(map(shown, found), as_json),
                "email",
                "name",
                "is_owner",
                "disabled_at",
                "last_seen_at",
                empty="Nobody yet. `tertulia users link` prints the link that makes the first owner.",
            )

    run(work(), as_json=as_json)


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="The e-mail to sign in with.", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", help="What they are called.")] = None,
    owner: Annotated[
        bool, typer.Option("--owner", help="Make them an owner of the server.")
    ] = False,
    space: Annotated[
        str | None,
        typer.Option(
            "--space", help="The id of a space to bring them into; else they get their own."
        ),
    ] = None,
    role: Annotated[Role, typer.Option("--role", help="Their role in that space.")] = Role.MEMBER,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They sign in by single sign-on only.")
    ] = False,
    password_stdin: FromStdin = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Makes an account."""

    async def work() -> None:
        password = None if no_password else read_password(password_stdin)
        async with opened_people(data, as_json=as_json) as services:
            identity: IdentityService = services.identity
            async with services.database.transaction() as tx:
                user = await identity.users.create(
                    tx,
                    email=email,
                    name=name or email.partition("@")[0],
                    password=password,
                    is_owner=owner,
                    with_home=space is None,
                )
                if space is not None:
                    space_id = space_id_of(space)
                    await identity.spaces.add_member(tx, space_id, user.id, role)
                    user = await identity.users.enter(tx, user.id, space_id)
            services.out.result(shown(user), f"{user.email} can sign in now.")

    run(work(), as_json=as_json)


@app.command()
def disable(who: Who, data: Data = None, as_json: AsJson = False) -> None:
    """Keeps somebody out: sign-ins end, keys stop. Nothing is lost."""
    _set_disabled(who, True, data, as_json)


@app.command()
def enable(who: Who, data: Data = None, as_json: AsJson = False) -> None:
    """Lets somebody in again."""
    _set_disabled(who, False, data, as_json)


@app.command()
def password(
    who: Who, password_stdin: FromStdin = False, data: Data = None, as_json: AsJson = False
) -> None:
    """Sets somebody's password; every sign-in of theirs ends."""

    async def work() -> None:
        new = read_password(password_stdin)
        async with opened_people(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                user = await find_user(services.identity, tx, who)
                await services.identity.users.set_password(tx, user.id, new)
            services.out.result(shown(user), f"{user.email} has a new password.")

    run(work(), as_json=as_json)


@app.command()
def link(data: Data = None, as_json: AsJson = False) -> None:
    """Prints a new link that makes the server's first owner; the one before dies."""

    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                secret = await services.identity.first_start_link(tx)
            if secret is None:
                raise ConflictError(
                    "This server has an owner. Set a password with `tertulia users password`."
                )
            running = services.storage.folder.running() or {}
            base = services.settings.public_url or running.get("url") or ""
            address = f"{base.rstrip('/')}/sign-in?link={secret}"
            services.out.result({"link": address}, address)

    run(work(), as_json=as_json)


def space_id_of(text: str) -> UUID:
    """A space's id."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRequestError(
            f"`{text}` is not the id of a space. `tertulia spaces list` shows them."
        ) from None


def _set_disabled(who: str, disabled: bool, data: Data, as_json: bool) -> None:
    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                user = await find_user(services.identity, tx, who)
                user = await services.identity.users.set_disabled(tx, user.id, disabled)
            verb = "is kept out" if disabled else "may come in"
            services.out.result(shown(user), f"{user.email} {verb}.")

    run(work(), as_json=as_json)
