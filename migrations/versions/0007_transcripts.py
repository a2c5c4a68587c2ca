"""The hall: transcripts, their segments with a search index, and edits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime(timezone=True)

# Letters lose their marks, except Cyrillic й: Russian endings hang on it. Those that are not made of a letter and
# a mark are named one by one.
FOLD = r"""
create function hall_fold(said text) returns text language sql immutable strict parallel safe as
$$ select case when octet_length(said) = char_length(said) then lower(said)
     else normalize(regexp_replace(
       normalize(translate(lower(said), 'đħıłŀøŧ', 'dhillot'), NFD), '(?<!и)[\u0300-\u036f]+', '', 'g'), NFC)
   end $$
"""

# The stemmers of PostgreSQL drop the commonest words; these keep them, so that any word and any phrase is found.
STEMMERS = {"es": "spanish", "ru": "russian", "en": "english"}

TONGUE = """
create function hall_tongue(language text) returns text language sql immutable parallel safe as
$$ select case split_part(lower(coalesce(language, '')), '-', 1)
     when 'es' then 'es' when 'ru' then 'ru' when 'en' then 'en' else 'simple' end $$
"""

# A word stands in the index by its stem, by the stem of its plain spelling (where the two differ), and whole,
# for beginnings of words; all three at one place, so that phrases hold.
VECTOR = """
create function hall_vector(language text, said text, is_final boolean) returns tsvector
language plpgsql immutable parallel safe as $$
declare
  tongue text := public.hall_tongue(language);
  own regconfig := case tongue when 'es' then 'public.hall_es'::regconfig
    when 'ru' then 'public.hall_ru'::regconfig when 'en' then 'public.hall_en'::regconfig end;
  known text := left(said, 100000);
  folded text := public.hall_fold(known);
  whole tsvector;
  stems text;
begin
  if not is_final then return null; end if;
  whole := to_tsvector('pg_catalog.simple', folded);
  if tongue = 'simple' then return whole; end if;
  stems := to_tsvector(own, known)::text;
  if folded <> lower(known) then
    stems := stems || ' ' || to_tsvector(own, folded)::text;
  end if;
  return (public.hall_fold(stems) || ' ' || whole::text)::tsvector;
end $$
"""

# Common words are left out of a question, unless there is nothing else in it or something is quoted.
QUERY = """
create function hall_query(language text, words text, beginnings text[]) returns tsquery
language plpgsql immutable parallel safe as $$
declare
  tongue text := public.hall_tongue(language);
  usual regconfig := case tongue when 'es' then 'pg_catalog.spanish' when 'ru' then 'pg_catalog.russian'
    when 'en' then 'pg_catalog.english' else 'pg_catalog.simple' end;
  asked tsquery := websearch_to_tsquery(usual, words);
  beginning text;
  begun tsquery;
begin
  if tongue <> 'simple' and (numnode(asked) = 0 or position('"' in words) > 0) then
    asked := websearch_to_tsquery(('public.hall_' || tongue)::regconfig, words);
  end if;
  asked := public.hall_fold(asked::text)::tsquery;
  foreach beginning in array beginnings loop
    begun := to_tsquery('pg_catalog.simple', public.hall_fold(ltrim(beginning, '-')) || ':*');
    asked := asked && case when beginning like '-%' then !!begun else begun end;
  end loop;
  return asked;
end $$
"""


def upgrade() -> None:
    """Functions first: the index is a column that the database computes with them."""
    for statement in (FOLD, TONGUE, VECTOR, QUERY):
        op.execute(statement)
    for code, stemmer in STEMMERS.items():
        op.execute(
            f"create text search dictionary hall_{code}_stem (template = snowball, language = {stemmer})"
        )
        op.execute(f"create text search configuration hall_{code} (copy = pg_catalog.{stemmer})")
        op.execute(
            f"alter text search configuration hall_{code} "
            f"alter mapping replace {stemmer}_stem with hall_{code}_stem"
        )
    # what Russian text says in Latin letters goes to the English stemmer
    op.execute(
        "alter text search configuration hall_ru alter mapping replace english_stem with hall_en_stem"
    )
    _transcripts()
    _segments()
    _edits()


def _transcripts() -> None:
    op.create_table(
        "transcripts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.Text()),
        sa.Column("provider", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("people", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("blob_id", sa.Uuid()),
        sa.Column("blob_size_bytes", sa.BigInteger()),
        sa.Column("blob_version", sa.Integer()),
        sa.Column("ready_at", MOMENT),
        sa.Column("created_by", sa.Uuid()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transcripts"),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name="fk_transcripts_space_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("state in ('open', 'final')", name=op.f("ck_transcripts_state")),
    )
    op.create_index(
        "ix_transcripts_space_id_started_at_id", "transcripts", ["space_id", "started_at", "id"]
    )
    op.create_index(
        "uq_transcripts_source",
        "transcripts",
        ["space_id", "kind", "source_id"],
        unique=True,
        postgresql_where=sa.text("source_id is not null"),
    )
    op.create_index("ix_transcripts_tags", "transcripts", ["tags"], postgresql_using="gin")
    op.create_index("ix_transcripts_people", "transcripts", ["people"], postgresql_using="gin")


def _segments() -> None:
    op.create_table(
        "transcript_segments",
        sa.Column("transcript_id", sa.Uuid(), nullable=False),
        sa.Column("utterance_id", sa.Text(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.Column("start_seconds", sa.Double(), nullable=False),
        sa.Column("end_seconds", sa.Double(), nullable=False),
        sa.Column("speaker", sa.Text()),
        sa.Column("person", sa.Text()),
        sa.Column("channel", sa.SmallInteger()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text()),
        sa.Column("confidence", sa.Double()),
        sa.Column("words", postgresql.JSONB()),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("edited_at", MOMENT),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed("hall_vector(language, text, is_final)", persisted=True),
        ),
        sa.PrimaryKeyConstraint("transcript_id", "utterance_id", name="pk_transcript_segments"),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name="fk_transcript_segments_transcript_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_transcript_segments_order",
        "transcript_segments",
        ["transcript_id", "start_seconds", "utterance_id"],
    )
    op.create_index(
        "ix_transcript_segments_said_at",
        "transcript_segments",
        ["space_id", "said_at", "transcript_id", "utterance_id"],
        postgresql_where=sa.text("is_final"),
    )
    op.create_index(
        "ix_transcript_segments_search", "transcript_segments", ["search"], postgresql_using="gin"
    )


def _edits() -> None:
    op.create_table(
        "transcript_edits",
        sa.Column("transcript_id", sa.Uuid(), nullable=False),
        sa.Column("utterance_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("edited_by", sa.Uuid()),
        sa.Column("edited_at", MOMENT, nullable=False),
        sa.Column("text_before", sa.Text(), nullable=False),
        sa.Column("text_after", sa.Text(), nullable=False),
        sa.Column("speaker_before", sa.Text()),
        sa.Column("speaker_after", sa.Text()),
        sa.Column("words_before", postgresql.JSONB()),
        sa.PrimaryKeyConstraint(
            "transcript_id", "utterance_id", "version", name="pk_transcript_edits"
        ),
        sa.ForeignKeyConstraint(
            ["transcript_id", "utterance_id"],
            ["transcript_segments.transcript_id", "transcript_segments.utterance_id"],
            name="fk_transcript_edits_transcript_id",
            ondelete="CASCADE",
        ),
    )
