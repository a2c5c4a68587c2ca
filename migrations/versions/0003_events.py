"""Tables of events."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Unlogged: an event is worth nothing after a crash, and nobody listens to it any more.
    op.create_table(
        "event_payload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="pk_event_payload"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_event_payload_at", "event_payload", ["at"])
