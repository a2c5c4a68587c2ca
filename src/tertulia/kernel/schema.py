"""The tables: one Alembic history, run forward, dumped before it is run, restored when asked."""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg

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
    """Looks after the tables of one database. Every method blocks: call it in a thread.

    Alembic is imported only when there is something to migrate: it costs a quarter of a warm start.
    """

    def __init__(self, conninfo: str, *, binaries: Path | None = None) -> None:
        self._conninfo = conninfo
        self._binaries = binaries
        # a revision's file is named after it, which a test keeps true
        self._known = sorted(
            p.stem.split("_")[0] for p in (_migrations() / "versions").glob("[0-9]*.py")
        )

    def state(self) -> SchemaState:
        """Refuses a database that is not ours or was written by a newer program."""
        with self._connect() as connection:
            tables = _scalar(
                connection, "select count(*) from pg_tables where schemaname = 'public'"
            )
            versioned = _scalar(connection, "select to_regclass('public.alembic_version')")
            current = (
                _scalar(connection, "select version_num from alembic_version")
                if versioned
                else None
            )
        if current is None and tables:
            raise StartError(
                "The database holds tables that are not Tertulia's. "
                "Give Tertulia a database of its own in TERTULIA_DATABASE_URL."
            )
        if current is not None and current not in self._known:
            raise StartError(
                f"The database was written by a newer Tertulia (revision {current}). "
                "Install that version, or restore a backup made by this one: `tertulia db restore FILE`."
            )
        return SchemaState(current, self._known[-1], empty=current is None)

    def upgrade(self, to: str = "head") -> None:
        """Runs what is missing, in one transaction, once however many nodes ask."""
        from alembic import command
        from alembic.config import Config
        from sqlalchemy import create_engine, text

        config = Config()
        config.set_main_option("script_location", str(_migrations()))
        engine = create_engine("postgresql+psycopg://", creator=self._connect)
        try:
            with engine.connect() as connection:
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
                config.attributes["connection"] = connection
                command.upgrade(config, to)
                connection.commit()
        finally:
            engine.dispose()

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

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(self._conninfo, connect_timeout=10)
        except psycopg.OperationalError:
            raise StartError(
                "The database cannot be reached. Look whether it runs, and at TERTULIA_DATABASE_URL or PG_*."
            ) from None

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


def _scalar(connection: psycopg.Connection[Any], query: LiteralString) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
