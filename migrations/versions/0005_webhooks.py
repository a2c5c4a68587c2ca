"""Tables of webhooks."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Filled in by the package that owns these tables."""
