"""Search on a real database: languages, accents, phrases, beginnings, filters, marks, pages, access."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin

from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.transcripts.domain import Draft, Filter, Kind
from tertulia.transcripts.searching import Hit, HitPosition, Order, Query
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db


class Search:
    """Searches the owner's space."""

    def __init__(self, database: Database, hall: TranscriptService, spaces: Sequence[Any]) -> None:
        self._database = database
        self._hall = hall
        self._spaces = spaces

    async def hits(
        self,
        typed: str,
        order: Order = Order.RANK,
        after: HitPosition | None = None,
        limit: int = 50,
        spaces: Sequence[Any] | None = None,
        **wanted: Any,
    ) -> list[Hit]:
        where = Filter(self._spaces if spaces is None else spaces, **wanted)
        async with self._database.transaction() as tx:
            found = await self._hall.search(
                tx, Query.parse(typed), where, order=order, after=after, limit=limit
            )
        return list(found)

    async def texts(self, typed: str, **more: Any) -> list[str]:
        return sorted(h.segment.text for h in await self.hits(typed, **more))

    async def marked(self, typed: str, **more: Any) -> list[str]:
        return [
            h.segment.text[m.start : m.end] for h in await self.hits(typed, **more) for m in h.marks
        ]


@pytest.fixture
def search(database: Database, hall: TranscriptService, owner: Person) -> Search:
    return Search(database, hall, [owner.space.id])


SPANISH = "Ayer comían la facturación del niño"
RUSSIAN = "Зелёные ёлки растут в Москве, позвоните мне"
ENGLISH = "The customers were calling about their refunds"
OTHER = "Das schöne Mädchen läuft über die Straße"


@pytest.fixture
async def said(begin: Begin) -> None:
    await begin(SPANISH, language="es")
    await begin(RUSSIAN, language="ru")
    await begin(ENGLISH, language="en-GB")
    await begin(OTHER, language="de")


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("facturación", SPANISH),
        ("facturacion", SPANISH),
        ("FACTURAS", SPANISH),
        ("comer", SPANISH),
        ("comian", SPANISH),
        ("nino", SPANISH),
        ("niños", SPANISH),
        ("елка", RUSSIAN),
        ("Ёлка", RUSSIAN),
        ("зеленый", RUSSIAN),
        ("московский позвонить", None),
        ("позвонить", RUSSIAN),
        ("refund call customer", ENGLISH),
        ("maedchen", None),
        ("madchen", OTHER),
        ("Mädchen", OTHER),
        ("the", ENGLISH),
        ("la", SPANISH),
        ('"were calling about"', ENGLISH),
        ('"calling were"', None),
        ('"la facturacion del nino"', SPANISH),
        ("factu*", SPANISH),
        ("facturaci*", SPANISH),
        ("facturació*", SPANISH),
        ("refun* calling", ENGLISH),
        ("елк*", RUSSIAN),
        ("refund -calling", None),
        ("refund -horse", ENGLISH),
        ("refund -cust*", None),
        ("horse or refund", ENGLISH),
    ],
)
async def test_words_are_found(search: Search, typed: str, found: str | None) -> None:
    assert await search.texts(typed) == ([found] if found else [])


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(
    ("typed", "marks"),
    [
        ("facturacion", ["facturación"]),
        ("comer", ["comían"]),
        ("comian nino", ["comían", "niño"]),
        ("елка зеленый", ["Зелёные", "ёлки"]),
        ("facturaci*", ["facturación"]),
        ('"were calling"', ["were", "calling"]),
        ("madchen", ["Mädchen"]),
    ],
)
async def test_what_was_found_is_marked(search: Search, typed: str, marks: list[str]) -> None:
    assert await search.marked(typed) == marks


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(
    "typed",
    [
        "((( & | ! <->", '"unclosed phrase', ":*", "a:b:*", "\\", "'; drop table users; --", "-", "--x", "!!!", "* * *",
        "%s %(words)s {} {0}", "\x00", "\ud800", "or or or", '""', "🎙", "שלום", "x" * 100_000, "<b>", "-foo", "a*b*c*",
        "\x02\x03", "foo_bar*", "1e5*", "e-mail*",
    ],
)  # fmt: skip
async def test_no_search_is_wrong(search: Search, typed: str) -> None:
    assert isinstance(await search.hits(typed), list)
    assert isinstance(await search.hits(typed, Order.TIME), list)


async def test_right_to_left_and_joined_words_are_found(search: Search, begin: Begin) -> None:
    await begin(
        "אני רוצה החזר כספי", "it's state-of-the-art, mail me@example.org", "a\u0301rbol 🎙 azul"
    )
    assert await search.marked("החזר") == ["החזר"]
    assert len(await search.texts("me@example.org")) == 1
    assert await search.marked("arbol") == ["árbol"]


async def test_a_megabyte_is_kept_and_its_beginning_found(search: Search, begin: Begin) -> None:
    await begin("needle " + " ".join(f"word{i}" for i in range(100_000))[:1_000_000], language="en")
    [hit] = await search.hits("needle word7")
    assert (hit.marks[0].start, hit.marks[0].end) == (0, 6)


async def test_only_what_is_final_is_found_and_an_edit_is_found_at_once(
    database: Database, hall: TranscriptService, search: Search, begin: Begin
) -> None:
    made = await begin()
    async with database.transaction() as tx:
        await hall.append(tx, made.id, [Draft("u", "a wild guess", 0, 1, is_final=False)])
    assert await search.texts("guess") == []
    async with database.transaction() as tx:
        await hall.append(tx, made.id, [Draft("u", "a wild goose", 0, 1)])
        await hall.edit(tx, [made.space_id], made.id, "u", text="a mild moose")
    assert await search.texts("goose") == []
    assert await search.texts("moose") == ["a mild moose"]


async def test_a_new_language_is_a_new_stemmer(
    database: Database, hall: TranscriptService, search: Search, begin: Begin
) -> None:
    made = await begin("running", language="ru")
    async with database.transaction() as tx:
        await hall.update(tx, [made.space_id], made.id, language="en")
    assert await search.texts("runs", languages=["en"]) == ["running"]


async def test_only_one_s_own_spaces_are_searched(
    search: Search, begin: Begin, owner: Person, outsider: Person
) -> None:
    await begin("ours alone")
    await begin("theirs alone", space_id=outsider.space.id)
    assert await search.texts("alone") == ["ours alone"]
    assert await search.texts("alone", spaces=[outsider.space.id]) == ["theirs alone"]
    assert await search.texts("alone", spaces=[]) == []
    both = [owner.space.id, outsider.space.id]
    assert len(await search.texts("alone", spaces=both)) == 2


async def test_filters_narrow_what_is_found(
    database: Database, hall: TranscriptService, search: Search, begin: Begin, hall_clock: HeldClock
) -> None:
    made = await begin(
        "word one", "word two", kind=Kind.CALLS, tags=["red"], language="en", provider="gladia|whisper",
        speakers=["Ana", "Eva"],
    )  # fmt: skip
    async with database.transaction() as tx:
        await hall.finalise(tx, [made.space_id], made.id)
    await begin("word three", kind=Kind.LIVE)
    cases: list[tuple[dict[str, Any], int]] = [
        ({}, 3),
        ({"kinds": [Kind.CALLS]}, 2),
        ({"kinds": [Kind.CALLS, Kind.LIVE]}, 3),
        ({"tags": ["red"]}, 2),
        ({"tags": ["red", "blue"]}, 0),
        ({"speaker": "Ana"}, 1),
        ({"person": "nobody"}, 0),
        ({"languages": ["en"]}, 2),
        ({"provider": "whisper"}, 2),
        ({"shortest_seconds": 3.0}, 2),
        ({"longest_seconds": 3.0}, 1),
        ({"since": hall_clock.now() + timedelta(seconds=1)}, 1),
        ({"until": hall_clock.now() + timedelta(seconds=1)}, 2),
        ({"transcript_id": made.id}, 2),
    ]
    for wanted, count in cases:
        assert len(await search.texts("word", **wanted)) == count, wanted


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("order", list(Order))
async def test_pages_follow_one_another_without_gaps_or_repeats(
    search: Search,
    begin: Begin,
    hall_clock: HeldClock,
    owner: Person,
    outsider: Person,
    order: Order,
    several: bool,
) -> None:
    spaces = [owner.space.id, *([outsider.space.id] if several else [])]
    for i in range(7):
        await hall_clock.advance(10 * (i % 3))
        said = ["apple " * (j % 4 + 1) + str(i) for j in range(5)]
        await begin(*said, space_id=spaces[i % len(spaces)])
    found = await search.hits("apple", order, spaces=spaces)
    whole = [(h.transcript.id, h.segment.utterance_id) for h in found]
    seen, after = [], None
    while True:
        page = await search.hits("apple", order, after, limit=4, spaces=spaces)
        seen += [(h.transcript.id, h.segment.utterance_id) for h in page[:4]]
        if len(page) <= 4:
            break
        after = HitPosition.of(page[3], order)
    assert len(whole) == 35
    assert seen == whole


async def test_by_rank_the_best_comes_first_and_by_time_the_latest(
    search: Search, begin: Begin, hall_clock: HeldClock
) -> None:
    await begin("refund refund refund")
    await hall_clock.advance(100)
    await begin("a refund was mentioned once in all of this long sentence")
    ranked = [h.segment.text.split()[0] for h in await search.hits("refund")]
    timed = [h.segment.text.split()[0] for h in await search.hits("refund", Order.TIME)]
    assert (ranked, timed) == (["refund", "a"], ["a", "refund"])
