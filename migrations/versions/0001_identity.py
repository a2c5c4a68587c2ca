"""Tables of identity."""

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Filled in by the package that owns these tables."""
