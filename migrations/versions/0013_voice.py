"""Turns of the voice door."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Turns, and who is answering which correlation id."""
    op.create_table(
        "audio_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("corr_id", sa.Text(), nullable=False),
        sa.Column("api_key_id", sa.Text(), nullable=False),
        sa.Column("user_external_id", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("request_mime_type", sa.Text(), nullable=False),
        sa.Column("request_duration_seconds", sa.Double(), nullable=False),
        sa.Column("transcript", sa.Text(), nullable=False),
        sa.Column("reply_text", sa.Text(), nullable=False),
        sa.Column("tts_available", sa.Boolean(), nullable=False),
        sa.Column("tts_storage_ref", sa.Text()),
        sa.Column("usage_stt_ms", sa.Integer(), nullable=False),
        sa.Column("usage_llm_ms", sa.Integer(), nullable=False),
        sa.Column("usage_tts_ms", sa.Integer(), nullable=False),
        sa.Column("usage_total_ms", sa.Integer(), nullable=False),
        sa.Column("provider_stt", sa.Text(), nullable=False),
        sa.Column("provider_llm", sa.Text(), nullable=False),
        sa.Column("provider_tts", sa.Text(), nullable=False),
        sa.Column("meta_tags", postgresql.JSONB(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("bot_id", sa.Uuid(), nullable=False),
        sa.Column("bot_name", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("conversation_id", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("output_seconds", sa.Double(), nullable=False),
        sa.Column("first_word_ms", sa.Integer()),
        sa.Column("first_sound_ms", sa.Integer()),
        sa.Column("outcome_detail", sa.Text()),
        sa.Column("form", sa.Text()),
        sa.Column("form_values", postgresql.JSONB(), nullable=False),
        sa.Column("ends", sa.Boolean(), nullable=False),
        sa.Column("state", postgresql.JSONB(), nullable=False),
        sa.Column("transcript_id", sa.Uuid()),
        sa.Column("request_blob_id", sa.Uuid()),
        sa.Column("link_secret", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audio_sessions"),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name="fk_audio_sessions_space_id", ondelete="CASCADE"
        ),
    )
    op.create_index("uq_audio_sessions_corr_id", "audio_sessions", ["corr_id"], unique=True)
    newest_first = sa.text("created_at DESC")
    for column in ("user_external_id", "api_key_id", "space_id"):
        op.create_index(f"ix_audio_sessions_{column}", "audio_sessions", [column, newest_first])
    op.create_index(
        "ix_audio_sessions_conversation_id",
        "audio_sessions",
        ["conversation_id", newest_first],
        postgresql_where=sa.text("conversation_id is not null"),
    )
    op.create_index("ix_audio_sessions_transcript_id", "audio_sessions", ["transcript_id"])
    op.create_table(
        "voice_claims",
        sa.Column("corr_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("corr_id", name="pk_voice_claims"),
    )
