"""Questions to one conversation or to a search: answered from passages with citations, or "not said"."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from tertulia.analysis import prompts
from tertulia.analysis.domain import NothingSaidError, Requester
from tertulia.analysis.forms import AnswerForm
from tertulia.analysis.material import LONGEST_LINE, enclosed, lines
from tertulia.analysis.plain import LONGEST_SUMMARY, plain
from tertulia.analysis.quoting import found_in
from tertulia.analysis.service import AnalysisService
from tertulia.kernel.database import Database, Transaction
from tertulia.language.domain import OFFLINE, Answer, ChatOptions, Link, Message, Spent
from tertulia.language.errors import LanguageError
from tertulia.language.offline.passages import Passage, passages
from tertulia.language.offline.text import Said, language_of, lexicon, words
from tertulia.language.service import LanguageService
from tertulia.language.usage import Usage
from tertulia.transcripts.domain import Filter, Segment, Transcript
from tertulia.transcripts.searching import Order, Query
from tertulia.transcripts.service import TranscriptService

ROOM_CHARACTERS = 24_000
"""Of passages that a model is told."""
MOST_HITS = 60
AROUND = 2
"""Segments before and after a passage that are told with it."""
SHOWN_OFFLINE = 5
COVERED_OFFLINE = 0.5
"""The share of the question's words that has to be near a passage for it to be an answer."""
NEAR_THE_BEST = 0.45
MOST_CITATIONS = 12
DOOR = "ask"


@dataclass(frozen=True, slots=True)
class Cited:
    """Words that were really said."""

    transcript: Transcript
    segment: Segment
    quote: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a question."""

    said: bool
    answer: str | None
    citations: tuple[Cited, ...]
    provider: str
    model: str | None = None
    read: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A segment that may hold an answer, and its conversation."""

    transcript: Transcript
    segment: Segment


@dataclass(frozen=True)
class Passages:
    """What a question is put to: numbered, in the order it was said."""

    places: Sequence[Place]
    said: Sequence[Said]
    language: str

    @classmethod
    def of(cls, places: Sequence[Place], language: str | None = None) -> "Passages":
        said = [Said(n, p.segment.speaker, p.segment.text) for n, p in enumerate(places, 1)]
        spoken = language or (places[0].segment.language if places else None)
        return cls(places, said, language_of((one.text for one in said), spoken))


class Asking:
    """Answers questions. No transaction is held while a model thinks."""

    def __init__(
        self,
        database: Database,
        hall: TranscriptService,
        analyses: AnalysisService,
        language: LanguageService,
        *,
        timeout_seconds: float,
    ) -> None:
        self._database = database
        self._hall = hall
        self._analyses = analyses
        self._language = language
        self._options = ChatOptions(
            max_tokens=2048,
            first_seconds=min(60.0, timeout_seconds),
            pause_seconds=min(30.0, timeout_seconds),
            total_seconds=min(120.0, timeout_seconds),
        )

    async def one(
        self,
        spaces: Sequence[UUID],
        transcript_id: UUID,
        question: str,
        *,
        chain: str | None = None,
        requester: Requester = Requester(),
    ) -> Answered:
        """A question to one conversation."""
        links = self._language.chain(chain)
        async with self._database.transaction() as tx:
            transcript = await self._hall.get(tx, spaces, transcript_id)
            segments = await self._analyses.segments(tx, transcript)
            allowed = await self._analyses.affordable(tx, transcript.space_id, requester, links)
        places = [Place(transcript, s) for s in segments if s.is_final and s.text.strip()]
        if not places:
            raise NothingSaidError("Nothing was said yet that could answer.")
        told = Passages.of(places, transcript.language)
        try:
            answered, spent = await self._answered(question, told, allowed)
        except LanguageError as error:
            await self._record(transcript.space_id, transcript.id, requester, error.spent, told)
            raise
        await self._record(transcript.space_id, transcript.id, requester, spent, told)
        return answered

    async def search(
        self,
        wanted: Filter,
        space_id: UUID,
        question: str,
        *,
        chain: str | None = None,
        requester: Requester = Requester(),
    ) -> Answered:
        """A question to every conversation that the filter leaves; `space_id` is the one that pays."""
        links = self._language.chain(chain)
        async with self._database.transaction() as tx:
            allowed = await self._analyses.affordable(tx, space_id, requester, links)
            places = await self._found(tx, wanted, question)
        if not places:
            return Answered(False, None, (), OFFLINE)
        told = Passages.of(places)
        try:
            answered, spent = await self._answered(question, told, allowed)
        except LanguageError as error:
            await self._record(space_id, None, requester, error.spent, told)
            raise
        await self._record(space_id, None, requester, spent, told)
        return answered

    async def _found(self, tx: Transaction, wanted: Filter, question: str) -> list[Place]:
        """What holds any word of the question, best first, put in the order of its conversations."""
        lex = lexicon(language_of([question], next(iter(wanted.languages), None)))
        telling = [w for w in dict.fromkeys(words(question)) if lex.means(w)]
        if not telling:
            return []
        query = Query.parse(" or ".join(telling))
        hits = await self._hall.search(tx, query, wanted, order=Order.RANK, limit=MOST_HITS)
        room = ROOM_CHARACTERS
        kept: list[Place] = []
        for hit in hits:
            room -= len(hit.segment.text)
            if room < 0 and kept:
                break
            kept.append(Place(hit.transcript, hit.segment))
        return sorted(kept, key=lambda p: (str(p.transcript.id), p.segment.start))

    async def _answered(
        self, question: str, told: Passages, chain: Sequence[Link]
    ) -> tuple[Answered, tuple[Spent, ...]]:
        best = await asyncio.to_thread(_best, question, told)
        models = tuple(link for link in chain if not link.is_offline)
        tried = ""
        paid: tuple[Spent, ...] = ()
        if models:
            try:
                return await self._by_models(question, told, best, models)
            except LanguageError as error:
                if len(models) == len(chain):
                    raise
                paid = error.spent
                tried = "|".join(dict.fromkeys(link.engine for link in models)) + "|"
        found = _offline(told, best)
        spent = Spent(OFFLINE, None, Usage(), 0)
        return replace(found, provider=f"{tried}{OFFLINE}"), (*paid, spent)

    async def _by_models(
        self, question: str, told: Passages, best: Sequence[Passage], chain: Sequence[Link]
    ) -> tuple[Answered, tuple[Spent, ...]]:
        chosen = _chosen(told, best)
        if not chosen:
            return Answered(False, None, (), OFFLINE, read=len(told.said)), ()
        text = f"{_question(question)}\n\n{enclosed(lines(chosen), 'passages')}"
        spoken = language_of([question], told.language if len(question) < 12 else None)
        messages = [Message.system(prompts.prompt("ask", spoken)), Message.user(text)]
        found = await self._language.answer(
            messages, AnswerForm, chain=chain, options=self._options
        )
        return await asyncio.to_thread(_checked, found, told, chosen), found.spent

    async def _record(
        self,
        space_id: UUID,
        transcript_id: UUID | None,
        requester: Requester,
        spent: Sequence[Spent],
        told: Passages,
    ) -> None:
        characters = sum(len(one.text) for one in told.said)
        async with self._database.transaction() as tx:
            await self._analyses.record(
                tx, space_id, transcript_id, DOOR, requester, spent, characters=characters
            )


def _question(question: str) -> str:
    return f"Question: {' '.join(question.split())}"


def _best(question: str, told: Passages) -> list[Passage]:
    return passages(lexicon(told.language), question, told.said, most=24)


def _chosen(told: Passages, best: Sequence[Passage]) -> list[Said]:
    """Everything where it is short; else the best passages with what is around them."""
    if sum(min(len(one.text), LONGEST_LINE) for one in told.said) <= ROOM_CHARACTERS:
        return [_cut(one) for one in told.said]
    numbers: dict[int, None] = {}
    room = ROOM_CHARACTERS
    for passage in best:
        at = passage.said.number
        for number in range(max(1, at - AROUND), min(len(told.said), at + AROUND) + 1):
            length = min(len(told.said[number - 1].text), LONGEST_LINE)
            if number not in numbers and length <= room:
                numbers[number] = None
                room -= length
    return [_cut(told.said[n - 1]) for n in sorted(numbers)]


def _cut(one: Said) -> Said:
    return replace(one, text=one.text[:LONGEST_LINE])


def _checked(found: Answer[AnswerForm], told: Passages, chosen: Sequence[Said]) -> Answered:
    """An answer that rests on nothing that was said is none."""
    value, cited = found.value, {}
    numbers = [one.number for one in chosen]
    for citation in value.evidence[:MOST_CITATIONS]:
        for number in (citation.line, *numbers):
            if not 0 < number <= len(told.places):
                continue
            place = told.places[number - 1]
            if quote := found_in(place.segment.text, citation.quote):
                cited[number, quote] = Cited(place.transcript, place.segment, quote)
                break
    answer = plain(value.answer, LONGEST_SUMMARY)
    said = bool(value.said and answer and cited)
    return Answered(
        said,
        answer if said else None,
        tuple(cited.values()) if said else (),
        found.provider,
        found.model,
        len(chosen),
    )


def _offline(told: Passages, best: Sequence[Passage]) -> Answered:
    """The passages that fit, where they hold enough of the question."""
    least = max((p.score for p in best), default=0.0) * NEAR_THE_BEST
    fitting = [p for p in best if p.covered >= COVERED_OFFLINE and p.score >= least]
    cited = tuple(
        Cited(
            told.places[p.said.number - 1].transcript,
            told.places[p.said.number - 1].segment,
            p.said.text.strip()[:600],
        )
        for p in fitting[:SHOWN_OFFLINE]
    )
    return Answered(bool(cited), None, cited, OFFLINE, read=len(told.said))
