"""A client command gets in with a key of its own, or as the owner of the server in a folder."""

from pathlib import Path
from typing import Any

import pytest

from tertulia.cli.visiting import DEFAULT_URL, let_in
from tertulia.identity.authenticator import Authenticator, Shown
from tertulia.identity.revocation import RevocationWatch
from tertulia.identity.service import IdentityService
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import NotFoundError
from tertulia.kernel.folder import DataFolder
from tertulia.kernel.settings import Settings

pytestmark = pytest.mark.db


@pytest.fixture
async def folder(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A folder beside a database that has an owner."""
    monkeypatch.setenv("TERTULIA_DATABASE_URL", database.conninfo)
    identity = IdentityService(Settings(_env_file=None), SystemClock())
    async with database.transaction() as tx:
        await identity.users.create(
            tx, email="ana@example.org", name="Ana", password="long enough it is", is_owner=True
        )
    return DataFolder(tmp_path)


async def scopes_of(database: Database, secret: str) -> Any:
    clock = SystemClock()
    identity = IdentityService(Settings(_env_file=None), clock)
    watch = RevocationWatch(database, clock, identity.changes)
    life = identity.sessions.life
    found = await Authenticator(
        database, clock, identity.changes, watch, session_life=life
    ).authenticate(Shown(secret))
    return found and found.scopes


async def test_a_key_that_is_given_is_used_and_nothing_is_opened() -> None:
    async with let_in(Path("/nowhere"), None, "tk_given") as (url, key):
        assert (url, key) == (DEFAULT_URL, "tk_given")


async def test_the_owner_of_the_folder_gets_a_key_for_as_long_as_it_takes(
    folder: DataFolder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DataFolder, "running", lambda _: {"url": "http://127.0.0.1:4711"})
    async with let_in(folder.path, None, None) as (url, secret):
        assert url == "http://127.0.0.1:4711"
        assert await scopes_of(database, secret) == {"speech"}
    assert await scopes_of(database, secret) is None


async def test_a_folder_without_a_server_is_said_to_have_none(folder: DataFolder) -> None:
    with pytest.raises(NotFoundError, match="tertulia serve"):
        async with let_in(folder.path, None, None):
            pytest.fail("nobody is there to let anybody in")
