"""`tertulia spaces`: spaces and who is in them, for whoever runs the server."""

from typing import Annotated

import typer

from tertulia.cli.opened import opened_people
from tertulia.cli.terminal import AsJson, Data, run
from tertulia.cli.users import Who, find_user, rows, space_id_of
from tertulia.identity.domain import Role
from tertulia.identity.service import IdentityService

app = typer.Typer(name="spaces", help="Spaces and who is in them.", no_args_is_help=True)

SpaceId = Annotated[str, typer.Argument(help="The space's id.", show_default=False)]


@app.command("list")
def list_spaces(data: Data = None, as_json: AsJson = False) -> None:
    """Shows every space, oldest first."""

    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            async with services.database.transaction() as tx:
                spaces = await services.identity.spaces.list_all(tx)
            found = [{"id": str(s.id), "name": s.name, "created_at": s.created_at} for s in spaces]
            services.out.table(
                rows(found, as_json), "id", "name", "created_at", empty="No spaces yet."
            )

    run(work(), as_json=as_json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is called.", show_default=False)],
    owner: Annotated[
        str | None,
        typer.Option("--owner", help="Who owns it: e-mail or id; else the server's first owner."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Makes a space."""

    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            identity: IdentityService = services.identity
            async with services.database.transaction() as tx:
                user = (
                    await find_user(identity, tx, owner)
                    if owner
                    else await identity.users.first_owner(tx)
                )
                space = await identity.spaces.create(tx, user.id, name)
            services.out.result({"id": str(space.id), "name": space.name}, str(space.id))

    run(work(), as_json=as_json)


@app.command()
def members(space: SpaceId, data: Data = None, as_json: AsJson = False) -> None:
    """Shows who is in a space."""

    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            identity: IdentityService = services.identity
            async with services.database.transaction() as tx:
                found = await identity.spaces.get(tx, space_id_of(space))
                people = await identity.spaces.members_of(tx, found.id)
            listed = [
                {
                    "user_id": str(m.user_id),
                    "email": m.email,
                    "name": m.name,
                    "role": m.role.value,
                    "joined_at": m.joined_at,
                }
                for m in people
            ]
            services.out.table(rows(listed, as_json), "email", "name", "role", "joined_at")

    run(work(), as_json=as_json)


@app.command()
def add(
    space: SpaceId,
    who: Who,
    role: Annotated[Role, typer.Option("--role", help="What they may do there.")] = Role.MEMBER,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Brings somebody into a space."""

    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            identity: IdentityService = services.identity
            async with services.database.transaction() as tx:
                user = await find_user(identity, tx, who)
                await identity.spaces.add_member(tx, space_id_of(space), user.id, role)
            services.out.result(
                {"user_id": str(user.id), "role": role.value},
                f"{user.email} is in as {role.value}.",
            )

    run(work(), as_json=as_json)


@app.command()
def remove(space: SpaceId, who: Who, data: Data = None, as_json: AsJson = False) -> None:
    """Takes somebody out of a space; its last owner stays."""

    async def work() -> None:
        async with opened_people(data, as_json=as_json) as services:
            identity: IdentityService = services.identity
            async with services.database.transaction() as tx:
                user = await find_user(identity, tx, who)
                await identity.spaces.remove_any_member(tx, space_id_of(space), user.id)
            services.out.result({"user_id": str(user.id)}, f"{user.email} is out.")

    run(work(), as_json=as_json)
