"""Tables of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Uses of engines, and budgets."""
    op.create_table(
        "uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("transcript_id", sa.Uuid()),
        sa.Column("person", sa.Text()),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("api_key_id", sa.Uuid()),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Float(), nullable=False),
        sa.Column("price", sa.Numeric()),
        sa.Column("price_version", sa.Text(), nullable=False),
        sa.Column("cost", sa.Numeric()),
        sa.Column("latency_ms", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_uses"),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name="fk_uses_space_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_uses_space_id_at_id", "uses", ["space_id", "at", "id"])
    op.create_index("ix_uses_transcript_id", "uses", ["transcript_id"])
    op.create_index("ix_uses_person", "uses", ["space_id", "person"])
    op.create_table(
        "budgets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid()),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_budgets"),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name="fk_budgets_space_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name="fk_budgets_api_key_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_budgets_api_key_id", "budgets", ["api_key_id"])
    op.create_index(
        "uq_budgets_space_id_api_key_id_period",
        "budgets",
        ["space_id", "api_key_id", "period"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
