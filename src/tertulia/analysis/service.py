"""Analyses: asked for, made step by step, read, removed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID

from tertulia.analysis.domain import (
    DONE,
    FAILED,
    Analysis,
    AnalysisMissingError,
    AnalysisRunningError,
    Made,
    NothingSaidError,
    Reading,
    Requester,
    Status,
    fields_of,
    merged,
)
from tertulia.analysis.material import Material
from tertulia.analysis.store import AnalysisStore
from tertulia.jobs import Jobs, Orphan
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.ids import new_id
from tertulia.language.domain import OFFLINE, Link, Spent, chain_name, parse_chain
from tertulia.language.service import LanguageService
from tertulia.ledger.domain import BudgetExceededError, Spender, Unit, Use
from tertulia.ledger.service import Ledger
from tertulia.transcripts.appending import Announcer, topic_of
from tertulia.transcripts.domain import Segment, Transcript
from tertulia.transcripts.service import TranscriptService

RUN_JOB = "analysis.run"
"""The job that reads one conversation."""
CHANGED = "analysis.changed"
"""The event that tells how far an analysis is."""

MOST_SEGMENTS = 200_000
AT_ONCE = 2_000

Follower = Callable[[Transaction, Analysis], Awaitable[None]]
"""Told of every analysis that has ended, in the transaction that ends it: a door that waits for it."""


class Outside(Protocol):
    """Tells those outside the server who asked to know; webhooks/ does it."""

    async def emit(
        self, tx: Transaction, space_id: UUID, type_: str, data: Mapping[str, Any]
    ) -> None: ...


class AnalysisService:
    """Everything that can be done with analyses; the reading itself is `tasks.py`'s."""

    def __init__(
        self,
        *,
        hall: TranscriptService,
        language: LanguageService,
        ledger: Ledger,
        jobs: Jobs,
        clock: Clock,
        announcer: Announcer,
        outside: Outside | None = None,
    ) -> None:
        self._store = AnalysisStore()
        self._hall = hall
        self._language = language
        self._ledger = ledger
        self._jobs = jobs
        self._clock = clock
        self._announcer = announcer
        self._outside = outside
        self._followers: list[Follower] = []

    def follow(self, follower: Follower) -> None:
        """Has `follower` called in the transaction in which an analysis ends, done or failed."""
        self._followers.append(follower)

    async def request(
        self,
        tx: Transaction,
        spaces: Sequence[UUID] | None,
        transcript_id: UUID,
        *,
        fields: Sequence[str] | None = None,
        chain: str | None = None,
        requester: Requester = Requester(),
    ) -> Analysis:
        """Has a transcript analysed, or some fields of it again; what is not asked for stays as it was."""
        transcript = await self._hall.get(tx, spaces, transcript_id)
        links = self._language.chain(chain)
        wanted = fields_of(fields)
        old = await self._store.find(tx, transcript_id, None, lock=True)
        if old is not None and not old.status.ended:
            if chain is None and set(wanted) <= set(old.wanted):
                return old
            raise AnalysisRunningError("Wait until it is done, and ask for more then.")
        if not await self._hall.segments(tx, transcript, None, 1):
            raise NothingSaidError("There is nothing to analyse yet.")
        new = Analysis(
            transcript_id=transcript_id,
            space_id=transcript.space_id,
            run=new_id(),
            status=Status.PENDING,
            wanted=wanted,
            chain=chain_name(links) if chain else None,
            requester=requester,
            created_at=self._clock.now(),
        )
        if old is not None:
            new = replace(
                new,
                results=old.results,
                made=old.made,
                provider=old.provider,
                transcript_version=old.transcript_version,
                covered=old.covered,
            )
        await self._store.remove_parts(tx, transcript_id)
        await self._store.put(tx, new)
        args = {"id": str(transcript_id), "run": str(new.run)}
        await self._jobs.enqueue(tx, RUN_JOB, args, key=str(new.run))
        await self._announce(tx, new)
        return new

    async def first(self, tx: Transaction, transcript: Transcript) -> None:
        """Has a transcript analysed that never was; a conversation in which nothing was said needs none."""
        if await self._store.find(tx, transcript.id, None) is not None:
            return
        with suppress(NothingSaidError):
            await self.request(tx, None, transcript.id)

    async def get(
        self, tx: Transaction, spaces: Sequence[UUID] | None, transcript_id: UUID
    ) -> Analysis:
        """The analysis of a transcript that the asker may see."""
        await self._hall.get(tx, spaces, transcript_id)
        return await self._found(tx, transcript_id)

    async def find(self, tx: Transaction, transcript_id: UUID) -> Analysis | None:
        """For a door that knows its transcript."""
        return await self._store.find(tx, transcript_id, None)

    async def delete(self, tx: Transaction, spaces: Sequence[UUID], transcript_id: UUID) -> None:
        """Removes it; a worker that is making it stops."""
        await self.get(tx, spaces, transcript_id)
        await self._store.remove(tx, [transcript_id])

    async def forget(self, tx: Transaction, transcript_ids: Sequence[UUID]) -> int:
        """Removes the analyses of transcripts that go, or in which somebody's words do."""
        return await self._store.remove(tx, transcript_ids)

    async def delete_space(self, tx: Transaction, space_id: UUID) -> None:
        await self._store.remove_space(tx, space_id)

    # What the job does, step by step

    async def begin(self, tx: Transaction, id_: UUID, run: UUID) -> Analysis | None:
        """Marks it as running; None when it is gone, has ended, or was asked for anew."""
        changes = {"status": Status.RUNNING.value, "started_at": self._clock.now(), "error": None}
        if not await self._store.change(tx, id_, run, changes):
            return None
        begun = await self._found(tx, id_)
        await self._announce(tx, begun)
        return begun

    async def material(self, tx: Transaction, id_: UUID) -> Material:
        """The conversation at the version it has now; raises when nothing was said."""
        transcript = await self._hall.get(tx, None, id_)
        segments = await self._segments(tx, transcript)
        share = 1.0
        if len(segments) >= MOST_SEGMENTS and transcript.duration_seconds:
            share = min(1.0, segments[-1].end / transcript.duration_seconds)
        material = Material.of(transcript, segments, share)
        if not material.said:
            raise NothingSaidError("The transcript holds no words that are final.")
        return material

    async def chain(self, tx: Transaction, begun: Analysis) -> tuple[Link, ...]:
        """Whom to ask: of the chain what the budget still allows; offline is always allowed where named."""
        links = self._language.chain(begun.chain)
        return await self.affordable(tx, begun.space_id, begun.requester, links)

    async def affordable(
        self, tx: Transaction, space_id: UUID, requester: Requester, links: Sequence[Link]
    ) -> tuple[Link, ...]:
        """The chain, or what is left of it once a budget is used up."""
        spender = Spender(space_id, requester.api_key_id)
        try:
            allowed = await self._ledger.allowed(tx, spender, chain_name(links))
        except BudgetExceededError:
            # the settings may name what stands in for an engine, whichever its model
            engines = ",".join(dict.fromkeys(link.engine for link in links))
            allowed = await self._ledger.allowed(tx, spender, engines)
        return parse_chain(allowed)

    async def parts(self, tx: Transaction, begun: Analysis) -> dict[str, dict[str, Any]]:
        """Answers that were paid for already."""
        return await self._store.parts(tx, begun.transcript_id, begun.run)

    async def keep_part(
        self,
        tx: Transaction,
        begun: Analysis,
        name: str,
        answer: Mapping[str, Any],
        door: str,
        spent: Sequence[Spent],
        progress: float,
    ) -> bool:
        """Writes an answer and its cost down; False when nobody wants it any more, though it is paid."""
        await self.record(tx, begun.space_id, begun.transcript_id, door, begun.requester, spent)
        changes = {"progress": round(progress, 4)}
        if not await self._store.change(tx, begun.transcript_id, begun.run, changes):
            return False
        await self._store.put_part(tx, begun.transcript_id, begun.run, name, answer)
        await self._announce(tx, replace(begun, status=Status.RUNNING, progress=progress))
        return True

    async def record(
        self,
        tx: Transaction,
        space_id: UUID,
        transcript_id: UUID | None,
        door: str,
        requester: Requester,
        spent: Sequence[Spent],
        *,
        characters: int = 0,
    ) -> None:
        """One row of the ledger for each engine and unit."""
        uses = [
            Use(
                door=door,
                space_id=space_id,
                engine=one.engine,
                model=one.model,
                unit=unit,
                quantity=float(quantity),
                transcript_id=transcript_id,
                user_id=requester.user_id,
                api_key_id=requester.api_key_id,
                latency_ms=one.elapsed_ms,
            )
            for one in spent
            for unit, quantity in (
                (Unit.TOKENS_IN, one.usage.tokens_in),
                (Unit.TOKENS_OUT, one.usage.tokens_out),
                (Unit.CHARACTERS, characters if one.engine == OFFLINE else 0),
            )
            if quantity
        ]
        await self._ledger.record(tx, *uses)

    async def finish(
        self, tx: Transaction, begun: Analysis, material: Material, reading: Reading
    ) -> None:
        """Writes what was found down, beside what an earlier reading found of other fields."""
        now, version = self._clock.now(), material.transcript.version
        how = Made(
            provider=reading.provider,
            model=reading.model,
            prompt=reading.prompt,
            transcript_version=version,
            at=now,
        )
        done = replace(
            begun,
            status=Status.DONE,
            finished_at=now,
            progress=1.0,
            transcript_version=version,
            covered=reading.covered,
            provider=reading.provider,
            results=merged(begun.results, reading.results, begun.wanted),
            made={**begun.made, **{str(what): how for what in begun.wanted}},
        )
        changes: dict[str, Any] = {
            "status": done.status.value,
            "finished_at": now,
            "progress": 1.0,
            "transcript_version": version,
            "covered": reading.covered,
            "provider": reading.provider,
            "results": done.results.model_dump(mode="json", exclude_none=True),
            "made": {k: m.model_dump(mode="json") for k, m in done.made.items()},
        }
        if await self._store.change(tx, begun.transcript_id, begun.run, changes):
            await self._store.remove_parts(tx, begun.transcript_id)
            said = {"transcript_version": version, "provider": reading.provider}
            await self._ended(tx, done, DONE, said)

    async def fail(self, tx: Transaction, id_: UUID, run: UUID, error: TertuliaError) -> None:
        """Writes down why there is none; it can be asked for again."""
        changes = {
            "status": Status.FAILED.value,
            "finished_at": self._clock.now(),
            "error": error.problem(),
        }
        if await self._store.change(tx, id_, run, changes):
            await self._ended(tx, await self._found(tx, id_), FAILED, {"code": error.code})

    async def orphans(self, tx: Transaction) -> Sequence[Orphan]:
        """Rows that a job should stand for."""
        waiting = await self._store.open(tx)
        return [Orphan(str(run), {"id": str(id_), "run": str(run)}) for id_, run in waiting]

    # Inside

    async def _found(self, tx: Transaction, id_: UUID) -> Analysis:
        found = await self._store.find(tx, id_, None)
        if found is None:
            raise AnalysisMissingError("Ask for one: POST to this address.")
        return found

    async def _segments(self, tx: Transaction, transcript: Transcript) -> list[Segment]:
        found: list[Segment] = []
        after: tuple[float, str] | None = None
        while len(found) < MOST_SEGMENTS:
            piece = list(await self._hall.segments(tx, transcript, after, AT_ONCE))[:AT_ONCE]
            found += piece
            if len(piece) < AT_ONCE:
                break
            after = (piece[-1].start, piece[-1].utterance_id)
        return found

    async def segments(self, tx: Transaction, transcript: Transcript) -> list[Segment]:
        """Every segment of a conversation that a question is put to, within bounds."""
        return await self._segments(tx, transcript)

    async def _announce(self, tx: Transaction, found: Analysis) -> None:
        data = {
            "transcript_id": str(found.transcript_id),
            "status": found.status.value,
            "progress": found.progress,
        }
        for topic in (topic_of(found.transcript_id), f"space:{found.space_id}"):
            await self._announcer.publish(tx, topic, CHANGED, data)

    async def _ended(
        self, tx: Transaction, ended: Analysis, type_: str, said: Mapping[str, Any]
    ) -> None:
        await self._announce(tx, ended)
        if self._outside is not None:
            data = {"transcript_id": str(ended.transcript_id), **said}
            await self._outside.emit(tx, ended.space_id, type_, data)
        for follower in self._followers:
            await follower(tx, ended)
