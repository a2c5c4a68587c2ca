"""`tertulia demo`: made, made no second time, and removed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from tests.demo.voices import QuickVoice
from tests.fixtures.identity import cheap_passwords
from typer.testing import CliRunner, Result

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.service import BlobService
from tertulia.cli.demo import demo
from tertulia.cli.terminal import Terminal
from tertulia.demo import Demo
from tertulia.demo.domain import scripts
from tertulia.identity.scopes import ScopeRegistry
from tertulia.identity.service import IdentityService
from tertulia.jobs import Jobs, Step
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database, Transaction
from tertulia.kernel.settings import Settings
from tertulia.transcripts.appending import Silent
from tertulia.transcripts.domain import Transcript
from tertulia.transcripts.finalising import WRITE_DOCUMENT
from tertulia.transcripts.recordings import DRAW, Recordings
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db


async def _left_to_the_server(_: Step) -> None: ...


async def _understood(_: Transaction, __: Transcript) -> None: ...


class Command:
    """Runs the command on one database."""

    def __init__(self, conninfo: str, folder: Path) -> None:
        self._conninfo = conninfo
        self._folder = folder
        self._app = typer.Typer()
        self._app.command()(demo)

    @asynccontextmanager
    async def opened(
        self, data: Path | None = None, *, as_json: bool = False
    ) -> AsyncIterator[Any]:
        clock, database = SystemClock(), Database(self._conninfo, pool=4)
        settings = Settings(data=self._folder)
        identity = IdentityService(
            settings, clock, passwords=cheap_passwords(), scopes=ScopeRegistry()
        )
        blobs = BlobService(database, LocalStore(self._folder / "blobs"), clock)
        jobs = Jobs(database)
        for name in (DRAW, WRITE_DOCUMENT):
            jobs.register(name, _left_to_the_server)
        hall = TranscriptService(blobs=blobs, clock=clock, announcer=Silent(), jobs=jobs)
        recordings = Recordings(hall, blobs, jobs)
        try:
            yield SimpleNamespace(
                database=database,
                identity=identity,
                demo=Demo(hall, recordings, blobs, QuickVoice(), jobs, clock, _understood),
                out=Terminal(as_json=as_json),
            )
        finally:
            await database.close()

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(self._app, list(arguments), env={"COLUMNS": "200"})

    async def begin(self) -> None:
        async with self.opened() as services, services.database.transaction() as tx:
            await services.identity.users.create(
                tx, email="o@example.org", name="O", password="a tired heron", is_owner=True
            )


@pytest.fixture
def command(conninfo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    made = Command(conninfo, tmp_path)
    monkeypatch.setattr("tertulia.cli.demo.opened", made.opened)
    asyncio.run(made.begin())
    return made


def test_demo_is_made_once_and_removed(command: Command) -> None:
    made = command.run()
    assert made.exit_code == 0, made.output
    assert made.stdout.splitlines() == [script.title for script in scripts()]
    assert "there already" in command.run().stdout
    removed = command.run("--remove", "--json")
    assert json.loads(removed.stdout) == {"removed": len(scripts())}
    assert json.loads(command.run("--remove", "--json").stdout) == {"removed": 0}
