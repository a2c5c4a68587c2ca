"""Our history brings the tables of the installed Procrastinate."""

import re
from pathlib import Path

import procrastinate.schema
import pytest

pytestmark = pytest.mark.unit

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def brought() -> str:
    """The last of Procrastinate's migrations that a revision of ours names."""
    pattern = re.compile(r'^PROCRASTINATE_MIGRATION = "(.+)"$', re.MULTILINE)
    revisions = sorted((MIGRATIONS / "versions").glob("*.py"))
    named = [m for file in revisions for m in pattern.findall(file.read_text())]
    return str(named[-1])


def test_no_migration_of_procrastinate_is_missing() -> None:
    folder = Path(procrastinate.schema.SchemaManager.get_migrations_path())
    missing = sorted(f.name for f in folder.glob("*.sql") if f.name > brought())
    assert missing == [], "ship these in a revision of ours that names the last one"


def test_the_frozen_tables_are_those_of_the_installed_release_until_it_brings_migrations() -> None:
    frozen = (MIGRATIONS / "sql" / "procrastinate-3.10.0.sql").read_text()
    if brought() != "03.04.00_50_post_add_retry_failed_job_procedure.sql":
        pytest.skip("a later revision has moved past the frozen tables")
    assert frozen.endswith(procrastinate.schema.SchemaManager.get_schema())
