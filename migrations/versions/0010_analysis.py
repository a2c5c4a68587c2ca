"""Tables of analyses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0010"
down_revision = "0009"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Analyses of transcripts, and the answers that long ones are made of."""
    op.create_table(
        "analyses",
        sa.Column("transcript_id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("run", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("wanted", ARRAY(sa.Text()), nullable=False),
        sa.Column("chain", sa.Text()),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("api_key_id", sa.Uuid()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("transcript_version", sa.Integer()),
        sa.Column("covered", sa.Double()),
        sa.Column("provider", sa.Text()),
        sa.Column("results", JSONB(), nullable=False),
        sa.Column("made", JSONB(), nullable=False),
        sa.Column("error", JSONB()),
        sa.PrimaryKeyConstraint("transcript_id", name="pk_analyses"),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name="fk_analyses_transcript_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "status in ('PENDING', 'RUNNING', 'DONE', 'FAILED')", name="ck_analyses_status"
        ),
    )
    op.create_index("ix_analyses_space_id", "analyses", ["space_id"])
    op.create_index(
        "ix_analyses_open",
        "analyses",
        ["created_at"],
        postgresql_where=sa.text("status in ('PENDING', 'RUNNING')"),
    )
    op.create_table(
        "analysis_parts",
        sa.Column("transcript_id", sa.Uuid(), nullable=False),
        sa.Column("run", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("answer", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("transcript_id", "run", "name", name="pk_analysis_parts"),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["analyses.transcript_id"],
            name="fk_analysis_parts_transcript_id",
            ondelete="CASCADE",
        ),
    )
