"""The index of what was said takes every text at once, and knows when it was said."""

from alembic import op

revision = "0014"
down_revision = "0013"

# By itself PostgreSQL gathers what is new in a list, which every search reads through, and which whoever comes when
# it is full puts into the index: once in a few thousand finals, one waits for all those before it (143 ms where the
# others take 2, beside a million segments).
AT_ONCE = "alter index ix_transcript_segments_search set (fastupdate = off)"
GATHERED = "select gin_clean_pending_list('ix_transcript_segments_search')"

# What is said later stands farther on in the table, more or less: a small index of where which time stands.
TIME = """
create index ix_transcript_segments_time on transcript_segments using brin (said_at)
with (autosummarize = on, pages_per_range = 32)
"""


def upgrade() -> None:
    """No list any more; what is in it goes into the index."""
    op.execute(AT_ONCE)
    op.execute(GATHERED)
    op.execute(TIME)
