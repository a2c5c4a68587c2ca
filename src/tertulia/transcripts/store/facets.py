"""Counting what a search finds by kind, speaker, person, language, tag, engine and month."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from psycopg import sql

from tertulia.kernel.database import Transaction
from tertulia.transcripts.domain import Filter
from tertulia.transcripts.searching import Count, Facets, Query
from tertulia.transcripts.store.search import Parameters, latest
from tertulia.transcripts.store.transcripts import latest_ids

COUNTED = 5_000
"""The latest so many hits, or conversations where nothing is looked for: counting must not cost more than looking."""
SHOWN = 50
"""Of each facet."""
SPEAKERS_OF = 500
"""Conversations whose speakers are counted where no words are looked for."""

_HITS = sql.SQL("select transcript_id, speaker, count(*) from ({latest}) h group by 1, 2")
_SPEAKERS: LiteralString = """
select distinct transcript_id, speaker from transcript_segments
where transcript_id = any(%(ids)s::uuid[]) and is_final and speaker is not null
"""
_COUNTS: LiteralString = """
with t as (select * from transcripts where id = any(%(ids)s::uuid[])),
counted as (
  select 'kinds' as facet, kind as value, count(*) as number from t group by 2
  union all select 'languages', split_part(language, '-', 1), count(*) from t where language is not null group by 2
  union all select 'months', to_char(started_at at time zone 'UTC', 'YYYY-MM'), count(*) from t group by 2
  union all select 'tags', tag, count(*) from t, unnest(tags) tag group by 2
  union all select 'people', person, count(*) from t, unnest(people) person group by 2
  union all select 'engines', engine, count(*) from t, unnest(string_to_array(provider, '|')) engine group by 2
  union all select 'speakers', speaker, count(*) from unnest(%(speakers)s::text[]) speaker group by 2
)
select facet, value, number from (
  select *, row_number() over (partition by facet order by number desc, value) as place from counted
) ranked where place <= %(shown)s order by facet, place
"""


class FacetStore:
    """Counts conversations by what they have in common."""

    async def facets(self, tx: Transaction, query: Query, wanted: Filter) -> Facets:
        """Of the latest `COUNTED` hits; `complete` says whether those are all."""
        connection = await tx.raw()
        if query.is_empty:
            ids = await latest_ids(tx, wanted, COUNTED)
            complete = len(ids) < COUNTED
            rows = await connection.execute(_SPEAKERS, {"ids": list(ids[:SPEAKERS_OF])})
            speakers = [row[1] for row in await rows.fetchall()]
        else:
            parameters: Parameters = {"counted": COUNTED}
            speaker, most = sql.SQL("s.speaker"), sql.SQL("%(counted)s")
            statement = _HITS.format(latest=latest(query, wanted, parameters, speaker, most))
            hits = await connection.execute(statement, parameters, prepare=False)
            found = await hits.fetchall()
            ids = list({row[0] for row in found})
            complete = sum(row[2] for row in found) < COUNTED
            speakers = [row[1] for row in found if row[1] is not None]
        return await self._counts(tx, ids, speakers, complete=complete)

    async def _counts(
        self, tx: Transaction, ids: Sequence[UUID], speakers: Sequence[str], *, complete: bool
    ) -> Facets:
        connection = await tx.raw()
        rows = await connection.execute(
            _COUNTS, {"ids": list(ids), "speakers": list(speakers), "shown": SHOWN}, prepare=False
        )
        by_facet: dict[str, list[Count]] = {}
        for facet, value, number in await rows.fetchall():
            by_facet.setdefault(facet, []).append(Count(value, number))
        # months read as a calendar, everything else by how much there is
        by_facet.get("months", []).sort(key=lambda count: count.value)
        counts = {facet: tuple(found) for facet, found in by_facet.items()}
        return Facets(conversations=len(ids), complete=complete, counts=counts)
