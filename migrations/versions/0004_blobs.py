"""Tables of blobs."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Filled in by the package that owns these tables."""
