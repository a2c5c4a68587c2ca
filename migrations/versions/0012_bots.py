"""Bots of spaces."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """One table."""
    op.create_table(
        "bots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("persona", sa.Text(), nullable=False),
        sa.Column("language", sa.Text()),
        sa.Column("voice", sa.Text()),
        sa.Column("speed", sa.Double(), nullable=False),
        sa.Column("stt", postgresql.JSONB(), nullable=False),
        sa.Column("llm", postgresql.JSONB(), nullable=False),
        sa.Column("tts", postgresql.JSONB(), nullable=False),
        sa.Column("greeting", sa.Text(), nullable=False),
        sa.Column("script", sa.Text(), nullable=False),
        sa.Column("tools", postgresql.JSONB(), nullable=False),
        sa.Column("allowed_hosts", postgresql.JSONB(), nullable=False),
        sa.Column("may_search", sa.Boolean(), nullable=False),
        sa.Column("limits", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bots"),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name="fk_bots_space_id", ondelete="CASCADE"
        ),
    )
    op.create_index("uq_bots_space_id_name", "bots", ["space_id", "name"], unique=True)
