"""Tables of jobs."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Filled in by the package that owns these tables."""
