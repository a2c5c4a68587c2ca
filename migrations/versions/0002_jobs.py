"""Tables of jobs: Procrastinate's own.

They are frozen here as the release named in `PROCRASTINATE` ships them, so that every database comes to the
same tables whichever release is installed when it is made. A later release brings files in its
`procrastinate/sql/migrations`: a revision of ours runs those that are missing, in order, and names the last one
in its own `PROCRASTINATE_MIGRATION`. `tests/jobs/test_schema.py` fails until that is done.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

PROCRASTINATE = "3.10.0"
PROCRASTINATE_MIGRATION = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
"""The last of Procrastinate's migrations that the tables contain."""

SCHEMA = Path(__file__).parents[1] / "sql" / f"procrastinate-{PROCRASTINATE}.sql"


def upgrade() -> None:
    # Many statements at once, functions with percent signs among them: only the driver itself takes them as they are.
    op.get_bind().connection.driver_connection.execute(SCHEMA.read_text())
    op.execute(
        "create index ix_procrastinate_jobs_scheduled_at on procrastinate_jobs (scheduled_at) "
        "where status = 'todo' and scheduled_at is not null"
    )
