"""The data folder and its database, opened for a server or for a command beside one."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tertulia.kernel.database import Database
from tertulia.kernel.errors import StartError
from tertulia.kernel.folder import DataFolder
from tertulia.kernel.postgres import EmbeddedPostgres
from tertulia.kernel.schema import Schema, SchemaState
from tertulia.kernel.settings import Settings

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Storage:
    """An open database and the folder beside it. `postgres` is None when the database was given."""

    settings: Settings
    folder: DataFolder
    postgres: EmbeddedPostgres | None
    database: Database
    schema: Schema

    async def migrate(self) -> None:
        """Brings the tables up to date: after a dump when they are ours alone, never when they were given."""
        state = await asyncio.to_thread(self.schema.state)
        if state.up_to_date:
            return
        if self.postgres is None:
            raise StartError(_ask_for_upgrade(state))
        if not state.empty:
            file = await asyncio.to_thread(
                self.schema.backup, self.folder.backups, keep=self.settings.backups_kept
            )
            log.info("database dumped before its migration", extra={"file": file.name})
        await asyncio.to_thread(self.schema.upgrade)

    async def watch(self) -> None:
        """Starts the embedded PostgreSQL again whenever it is found dead."""
        assert self.postgres is not None
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if not self.postgres.is_running():
                log.error("the embedded PostgreSQL is gone; starting it again")
                try:
                    await asyncio.to_thread(self.postgres.start)
                except StartError as error:
                    log.error("it did not start", extra={"code": error.code})


def _ask_for_upgrade(state: SchemaState) -> str:
    what = (
        "has no tables yet"
        if state.empty
        else f"is at revision {state.current}, not {state.wanted}"
    )
    return f"The given database {what}. Run `tertulia db upgrade` once, then start again."


@asynccontextmanager
async def opened_storage(
    settings: Settings, *, claim: bool = False, migrate: bool = True, watch: bool = False
) -> AsyncIterator[Storage]:
    """Opens folder and database; `claim` holds the folder as the one server on it."""
    folder = DataFolder(settings.data, min_free_bytes=settings.min_free_disk_bytes)
    await asyncio.to_thread(folder.prepare)
    if claim:
        folder.claim()
    try:
        async with _opened_database(settings, folder) as storage:
            if migrate:
                await storage.migrate()
            watcher = (
                asyncio.create_task(storage.watch(), name="watch postgres")
                if watch and storage.postgres
                else None
            )
            try:
                yield storage
            finally:
                if watcher:
                    watcher.cancel()
                    with suppress(asyncio.CancelledError):
                        await watcher
    finally:
        folder.release()


@asynccontextmanager
async def _opened_database(settings: Settings, folder: DataFolder) -> AsyncIterator[Storage]:
    given = settings.given_database_url
    if given is not None:
        database = Database(given, pool=settings.database_pool)
        try:
            yield Storage(settings, folder, None, database, Schema(given))
        finally:
            await database.close()
        return
    postgres = EmbeddedPostgres(folder.path)
    await asyncio.to_thread(postgres.start)
    try:
        database = Database(postgres.conninfo, pool=settings.database_pool)
        schema = Schema(postgres.conninfo, binaries=postgres.binaries)
        try:
            yield Storage(settings, folder, postgres, database, schema)
        finally:
            await database.close()
    finally:
        await asyncio.to_thread(postgres.stop)
