"""The commands `analyse` and `ask`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import typer
from tests.fixtures.analysis import dialogue
from tests.fixtures.identity import cheap_passwords
from typer.testing import CliRunner, Result

from tertulia.analysis.asking import Asking
from tertulia.analysis.modelled import Modelled
from tertulia.analysis.service import AnalysisService
from tertulia.analysis.tasks import AnalysisTasks
from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.service import BlobService
from tertulia.cli.analyse import analyse
from tertulia.cli.ask import ask
from tertulia.cli.terminal import Terminal
from tertulia.identity.scopes import ScopeRegistry
from tertulia.identity.service import IdentityService
from tertulia.jobs import Jobs
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.settings import Settings
from tertulia.language.engines.openai import OpenAIChat
from tertulia.language.service import LanguageService, known_engines
from tertulia.ledger.domain import Prices
from tertulia.ledger.service import Ledger
from tertulia.transcripts.appending import Silent
from tertulia.transcripts.domain import Draft, Kind
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db


class Commands:
    """Runs the two commands on one database; the only model there is cannot be reached."""

    def __init__(self, conninfo: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._conninfo = conninfo
        self._folder = folder
        for module in ("analyse", "ask"):
            monkeypatch.setattr(f"tertulia.cli.{module}.opened", self._opened)
        self._app = typer.Typer()
        self._app.command()(analyse)
        self._app.command()(ask)

    @asynccontextmanager
    async def _opened(
        self, data: Path | None = None, *, as_json: bool = False
    ) -> AsyncIterator[Any]:
        clock, database = SystemClock(), Database(self._conninfo, pool=6)
        identity = IdentityService(
            Settings(data=self._folder), clock, passwords=cheap_passwords(), scopes=ScopeRegistry()
        )
        jobs = Jobs(database)
        blobs = BlobService(database, LocalStore(self._folder / "blobs"), clock)
        hall = TranscriptService(blobs=blobs, clock=clock, announcer=Silent(), jobs=jobs)
        language = LanguageService(
            known_engines({"openai": lambda _: OpenAIChat("x", url="http://127.0.0.1:1", key="")}),
            clock=clock,
        )
        service = AnalysisService(
            hall=hall,
            language=language,
            ledger=Ledger(clock, Prices(), cheaper={}, currency="USD"),
            jobs=jobs,
            clock=clock,
            announcer=Silent(),
        )
        AnalysisTasks(service, Modelled(language, timeout_seconds=5)).register(jobs)
        asking = Asking(database, hall, service, language, timeout_seconds=5)
        try:
            yield SimpleNamespace(
                database=database,
                identity=identity,
                jobs=jobs,
                hall=hall,
                analyses=SimpleNamespace(service=service, asking=asking),
                out=Terminal(as_json=as_json),
            )
        finally:
            await language.close()
            await database.close()

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(self._app, list(arguments), env={"COLUMNS": "200"})

    async def begin(self) -> str:
        """The first owner, and the meeting in English."""
        async with self._opened() as services, services.database.transaction() as tx:
            who = await services.identity.users.create(
                tx, email="o@example.org", name="O", password="a tired heron", is_owner=True
            )
            [(space, _), *_] = await services.identity.spaces.of_user(tx, who.id)
            made = await services.hall.create(
                tx, space.id, Kind.MEETINGS, title="Launch", language="en"
            )
            drafts = [
                Draft(f"u{n}", text, n * 2.0, n * 2.0 + 2, speaker=speaker)
                for n, (speaker, text) in enumerate(dialogue("meeting.en"))
            ]
            await services.hall.append(tx, made.id, drafts)
            return str(made.id)


def test_a_conversation_is_read_and_asked(
    conninfo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = Commands(conninfo, tmp_path, monkeypatch)
    id_ = asyncio.run(commands.begin())
    read = commands.run("analyse", id_)
    assert read.exit_code == 0, read.output
    assert "made by offline" in read.stdout
    assert "I'll call them this afternoon (Mark, this afternoon)" in read.stdout
    again = commands.run("analyse", id_, "--field", "tasks", "--json")
    found = json.loads(again.stdout)
    assert (found["status"], found["wanted"]) == ("DONE", ["tasks"])
    assert found["results"]["summary"]

    told = commands.run("ask", "Who calls the bank?", "--transcript", id_)
    assert "Mark, can you call the bank" in told.stdout
    every = json.loads(commands.run("ask", "Who calls the bank?", "--json").stdout)
    assert every["citations"][0]["title"] == "Launch"
    assert "It was not said" in commands.run("ask", "Where is the submarine?").stdout

    missing = commands.run("analyse", str(uuid4()))
    assert missing.exit_code != 0
    away = commands.run("ask", "Who calls?", "--transcript", id_, "--chain", "openai:x")
    assert away.exit_code == 1
    assert "cannot be used just now" in away.stderr
    unknown = commands.run("analyse", id_, "--chain", "nobody:x")
    assert unknown.exit_code == 1
    assert "There is no language engine" in unknown.stderr
