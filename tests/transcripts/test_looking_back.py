"""Searching in very much text looks at the latest of it first, and finds the same as looking at all of it."""

import pytest
from sqlalchemy import text
from tests.fixtures.transcripts import Begin

from tertulia.kernel.database import Database
from tertulia.transcripts.domain import Filter
from tertulia.transcripts.searching import HitPosition, Order, Query
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.store import looking_back, search

pytestmark = pytest.mark.db

SEGMENTS = 3_000
FILL = """
insert into transcript_segments
  (transcript_id, utterance_id, space_id, said_at, start_seconds, end_seconds, text, language, is_final)
select id, 'u' || lpad(n::text, 5, '0'), space_id, started_at + n * interval '1 minute', n, n + 1,
  concat_ws(' ', 'palabra', case when n % 50 = 0 then 'seguido' end, case when n <= 60 then 'temprano' end), 'es', true
from transcripts, generate_series(1, :many) n
"""


async def _pages(
    database: Database, hall: TranscriptService, words: str, order: Order, space: Filter
) -> list[list[str]]:
    pages: list[list[str]] = []
    after: HitPosition | None = None
    while True:
        async with database.transaction() as tx:
            hits = await hall.search(
                tx, Query.parse(words), space, order=order, after=after, limit=5
            )
        pages.append([hit.segment.utterance_id for hit in hits[:5]])
        if len(hits) <= 5 or len(pages) > 20:
            return pages
        after = HitPosition.of(hits[4], order)


@pytest.mark.parametrize("words", ["seguido", "temprano", "palabra", "nunca"])
async def test_the_latest_are_found_as_if_all_were_looked_at(
    words: str,
    database: Database,
    hall: TranscriptService,
    begin: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = await begin(language="es")
    async with database.transaction() as tx:
        await tx.session.execute(text(FILL), {"many": SEGMENTS})
        await tx.session.execute(text("analyze transcript_segments"))
    space = Filter([made.space_id])
    monkeypatch.setattr(search, "RANKED", 8)
    expected = {order: await _pages(database, hall, words, order, space) for order in Order}

    monkeypatch.setattr(looking_back, "FEW", 0)
    looks = []
    original = search.looking_back

    async def watched(*given: object) -> object:
        looks.append(await original(*given))  # type: ignore[arg-type]
        return looks[-1]

    monkeypatch.setattr(search, "looking_back", watched)
    found = {order: await _pages(database, hall, words, order, space) for order in Order}
    assert found == expected
    if words != "nunca":
        # of a word that is nowhere the planner only knows that it is not frequent
        assert any(len(look) > 1 for look in looks) == (words != "palabra")
