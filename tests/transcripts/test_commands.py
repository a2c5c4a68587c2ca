"""The commands `search`, `export` and `import`."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from tests.fixtures.identity import cheap_passwords
from typer.testing import CliRunner, Result

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.service import BlobService
from tertulia.cli.erase import erase
from tertulia.cli.export import export
from tertulia.cli.import_ import import_
from tertulia.cli.search import search
from tertulia.cli.terminal import Terminal
from tertulia.identity.scopes import ScopeRegistry
from tertulia.identity.service import IdentityService
from tertulia.jobs import Jobs
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.settings import Settings
from tertulia.transcripts.appending import Silent
from tertulia.transcripts.erasing import Erasing
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

SRT = "1\n00:00:01,000 --> 00:00:02,500\nBuenos días a todos\n\n2\n00:00:03,000 --> 00:00:04,000\n¿Qué tal?\n"


class Commands:
    """Runs the three commands on one database."""

    def __init__(self, conninfo: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._conninfo = conninfo
        self._folder = folder
        for module in ("search", "export", "import_", "erase"):
            monkeypatch.setattr(f"tertulia.cli.{module}.opened", self._opened)
        self._app = typer.Typer()
        self._app.command()(search)
        self._app.command()(export)
        self._app.command("import")(import_)
        self._app.command()(erase)

    @asynccontextmanager
    async def _opened(
        self, data: Path | None = None, *, as_json: bool = False
    ) -> AsyncIterator[Any]:
        clock, database = SystemClock(), Database(self._conninfo, pool=4)
        identity = IdentityService(
            Settings(data=self._folder), clock, passwords=cheap_passwords(), scopes=ScopeRegistry()
        )
        blobs = BlobService(database, LocalStore(self._folder / "blobs"), clock)
        jobs = Jobs(database)
        hall = TranscriptService(blobs=blobs, clock=clock, announcer=Silent(), jobs=jobs)
        try:
            yield SimpleNamespace(
                database=database,
                identity=identity,
                hall=hall,
                hall_parts=SimpleNamespace(erasing=Erasing(hall, blobs, clock)),
                hall_exporter=Exporter(database),
                out=Terminal(as_json=as_json),
            )
        finally:
            await database.close()

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(self._app, list(arguments), env={"COLUMNS": "200"})

    async def begin(self) -> None:
        async with self._opened() as services, services.database.transaction() as tx:
            await services.identity.users.create(
                tx, email="o@example.org", name="O", password="a tired heron", is_owner=True
            )


@pytest.fixture
def commands(conninfo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    made = Commands(conninfo, tmp_path, monkeypatch)
    asyncio.run(made.begin())
    return made


@pytest.fixture
def subtitles(tmp_path: Path) -> Path:
    file = tmp_path / "monday.srt"
    file.write_text(SRT)
    return file


def test_a_file_comes_in_is_found_and_goes_out(
    commands: Commands, subtitles: Path, tmp_path: Path
) -> None:
    brought = commands.run("import", str(subtitles), "--language", "es", "--json")
    assert brought.exit_code == 0, brought.output
    id_ = json.loads(brought.stdout)["id"]

    found = commands.run("search", "dias", "buenos", "--json")
    [hit] = json.loads(found.stdout)
    assert (hit["transcript"]["title"], hit["start"]) == ("monday", 1.0)
    assert "monday" in commands.run("search", "tod*", "--language", "es").stdout
    assert "Nothing was found" in commands.run("search", "dias", "--kind", "calls").stdout
    assert (
        json.loads(commands.run("search", "dias", "--until", "2020-01-01", "--json").stdout) == []
    )

    assert commands.run("export", id_).stdout == "Buenos días a todos\n¿Qué tal?\n"
    out = tmp_path / "again.srt"
    assert commands.run("export", id_, "--to", "srt", "--out", str(out)).exit_code == 0
    assert out.read_text().startswith("1\n00:00:01,000")


def test_a_zip_holds_what_a_search_finds(
    commands: Commands, subtitles: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.vtt"
    other.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nnothing of that\n")
    assert commands.run("import", str(subtitles), str(other)).exit_code == 0
    out = tmp_path / "all.zip"
    assert commands.run("export", "--search", "todos", "--out", str(out)).exit_code == 0
    with zipfile.ZipFile(out) as archive:
        assert [name.split(" ")[1] for name in archive.namelist()] == ["monday"]
    everything = commands.run("export", "--to", "md")
    with zipfile.ZipFile(io.BytesIO(everything.stdout_bytes)) as archive:
        assert len(archive.namelist()) == 2
    assert not list(tmp_path.glob(".*.part"))


def test_a_file_that_is_none_is_said_and_the_others_come_in(
    commands: Commands, subtitles: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.srt"
    bad.write_text("no subtitles")
    done = commands.run("import", str(bad), str(subtitles))
    assert done.exit_code == 1
    assert "bad.srt" in done.stderr
    assert commands.run("search", "todos", "--json").stdout != "[]\n"


def test_what_is_not_there_is_said(commands: Commands) -> None:
    assert commands.run("export", "00000000-0000-7000-8000-000000000000").exit_code == 1
    assert (
        commands.run("search", "x", "--space", "00000000-0000-7000-8000-000000000000").exit_code
        == 4
    )
    assert commands.run("search", "x", "--since", "yesterday").exit_code == 1


def test_what_is_erased_leaves_a_receipt(commands: Commands, subtitles: Path) -> None:
    id_ = json.loads(commands.run("import", str(subtitles), "--json").stdout)["id"]
    assert commands.run("erase", id_).exit_code == 2
    assert commands.run("erase", "--person", "p-1", "--yes").exit_code == 2
    [receipt] = json.loads(commands.run("erase", id_, "--yes", "--json").stdout)
    assert receipt["transcript_ids"] == [id_]
    assert receipt["counts"] == {"conversations": 1, "files": 1, "segments": 2}
    assert json.loads(commands.run("search", "todos", "--json").stdout) == []
    assert commands.run("erase", id_, "--yes").exit_code == 1
    nobody = commands.run("erase", "--person", "p", "--space", receipt["space_id"], "--yes")
    assert "nothing was there" in nobody.stdout
