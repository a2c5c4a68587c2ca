"""The data folder and the PostgreSQL in it: first start, company, crashes, refusals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tertulia.kernel.errors import StartError
from tertulia.kernel.folder import DataFolder
from tertulia.kernel.postgres import EmbeddedPostgres
from tertulia.kernel.schema import Schema

pytestmark = pytest.mark.db


def rows(conninfo: str) -> list[tuple[int]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute("select n from kept order by n").fetchall()


def test_the_last_one_out_stops_it(tmp_path: Path) -> None:
    first, second = EmbeddedPostgres(tmp_path), EmbeddedPostgres(tmp_path)
    first.start()
    second.start()
    first.stop()
    assert second.is_running()
    second.stop()
    assert not second.is_running()


def test_a_killed_user_leaves_nothing_that_hinders(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tertulia.kernel.postgres import EmbeddedPostgres\n"
        f"p = EmbeddedPostgres(Path({str(tmp_path)!r})); p.start(); print('up', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        child.send_signal(signal.SIGKILL)
    server = EmbeddedPostgres(tmp_path)
    server.start()
    with psycopg.connect(server.conninfo) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (1)")
    server.stop()
    assert not server.is_running(), "the dead user's hold must not keep it running"


def test_committed_rows_outlive_the_death_of_postgres(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    server.start()
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (1), (2)")
    pid = int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0])
    os.killpg(os.getpgid(pid), signal.SIGKILL)
    while server.is_running():
        os.sched_yield()
    server.start()
    assert rows(server.conninfo) == [(1,), (2,)]
    server.stop()


def test_a_lock_whose_number_another_program_got_is_recovered(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    server.start()
    content = (tmp_path / "postgres" / "postmaster.pid").read_text().split("\n")
    server.stop()
    content[0] = str(os.getpid())
    (tmp_path / "postgres" / "postmaster.pid").write_text("\n".join(content))
    server.start()
    assert server.is_running()
    server.stop()


def test_another_major_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(StartError, match="db restore"):
        EmbeddedPostgres(tmp_path).start()


def test_a_second_server_on_a_folder_is_refused_and_told_where_the_first_is(tmp_path: Path) -> None:
    first, second = DataFolder(tmp_path), DataFolder(tmp_path)
    first.prepare()
    first.claim()
    first.announce(url="http://localhost:1")
    with pytest.raises(StartError, match="http://localhost:1"):
        second.claim()
    assert (second.running() or {})["url"] == "http://localhost:1"
    first.release()
    second.claim()
    second.release()
    assert second.running() is None


def test_folders_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(StartError, match="--data"):
        DataFolder(file).prepare()
    with pytest.raises(StartError, match="TERTULIA_MIN_FREE_DISK_BYTES"):
        DataFolder(tmp_path, min_free_bytes=1 << 60).prepare()


def test_a_read_only_folder_is_refused() -> None:
    with pytest.raises(StartError, match="cannot be written"):
        DataFolder(Path("/proc/tertulia")).prepare()


def test_the_history_runs_once_and_is_recognised(conninfo: str, postgres: EmbeddedPostgres) -> None:
    schema = Schema(conninfo, binaries=postgres.binaries)
    state = schema.state()
    assert state.up_to_date
    schema.upgrade()
    assert schema.state() == state


def test_a_foreign_database_and_a_newer_one_are_refused(
    conninfo: str, postgres: EmbeddedPostgres
) -> None:
    schema = Schema(conninfo, binaries=postgres.binaries)
    with psycopg.connect(conninfo) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(StartError, match="newer Tertulia"):
        schema.state()
    with psycopg.connect(conninfo) as connection:
        connection.execute("drop table alembic_version")
    with pytest.raises(StartError, match="not Tertulia's"):
        schema.state()


def test_a_dump_comes_back_whole(conninfo: str, postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    schema = Schema(conninfo, binaries=postgres.binaries)
    with psycopg.connect(conninfo) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (7)")
    file = schema.backup(tmp_path)
    with psycopg.connect(conninfo) as connection:
        connection.execute("insert into kept values (8)")
        connection.execute("create table later (n int)")
    schema.restore(file)
    assert rows(conninfo) == [(7,)]
    with psycopg.connect(conninfo) as connection:
        found = connection.execute("select to_regclass('later')").fetchone()
    assert found == (None,)


def test_a_dump_that_is_not_one_changes_nothing(
    conninfo: str, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    schema = Schema(conninfo, binaries=postgres.binaries)
    with psycopg.connect(conninfo) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (7)")
    broken = tmp_path / "broken.dump"
    broken.write_bytes(schema.backup(tmp_path).read_bytes()[:2000])
    for file in (broken, tmp_path / "absent.dump"):
        with pytest.raises(StartError):
            schema.restore(file)
    assert rows(conninfo) == [(7,)]


def test_only_the_newest_dumps_are_kept(
    conninfo: str, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    schema = Schema(conninfo, binaries=postgres.binaries)
    made = [schema.backup(tmp_path, keep=2) for _ in range(3)]
    assert sorted(tmp_path.iterdir()) == sorted(made[1:])


def test_a_revision_is_named_as_its_file() -> None:
    versions = Path(__file__).parents[2] / "migrations" / "versions"
    found = {}
    for file in sorted(versions.glob("[0-9]*.py")):
        lines = file.read_text().splitlines()
        revision = next(line for line in lines if line.startswith("revision ="))
        found[file.stem.split("_")[0]] = revision.split('"')[1]
    assert found == {name: name for name in found}
    assert len(found) >= 5
