"""Search by meaning, with a model that knows a few meanings."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin

from tertulia.identity.access import Access
from tertulia.jobs import Jobs
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.language.domain import Embedded, Embedder
from tertulia.language.usage import Usage
from tertulia.ledger.domain import BudgetExceededError, Prices
from tertulia.ledger.service import Ledger
from tertulia.transcripts import meaning as meanings
from tertulia.transcripts import meaning_api
from tertulia.transcripts.domain import Filter, Segment, Transcript
from tertulia.transcripts.meaning import Meaning, MeaningUnavailableError, passages
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.store.passages import PassageStore

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]
MEANINGS = (
    ("refund", "money", "dinero", "devolver", "деньги"),
    ("weather", "rain", "lluvia", "sol"),
    ("football", "goal", "gol", "partido"),
)


class Meanings:
    """Vectors that say which of a few things a text is about."""

    engine, model = "fake", "few"

    def __init__(self) -> None:
        self.asked: list[tuple[Sequence[str], bool]] = []

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Embedded:
        self.asked.append((texts, query))
        vectors = tuple(
            (*(float(sum(word in said.casefold() for word in of)) for of in MEANINGS), 0.1)
            for said in texts
        )
        return Embedded(vectors, Usage(7 * len(texts)), self.engine, self.model)

    async def close(self) -> None:
        return None


class Spent(Ledger):
    """A ledger whose budget can be used up."""

    used_up = False

    async def allowed(self, tx: object, spender: object, engine: str) -> str:
        if self.used_up:
            raise BudgetExceededError
        return engine


@pytest.fixture
def model() -> Meanings:
    return Meanings()


@pytest.fixture
def spent(hall_clock: HeldClock) -> Spent:
    return Spent(hall_clock, Prices({}), cheaper={}, currency="USD")


Make = Callable[[Embedder | None], Meaning]


@pytest.fixture
def make(hall: TranscriptService, jobs: Jobs, spent: Spent) -> Make:
    return lambda embedder: Meaning(hall, jobs, spent, embedder)


@pytest.fixture
def meaning(make: Make, hall: TranscriptService, jobs: Jobs, model: Meanings) -> Meaning:
    """Search by meaning, wired to the hall."""
    found = make(model)
    found.register(jobs)
    hall.after_writing(found.later)
    hall.before_erasure(found.forget)
    return found


Said = Callable[..., Awaitable[Transcript]]


@pytest.fixture
def said(database: Database, hall: TranscriptService, begin: Begin, drain_jobs: Drain) -> Said:
    """A final conversation that was embedded."""

    async def make(*texts: str, **more: object) -> Transcript:
        made = await begin(*texts, **more)
        async with database.transaction() as tx:
            await hall.finish(tx, None, made.id)
        await drain_jobs()
        return made

    return make


class Search:
    """Searches the owner's space by meaning."""

    def __init__(self, database: Database, meaning: Meaning, owner: Person) -> None:
        self._database, self._meaning, self._owner = database, meaning, owner

    async def texts(self, typed: str, limit: int = 10, **wanted: object) -> list[str]:
        spaces = wanted.pop("spaces", [self._owner.space.id])
        where = Filter(spaces, **wanted)  # type: ignore[arg-type]
        async with self._database.transaction() as tx:
            hits = await self._meaning.search(tx, typed, where, limit)
        return [hit.segment.text for hit in hits]


@pytest.fixture
def search(database: Database, meaning: Meaning, owner: Person) -> Search:
    return Search(database, meaning, owner)


async def test_what_means_the_same_is_found_whatever_its_words(
    search: Search, said: Said, outsider: Person
) -> None:
    await said("Quiero que me devuelvan el dinero", language="es")
    await said("Mañana viene lluvia", language="es", tags=["tiempo"])
    await said("somebody else's money", space_id=outsider.space.id)
    assert (await search.texts("refund"))[0] == "Quiero que me devuelvan el dinero"
    assert (await search.texts("rain"))[0] == "Mañana viene lluvia"
    assert await search.texts("refund", tags=["tiempo"]) == ["Mañana viene lluvia"]
    assert await search.texts("refund", languages=["ru"]) == []
    assert await search.texts("refund", limit=1) == ["Quiero que me devuelvan el dinero"]
    assert (await search.texts("money", spaces=[outsider.space.id])) == ["somebody else's money"]
    assert await search.texts("money", spaces=[]) == []
    assert await search.texts("  ") == []


async def test_only_what_changed_is_embedded_again(
    database: Database, hall: TranscriptService, hall_clock: HeldClock, search: Search, said: Said,
    model: Meanings, drain_jobs: Drain, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(meanings, "PASSAGE_CHARACTERS", 10)
    made = await said("hoy hay un gran partido", "mañana viene lluvia", "y luego sol")
    assert [len(texts) for texts, _ in model.asked] == [3]
    async with database.transaction() as tx:
        await hall.edit(tx, [made.space_id], made.id, "u1", text="mañana viene el dinero")
        await hall.finalise(tx, None, made.id)
    await drain_jobs()
    assert [list(texts) for texts, _ in model.asked[1:]] == [["mañana viene el dinero"]]
    assert (await search.texts("refund"))[0] == "mañana viene el dinero"
    assert (await search.texts("weather"))[0] == "y luego sol"


async def test_what_is_erased_has_no_vector_left(
    database: Database, hall: TranscriptService, search: Search, said: Said
) -> None:
    made = await said("dinero")
    async with database.transaction() as tx:
        counts = await hall.remove(tx, [await hall.locked(tx, None, made.id)])
        for table in ("transcript_passages", "transcript_passages_of"):
            assert await tx.session.scalar(text(f"select count(*) from {table}")) == 0
    assert counts["passages"] == 1
    assert await search.texts("refund") == []


async def test_conversations_from_before_the_model_are_caught_up_with(
    database: Database, hall: TranscriptService, jobs: Jobs, begin: Begin, make: Make,
    model: Meanings, owner: Person, drain_jobs: Drain,
) -> None:  # fmt: skip
    made = await begin("dinero")
    async with database.transaction() as tx:
        await hall.finish(tx, None, made.id)
    await drain_jobs()
    meaning = make(model)
    meaning.register(jobs)
    for _ in range(2):
        async with database.transaction() as tx:
            await jobs.enqueue(tx, "transcripts.embed_waiting")
        await drain_jobs()
    assert await Search(database, meaning, owner).texts("money") == ["dinero"]
    assert [query for _, query in model.asked] == [False, True]


async def test_a_budget_that_is_used_up_waits_and_asks_nothing(
    database: Database, search: Search, said: Said, model: Meanings, spent: Spent,
    drain_jobs: Drain,
) -> None:  # fmt: skip
    spent.used_up = True
    await said("dinero")
    assert model.asked == []
    with pytest.raises(BudgetExceededError):
        await search.texts("dinero")
    spent.used_up = False
    async with database.transaction() as tx:
        await tx.session.execute(text("update procrastinate_jobs set scheduled_at = now()"))
    await drain_jobs()
    assert await search.texts("dinero") == ["dinero"]
    async with database.transaction() as tx:
        used = await tx.session.execute(text("select door, unit, quantity from uses"))
        assert [tuple(row) for row in used] == [("search", "tokens_in", 7.0)] * 2


async def test_without_pgvector_it_is_said_and_the_rest_goes_on(
    database: Database, search: Search, said: Said, model: Meanings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing(*_: object) -> str:
        return "This PostgreSQL has no pgvector."

    monkeypatch.setattr(PassageStore, "missing", missing)
    made = await said("dinero")
    assert model.asked == []
    with pytest.raises(MeaningUnavailableError, match="no pgvector"):
        await search.texts("dinero")
    assert isinstance(made.id, UUID)


async def test_a_user_who_may_not_make_extensions_is_told_what_to_do(
    conninfo: str, meaning: Meaning
) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("create role plain login; grant all on schema public to plain")
    plain = Database(f"{conninfo} user=plain", pool=2)
    async with plain.transaction() as tx:
        told = await meaning.missing(tx)
        assert told is not None
        assert "create extension vector" in told
        assert await tx.session.scalar(text("select 1")) == 1
    await plain.close()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("drop owned by plain; drop role plain")


@pytest.fixture
async def api(
    identity_app: FastAPI, meaning: Meaning, access: Access
) -> AsyncIterator[httpx.AsyncClient]:
    identity_app.include_router(meaning_api.router(meaning, access))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(identity_app), base_url="http://tertulia.test"
    ) as client:
        yield client


async def test_over_http(
    api: httpx.AsyncClient, owner: Person, outsider: Person, said: Said
) -> None:
    made = await said("hoy llueve dinero", speakers=["Ana"])
    options = await api.get("/api/search/options", headers=owner.headers)
    assert options.json() == {"meaning": True, "reason": None}
    [hit] = (await api.get("/api/search/meaning?q=refund", headers=owner.headers)).json()["items"]
    assert (hit["transcript"]["id"], hit["speaker"], hit["utterance_id"]) == (
        str(made.id), "Ana", "u0",
    )  # fmt: skip
    assert hit["rank"] > 0.9
    assert hit["pieces"] == [{"text": "hoy llueve dinero", "found": False}]
    others = await api.get("/api/search/meaning?q=refund", headers=outsider.headers)
    assert others.json() == {"items": []}


async def test_without_a_model_it_is_said(make: Make, database: Database, owner: Person) -> None:
    meaning = make(None)
    assert not meaning.configured
    async with database.transaction() as tx:
        with pytest.raises(MeaningUnavailableError, match="TERTULIA_EMBEDDINGS"):
            await meaning.search(tx, "x", Filter([owner.space.id]), 10)


def segment(number: int, text_: str, start: float) -> Segment:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Segment(UUID(int=0), f"u{number}", text_, start, start + 1, True, at)


def test_passages_are_long_enough_and_end_at_a_pause() -> None:
    short = [segment(i, "x" * 150, i * 2.0) for i in range(4)]
    late = segment(4, "later", 100.0)
    empty = segment(5, " ", 101.0)
    cut = list(passages([*short, late, empty]))
    assert [(p.number, p.first_utterance, p.start, p.last_start) for p in cut] == [
        (1, "u0", 0.0, 4.0),
        (2, "u3", 6.0, 6.0),
        (3, "u4", 100.0, 100.0),
    ]
    assert list(passages([empty])) == []
