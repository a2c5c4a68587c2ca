"""Recordings handed over to be transcribed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """One table: what is asked, how far it is, and in the end the text."""
    op.create_table(
        "transcriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("blob_id", sa.Uuid()),
        sa.Column("engine_asked", sa.Text()),
        sa.Column("language_asked", sa.Text()),
        sa.Column("split", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("progressed_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("provider", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("duration_seconds", sa.Double()),
        sa.Column("error", postgresql.JSONB()),
        sa.Column("segments", postgresql.JSONB()),
        sa.PrimaryKeyConstraint("id", name="pk_transcriptions"),
        sa.CheckConstraint(
            "status in ('queued', 'running', 'done', 'failed')",
            name=op.f("ck_transcriptions_status"),
        ),
    )
    op.create_index(
        "ix_transcriptions_owner", "transcriptions", ["space_id", "user_id", "created_at", "id"]
    )
    op.create_index(
        "ix_transcriptions_open",
        "transcriptions",
        ["created_at"],
        postgresql_where=sa.text("status in ('queued', 'running')"),
    )
