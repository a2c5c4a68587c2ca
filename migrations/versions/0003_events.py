"""Tables of events."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Filled in by the package that owns these tables."""
