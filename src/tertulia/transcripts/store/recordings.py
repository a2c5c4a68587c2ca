"""Queries about recordings and who is heard when."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import Lane
from tertulia.transcripts.store.tables import WaveformRow
from tertulia.transcripts.waveform import Waveform

# stretches of one speaker with less than a breath between them are one
_LANES: LiteralString = """
with said as (
  select speaker, person, channel, start_seconds as began, end_seconds as ended,
    max(end_seconds) over (partition by speaker, person, channel order by start_seconds, utterance_id
      rows between unbounded preceding and 1 preceding) as before
  from transcript_segments where transcript_id = %(id)s and is_final
), placed as (
  select *, count(*) filter (where before is null or began > before + %(gap)s)
    over (partition by speaker, person, channel order by began rows unbounded preceding) as stretch
  from said
), stretches as (
  select speaker, person, channel, stretch, min(began) as began, max(ended) as ended, count(*) as segments,
    sum(ended - began) as seconds
  from placed group by speaker, person, channel, stretch
)
select speaker, person, channel, sum(segments)::int, sum(seconds), array_agg(began order by began),
  array_agg(ended order by began)
from stretches group by speaker, person, channel order by min(began), speaker, channel limit %(most)s
"""
MOST_LANES = 200


class RecordingStore:
    """Queries about recordings and lanes."""

    async def waveform(self, tx: Transaction, id_: UUID) -> Waveform | None:
        row = await tx.session.get(WaveformRow, id_)
        return Waveform(row.duration_seconds, row.channels, row.peaks) if row else None

    async def has_waveform(self, tx: Transaction, id_: UUID) -> bool:
        query = select(WaveformRow.transcript_id).where(WaveformRow.transcript_id == id_)
        return await tx.session.scalar(query) is not None

    async def put_waveform(self, tx: Transaction, id_: UUID, drawn: Waveform) -> None:
        values = {
            "duration_seconds": drawn.duration_seconds,
            "channels": drawn.channels,
            "peaks": drawn.peaks,
        }
        await tx.session.execute(
            insert(WaveformRow)
            .values(transcript_id=id_, **values)
            .on_conflict_do_update(index_elements=["transcript_id"], set_=values)
        )

    async def lanes(self, tx: Transaction, id_: UUID, gap_seconds: float) -> Sequence[Lane]:
        """Who is heard when, the first to speak first."""
        connection = await tx.raw()
        rows = await connection.execute(_LANES, {"id": id_, "gap": gap_seconds, "most": MOST_LANES})
        return [
            Lane(speaker, person, channel, segments, seconds, tuple(zip(begun, ended, strict=True)))
            for speaker, person, channel, segments, seconds, begun, ended in await rows.fetchall()
        ]
