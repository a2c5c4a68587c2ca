"""Live sessions and their log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

MOMENT = sa.DateTime(timezone=True)
GOING = sa.text("status not in ('completed', 'error')")


def upgrade() -> None:
    """Where a session is, so that any server can go on with it; never its sound or its text."""
    op.create_table(
        "live_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("transcript_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("credential_kind", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Uuid()),
        sa.Column("token_key", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("left_status", sa.Text()),
        sa.Column("start_time", MOMENT, nullable=False),
        sa.Column("last_activity", MOMENT, nullable=False),
        sa.Column("touched_at", MOMENT, nullable=False),
        sa.Column("end_time", MOMENT),
        sa.Column("end_reason", sa.Text()),
        sa.Column("error_code", sa.Text()),
        sa.Column("duration_limit", sa.Integer(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("language", sa.Text()),
        sa.Column("engine", sa.Text()),
        sa.Column("provider", sa.Text()),
        sa.Column("hot_words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("diarise", sa.Boolean(), nullable=False),
        sa.Column("extra", postgresql.JSONB(), nullable=False),
        sa.Column("metrics", postgresql.JSONB(), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("node", sa.Text()),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("epoch_seq", sa.Integer(), nullable=False),
        sa.Column("received_seq", sa.Integer(), nullable=False),
        sa.Column("committed_seq", sa.Integer(), nullable=False),
        sa.Column("skip_bytes", sa.Integer(), nullable=False),
        sa.Column("restart_position", sa.BigInteger(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.Column("spans", postgresql.JSONB(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_live_sessions"),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name="fk_live_sessions_space_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "duration_limit between 60 and 3600", name=op.f("ck_live_sessions_duration_limit")
        ),
        sa.CheckConstraint("chunks >= 0", name=op.f("ck_live_sessions_chunks")),
    )
    op.create_index(
        "ix_live_sessions_user_id_start_time_id", "live_sessions", ["user_id", "start_time", "id"]
    )
    op.create_index("ix_live_sessions_space_id", "live_sessions", ["space_id"])
    op.create_index("ix_live_sessions_transcript_id", "live_sessions", ["transcript_id"])
    op.create_index(
        "ix_live_sessions_going", "live_sessions", ["touched_at"], postgresql_where=GOING
    )
    op.create_table(
        "live_log",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("code", sa.Text()),
        sa.Column("numbers", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_live_log"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["live_sessions.id"],
            name="fk_live_log_session_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_live_log_session_id_at", "live_log", ["session_id", "at"])


def downgrade() -> None:
    """The texts stay in the hall."""
    op.drop_table("live_log")
    op.drop_table("live_sessions")
