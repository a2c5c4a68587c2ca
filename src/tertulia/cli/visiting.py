"""How a client command gets in: with a key it is given, or as whoever runs the server in a folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from tertulia.cli.opened import opened_people
from tertulia.identity.domain import SPEECH
from tertulia.identity.service import IdentityService
from tertulia.kernel.errors import NotFoundError

DEFAULT_URL = "http://127.0.0.1:8765"
KEY_VARIABLE = "TERTULIA_KEY"
LIFE = timedelta(hours=12)
"""A key that a command that broke off could not revoke ends by itself."""


@asynccontextmanager
async def let_in(
    data: Path | None, url: str | None, key: str | None
) -> AsyncIterator[tuple[str, str]]:
    """The server's address and a key. Without one, the owner of the folder's server gets one for as long as it takes."""
    if key is not None:
        yield url or DEFAULT_URL, key
        return
    async with opened_people(data) as services:
        identity: IdentityService = services.identity
        running = services.storage.folder.running()
        address = url or (running or {}).get("url")
        if address is None:
            raise NotFoundError(
                "No server runs on this folder. Start one with `tertulia serve`, name its folder with --data, "
                f"or give --url and an API key with --key or ${KEY_VARIABLE}."
            )
        async with services.database.transaction() as tx:
            owner = await identity.users.first_owner(tx)
            made, secret = await identity.keys.issue(
                tx,
                owner.id,
                name="tertulia live",
                scopes=[SPEECH],
                expires_at=services.clock.now() + LIFE,
            )
        try:
            yield address, secret
        finally:
            async with services.database.transaction() as tx:
                await identity.keys.revoke_any(tx, made.id)
