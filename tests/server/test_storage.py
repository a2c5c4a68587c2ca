"""Opening the data folder: an older schema is dumped, then brought up to date; a given one is left alone."""

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tertulia.kernel.errors import StartError
from tertulia.kernel.postgres import EmbeddedPostgres
from tertulia.kernel.schema import Schema
from tertulia.kernel.settings import Settings
from tertulia.server.storage import opened_storage

pytestmark = pytest.mark.db


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A data folder whose database was left by an earlier version, with a person in it."""
    postgres = EmbeddedPostgres(tmp_path)
    postgres.start()
    Schema(postgres.conninfo, binaries=postgres.binaries).upgrade("0001")
    with psycopg.connect(postgres.conninfo) as connection:
        connection.execute(
            "insert into spaces (id, name, created_at) values (gen_random_uuid(), 'Ours', now())"
        )
    postgres.stop()
    return tmp_path


async def test_an_older_schema_is_dumped_and_then_brought_up_to_date(older: Path) -> None:
    async with opened_storage(Settings(data=older)) as storage:
        assert storage.schema.state().up_to_date
        dumps = list(storage.folder.backups.glob("tertulia-*.dump"))
        assert len(dumps) == 1
        storage.schema.restore(dumps[0])
        assert storage.schema.state().current == "0001"
    async with opened_storage(Settings(data=older)) as storage:
        with psycopg.connect(storage.database.conninfo) as connection:
            assert connection.execute("select name from spaces").fetchall() == [("Ours",)]


async def test_a_new_database_is_not_dumped(tmp_path: Path) -> None:
    async with opened_storage(Settings(data=tmp_path)) as storage:
        assert storage.schema.state().up_to_date
        assert not storage.folder.backups.exists()


async def test_a_given_database_is_never_migrated_unasked(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    admin = make_conninfo(postgres.conninfo, dbname="postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("create database given template template0")
    settings = Settings(
        data=tmp_path, database_url=make_conninfo(postgres.conninfo, dbname="given")
    )
    with pytest.raises(StartError, match="tertulia db upgrade"):
        async with opened_storage(settings):
            pass
