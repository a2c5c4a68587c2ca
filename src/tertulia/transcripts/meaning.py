"""Search by meaning: passages as vectors of an embedding model, where one is configured and PostgreSQL has pgvector."""

import math
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

from tertulia.jobs import Jobs, RetryJobError, Step
from tertulia.jobs.domain import Enqueue
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.language.domain import Embedder
from tertulia.ledger.domain import BudgetExceededError, Spender, Unit, Use
from tertulia.transcripts.document import all_segments
from tertulia.transcripts.domain import Filter, Segment, State, Transcript
from tertulia.transcripts.errors import TranscriptMissingError
from tertulia.transcripts.searching import Hit, Query
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.store import SegmentStore
from tertulia.transcripts.store.passages import Passage, PassageStore

EMBED = "transcripts.embed"
"""The job that embeds one conversation."""
CATCH_UP = "transcripts.embed_waiting"
CAUGHT_UP_AT_ONCE = 500
PASSAGE_CHARACTERS = 400
"""A passage ends with the segment that makes it so long."""
LONG_PAUSE_SECONDS = 20.0
MOST_CHARACTERS = 4_000
DOOR = "search"
OVER_BUDGET_SECONDS = 3_600.0


class MeaningUnavailableError(TertuliaError):
    """There is no embedding model, or PostgreSQL cannot keep vectors."""

    status = HTTPStatus.CONFLICT
    code = "meaning_unavailable"
    title = "Search by meaning is not available here"


class Ledger(Protocol):
    """What was spent, and whether more may be; ledger/ does it."""

    async def record(self, tx: Transaction, *uses: Use) -> None: ...

    async def allowed(self, tx: Transaction, spender: Spender, engine: str) -> str: ...


def passages(segments: Sequence[Segment]) -> Iterator[Passage]:
    """Segments in a row, cut where there is enough or a long pause."""
    begun: list[Segment] = []
    number = length = 0
    for segment in segments:
        paused = bool(begun) and segment.start - begun[-1].end > LONG_PAUSE_SECONDS
        if begun and (length >= PASSAGE_CHARACTERS or paused):
            number += 1
            yield _passage(number, begun)
            begun, length = [], 0
        if segment.text.strip():
            begun.append(segment)
            length += len(segment.text)
    if begun:
        yield _passage(number + 1, begun)


def _passage(number: int, of: Sequence[Segment]) -> Passage:
    text = " ".join(segment.text for segment in of)[:MOST_CHARACTERS]
    return Passage(number, of[0].utterance_id, of[0].start, of[-1].start, text)


class Meaning:
    """Embeds final conversations and finds what is near in meaning. Without an embedder it says so and does nothing."""

    def __init__(
        self, hall: TranscriptService, jobs: Jobs, ledger: Ledger, embedder: Embedder | None
    ) -> None:
        self._hall = hall
        self._jobs = jobs
        self._ledger = ledger
        self._embedder = embedder
        self._store = PassageStore()
        self._segments = SegmentStore()
        self._indexed: set[int] = set()

    @property
    def configured(self) -> bool:
        return self._embedder is not None

    async def missing(self, tx: Transaction) -> str | None:
        """What search by meaning lacks here; None where it works."""
        if self._embedder is None:
            return "No embedding model is configured. Set TERTULIA_EMBEDDINGS, as in `ollama:nomic-embed-text`."
        return await self._store.missing(tx)

    async def search(
        self, tx: Transaction, typed: str, wanted: Filter, limit: int
    ) -> Sequence[Hit]:
        """The passages nearest to what is typed, the nearest first; their rank is from 0 to 1."""
        lacking = await self.missing(tx)
        if lacking is not None or self._embedder is None:
            raise MeaningUnavailableError(lacking)
        if not wanted.spaces or Query.parse(typed).is_empty:
            return []
        spender = Spender(wanted.spaces[0])
        await self._ledger.allowed(tx, spender, self._embedder.engine)
        found = await self._embedder.embed([typed], query=True)
        await self._ledger.record(tx, self._use(spender.space_id, found.usage.tokens_in, None))
        vector = normalised(found.vectors[0])
        rows = await self._store.nearest(tx, self._model, vector, wanted, limit)
        return [_hit(row, transcript) for row, transcript in rows]

    async def later(self, tx: Transaction, found: Transcript) -> None:
        """Has a conversation embedded once it is final, or another than before."""
        if self._embedder is not None:
            await self._jobs.enqueue(tx, EMBED, {"id": str(found.id)}, key=str(found.id))

    async def forget(self, tx: Transaction, ids: Sequence[UUID]) -> dict[str, int]:
        """Removes the vectors of conversations that go."""
        return {"passages": await self._store.forget(tx, ids)}

    # The jobs

    def register(self, jobs: Jobs) -> None:
        jobs.register(EMBED, self.embed)
        jobs.register(CATCH_UP, self.catch_up)
        jobs.schedule("*/10 * * * *", CATCH_UP)

    async def catch_up(self, step: Step) -> None:
        """Conversations from before there was a model, and those whose job was lost."""
        async with step.transaction() as tx:
            if await self.missing(tx) is None:
                ids = await self._store.waiting(tx, self._model, CAUGHT_UP_AT_ONCE)
                items = [Enqueue({"id": str(id_)}, key=str(id_)) for id_ in ids]
                await self._jobs.enqueue_many(tx, EMBED, items, priority=-10)

    async def embed(self, step: Step) -> None:
        """Embeds what is new in one conversation; no connection is held while the model works."""
        id_ = UUID(step.args["id"])
        embedder = self._embedder
        async with step.transaction() as tx:
            if embedder is None or await self.missing(tx) is not None:
                return
            try:
                found = await self._hall.get(tx, None, id_)
            except TranscriptMissingError:
                return
            if found.state is State.OPEN:
                return
            try:
                await self._ledger.allowed(tx, Spender(found.space_id), embedder.engine)
            except BudgetExceededError as error:
                raise RetryJobError(error.detail, after_seconds=OVER_BUDGET_SECONDS) from error
            said = [s async for piece in all_segments(self._segments, tx, found) for s in piece]
            known = await self._store.known(tx, id_, self._model)
        whole = list(passages(said))
        new = [p for p in whole if known.get(p.number) != p.sha256]
        vectors: dict[int, Sequence[float]] = {}
        if new:
            made = await embedder.embed([passage.text for passage in new])
            vectors = {p.number: normalised(v) for p, v in zip(new, made.vectors, strict=True)}
            await self._ledger.record(
                step.tx, self._use(found.space_id, made.usage.tokens_in, found.id)
            )
        await self._keep(step.tx, found, whole, vectors)

    async def _keep(
        self,
        tx: Transaction,
        found: Transcript,
        whole: Sequence[Passage],
        vectors: dict[int, Sequence[float]],
    ) -> None:
        """Writes what was embedded, unless the conversation went or changed meanwhile: then it is another job's."""
        try:
            now = await self._hall.locked(tx, None, found.id)
        except TranscriptMissingError:
            return
        if now.version != found.version:
            await self.later(tx, now)
            return
        await self._store.put(tx, found.id, self._model, found.version, whole, vectors)
        dimensions = {len(vector) for vector in vectors.values()} - self._indexed
        for count in dimensions:
            await self._store.index(tx, self._model, count)
        tx.after_commit(lambda: self._indexed.update(dimensions))

    @property
    def _model(self) -> str:
        assert self._embedder is not None
        return f"{self._embedder.engine}:{self._embedder.model}"

    def _use(self, space_id: UUID, tokens: int, transcript_id: UUID | None) -> Use:
        assert self._embedder is not None
        return Use(
            door=DOOR,
            space_id=space_id,
            engine=self._embedder.engine,
            model=self._embedder.model,
            unit=Unit.TOKENS_IN,
            quantity=float(tokens),
            transcript_id=transcript_id,
        )


def normalised(vector: Sequence[float]) -> tuple[float, ...]:
    """A vector of length one."""
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return tuple(value / length for value in vector)


def _hit(row: Any, transcript: Transcript) -> Hit:
    segment = Segment(
        transcript_id=transcript.id,
        utterance_id=row.first_utterance,
        text=row.text,
        start=row.start_seconds,
        end=row.end_seconds,
        is_final=True,
        said_at=row.said_at,
        speaker=row.speaker,
        person=row.person,
        language=row.language,
    )
    near = max(0.0, 1.0 - row.distance)
    return Hit(transcript, segment, near, ())
