"""The hall's additions: recordings, readings beside the live text, retention, receipts, saved searches, people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True)

# What was read before the hall took recordings in joins it under its own id.
OLD_TRANSCRIPTS = """
insert into transcripts (id, space_id, kind, source_id, title, language, provider, state, started_at, ended_at,
  duration_seconds, tags, people, version, audio_blob_id, audio_content_type, audio_size_bytes, created_by, created_at,
  updated_at)
select t.id, t.space_id, 'files', t.id::text, left(regexp_replace(t.name, '\\.[^.]*$', ''), 300), t.language,
  t.provider, 'final', t.created_at, t.created_at + make_interval(secs => coalesce(t.duration_seconds, 0)),
  coalesce(t.duration_seconds, 0), '{}', '{}', 1, b.id, b.content_type, b.size_bytes, t.user_id, t.created_at,
  coalesce(t.finished_at, t.created_at)
from transcriptions t join spaces s on s.id = t.space_id left join blob b on b.id = t.blob_id and b.state = 'kept'
where t.status = 'done'
"""
OLD_SEGMENTS = """
insert into transcript_segments (transcript_id, utterance_id, space_id, said_at, start_seconds, end_seconds, speaker,
  channel, text, language, confidence, words, is_final)
select t.id, 's' || s.number, t.space_id, t.created_at + make_interval(secs => (s.value->>'start')::float8),
  (s.value->>'start')::float8, (s.value->>'end')::float8, s.value->>'speaker', (s.value->>'channel')::smallint,
  s.value->>'text', coalesce(s.value->>'language', t.language), (s.value->>'confidence')::float8,
  nullif(s.value->'words', '[]'::jsonb), true
from transcriptions t join transcripts h on h.id = t.id,
  jsonb_array_elements(t.segments) with ordinality as s(value, number)
"""

# A question in several languages. Where two stem alike it is asked once: the planner takes each for another word.
ANY = """
create function hall_any(tongues text[], words text, beginnings text[]) returns tsquery
language plpgsql immutable parallel safe as $$
declare
  tongue text;
  asked tsquery;
  known text[] := '{}';
  found tsquery;
begin
  foreach tongue in array tongues loop
    asked := public.hall_query(tongue, words, beginnings);
    if asked::text <> all(known) then
      known := known || asked::text;
      found := case when found is null then asked else found || asked end;
    end if;
  end loop;
  return coalesce(found, ''::tsquery);
end $$
"""


def upgrade() -> None:
    """Tables, and columns of a transcript that is heard as well as read."""
    op.execute(ANY)
    _recordings()
    _readings()
    _rules()
    _saved()
    op.execute(OLD_TRANSCRIPTS)
    op.execute(OLD_SEGMENTS)


def _recordings() -> None:
    op.add_column("transcripts", sa.Column("audio_blob_id", sa.Uuid()))
    op.add_column("transcripts", sa.Column("audio_content_type", sa.Text()))
    op.add_column("transcripts", sa.Column("audio_size_bytes", sa.BigInteger()))
    op.create_index(
        "ix_transcripts_stale",
        "transcripts",
        ["updated_at"],
        postgresql_where=sa.text("state = 'final' and blob_version is distinct from version"),
    )
    op.create_table(
        "transcript_waveforms",
        sa.Column("transcript_id", sa.Uuid(), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("channels", sa.SmallInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("transcript_id", name="pk_transcript_waveforms"),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name="fk_transcript_waveforms_transcript_id",
            ondelete="CASCADE",
        ),
    )


def _readings() -> None:
    # an utterance keeps its corrections while another reading stands in its place
    op.drop_constraint("fk_transcript_edits_transcript_id", "transcript_edits", type_="foreignkey")
    op.create_foreign_key(
        "fk_transcript_edits_transcript_id",
        "transcript_edits",
        "transcripts",
        ["transcript_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_table(
        "transcript_readings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transcript_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("engine_asked", sa.Text()),
        sa.Column("language_asked", sa.Text()),
        sa.Column("split", sa.Boolean(), nullable=False),
        sa.Column("provider", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("error", postgresql.JSONB()),
        sa.Column("created_by", sa.Uuid()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_transcript_readings"),
        sa.UniqueConstraint(
            "transcript_id", "number", name="uq_transcript_readings_transcript_id_number"
        ),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name="fk_transcript_readings_transcript_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "status in ('pending', 'running', 'done', 'failed')",
            name=op.f("ck_transcript_readings_status"),
        ),
    )
    op.create_index(
        "ix_transcript_readings_open",
        "transcript_readings",
        ["created_at"],
        postgresql_where=sa.text("status in ('pending', 'running')"),
    )
    op.create_table(
        "transcript_reading_segments",
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("utterance_id", sa.Text(), nullable=False),
        sa.Column("start_seconds", sa.Double(), nullable=False),
        sa.Column("end_seconds", sa.Double(), nullable=False),
        sa.Column("speaker", sa.Text()),
        sa.Column("person", sa.Text()),
        sa.Column("channel", sa.SmallInteger()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text()),
        sa.Column("confidence", sa.Double()),
        sa.Column("words", postgresql.JSONB()),
        sa.Column("edited_at", MOMENT),
        sa.PrimaryKeyConstraint(
            "reading_id", "utterance_id", name="pk_transcript_reading_segments"
        ),
        sa.ForeignKeyConstraint(
            ["reading_id"],
            ["transcript_readings.id"],
            name="fk_transcript_reading_segments_reading_id",
            ondelete="CASCADE",
        ),
    )


def _rules() -> None:
    op.create_table(
        "retention_rules",
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("transcript_days", sa.Integer()),
        sa.Column("audio_days", sa.Integer()),
        sa.PrimaryKeyConstraint("space_id", "kind", name="pk_retention_rules"),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name="fk_retention_rules_space_id", ondelete="CASCADE"
        ),
    )
    # kept without a word of what was erased, also after the space is gone
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid()),
        sa.Column("erased_at", MOMENT, nullable=False),
        sa.Column("transcript_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("person_sha256", sa.Text()),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
        sa.CheckConstraint(
            "reason in ('asked', 'person', 'retention')", name=op.f("ck_erasures_reason")
        ),
    )
    op.create_index(
        "ix_erasures_space_id_erased_at_id", "erasures", ["space_id", "erased_at", "id"]
    )


def _saved() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_searches"),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name="fk_saved_searches_space_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_saved_searches_space_id", "saved_searches", ["space_id", "user_id"])
    op.create_table(
        "hall_people",
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("space_id", "reference", name="pk_hall_people"),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name="fk_hall_people_space_id", ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_transcript_segments_person",
        "transcript_segments",
        ["person", "space_id"],
        postgresql_where=sa.text("person is not null"),
    )
