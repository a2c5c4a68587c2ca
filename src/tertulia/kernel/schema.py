"""The tables: one Alembic history, run forward, dumped before it is run, restored when asked."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

import tertulia
from tertulia.kernel.errors import StartError

LOCK = 7_355_608
"""Advisory lock held while migrations run, so that nodes that start together do it once."""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which revision the tables are at, and which one this program wants."""

    current: str | None
    wanted: str
    empty: bool

    @property
    def up_to_date(self) -> bool:
        return self.current == self.wanted


def _migrations() -> Path:
    inside = Path(tertulia.__file__).parent / "migrations"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "migrations"


class Schema:
    """Looks after the tables of one database. Every method blocks: call it in a thread."""

    def __init__(self, conninfo: str, *, binaries: Path | None = None) -> None:
        self._conninfo = conninfo
        self._binaries = binaries
        self._config = Config()
        self._config.set_main_option("script_location", str(_migrations()))
        self._script = ScriptDirectory.from_config(self._config)

    def state(self) -> SchemaState:
        """Refuses a database that is not ours or was written by a newer program."""
        with self._connected() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
            tables = connection.execute(
                text("select count(*) from pg_tables where schemaname = 'public'")
            ).scalar_one()
        wanted = self._script.get_current_head() or ""
        if current is None and tables:
            raise StartError(
                "The database holds tables that are not Tertulia's. "
                "Give Tertulia a database of its own in TERTULIA_DATABASE_URL."
            )
        if current is not None and current not in {
            r.revision for r in self._script.walk_revisions()
        }:
            raise StartError(
                f"The database was written by a newer Tertulia (revision {current}). "
                "Install that version, or restore a backup made by this one: `tertulia db restore FILE`."
            )
        return SchemaState(current, wanted, empty=current is None)

    def upgrade(self) -> None:
        """Runs what is missing, in one transaction, once however many nodes ask."""
        with self._connected() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
            self._config.attributes["connection"] = connection
            command.upgrade(self._config, "head")
            connection.commit()

    def backup(self, folder: Path, *, keep: int | None = None) -> Path:
        """Dumps everything into one file; the oldest ones past `keep` go."""
        folder.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        file = folder / f"tertulia-{stamp}.dump"
        unfinished = file.with_suffix(".unfinished")
        try:
            self._run(
                "pg_dump", "--format=custom", f"--file={unfinished}", f"--dbname={self._conninfo}"
            )
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
        if keep is not None:
            for old in sorted(folder.glob("tertulia-*.dump"))[:-keep]:
                old.unlink()
        return file

    def restore(self, file: Path) -> None:
        """Puts a dump in the place of what is there, whole or not at all."""
        if not file.is_file():
            raise StartError(
                f"{file} is not a file. `tertulia db backup` prints where it wrote one."
            )
        with tempfile.TemporaryDirectory() as scratch:
            script = Path(scratch) / "restore.sql"
            self._run("pg_restore", "--no-owner", f"--file={script}", str(file))
            self._run(
                "psql",
                "--single-transaction",
                "--set=ON_ERROR_STOP=1",
                "--quiet",
                f"--dbname={self._conninfo}",
                "--command=drop schema if exists audios_sac cascade",
                "--command=drop schema public cascade",
                "--command=create schema public",
                f"--file={script}",
            )

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(self._conninfo, connect_timeout=10),
        )
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def _run(self, program: str, *arguments: str) -> None:
        path = str(self._binaries / program) if self._binaries else program
        try:
            subprocess.run(
                [path, *arguments], check=True, capture_output=True, text=True, env=dict(os.environ)
            )
        except FileNotFoundError:
            raise StartError(
                f"{program} is not installed. Install PostgreSQL's client programs."
            ) from None
        except subprocess.CalledProcessError as error:
            reason = (
                error.stderr.strip().splitlines()[-1] if error.stderr.strip() else "it said nothing"
            )
            raise StartError(f"{program} failed: {reason}") from None
