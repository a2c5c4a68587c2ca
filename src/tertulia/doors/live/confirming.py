"""What the engine says becomes text: partials are shown at once, finals once they are durable."""

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from tertulia.doors.live import protocol
from tertulia.doors.live.commits import Commits
from tertulia.doors.live.domain import Progress, ResultType, TranscriptionResult
from tertulia.doors.live.errors import Code, LiveError
from tertulia.doors.live.kept import KeptAudio
from tertulia.doors.live.pace import Pace
from tertulia.doors.live.store import Report
from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import StorageFullError, UnavailableError
from tertulia.speech.domain import SAMPLE_RATE_HZ, Hypothesis, HypothesisKind
from tertulia.transcripts.domain import Draft, Segment

SILENCE_SECONDS = 5.0
"""How often a silence that nobody spoke in is committed."""
STORAGE_RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
_BY_PLACE = re.compile(r"u\d{8,}(~\d+)?")
"""Utterance ids that follow from the place in the sound: the same sound has the same ids, whoever hears it."""


class Session(Protocol):
    """What the text needs of its session."""

    id: UUID
    transcript_id: UUID
    kept: KeptAudio
    pace: Pace

    def report(self) -> Report:
        """How far the session is, at this moment."""
        ...

    def tell(self, event: str, data: Mapping[str, Any], *, listeners: bool = False) -> None:
        """Sends an event to the client, and to whoever listens."""
        ...

    def committed(self, progress: Progress) -> None:
        """Everything in `progress` is durable."""
        ...

    def complain(self, error: LiveError) -> None: ...

    def suffix(self) -> str:
        """What makes utterance ids of this engine different from those of the ones before."""
        ...


class Confirming:
    """The text of one session."""

    def __init__(self, session: Session, commits: Commits, clock: Clock) -> None:
        self._session = session
        self._commits = commits
        self._clock = clock
        self._finals: deque[tuple[Hypothesis, TranscriptionResult]] = deque()
        self._some = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._asked_at = float("-inf")
        self._flushing = False
        self._numbers = 0
        self.partial: TranscriptionResult | None = None
        self.provider: str | None = None
        self.language: str | None = None
        self.utterances = 0

    async def heard(self, said: Hypothesis) -> None:
        """Takes one hypothesis; never waits."""
        session = self._session
        now = self._clock.monotonic()
        listened = round(max(said.end, said.heard_until) * SAMPLE_RATE_HZ)
        latency_ms = session.pace.listened_to(listened, now)
        heard = round(said.heard_until * SAMPLE_RATE_HZ)
        final = said.kind is HypothesisKind.FINAL
        span = (round(said.start * SAMPLE_RATE_HZ), round(said.end * SAMPLE_RATE_HZ))
        moved = heard > session.kept.heard
        session.kept.confirm(heard, span if final and said.text else None)
        self.provider = said.provider or self.provider
        self.language = said.language or self.language
        if not said.utterance_id:
            if moved and now - self._asked_at >= SILENCE_SECONDS:
                self._commit_soon(now)
            return
        session.pace.measured(latency_ms, now)
        session.pace.processing_ms += said.processing_ms
        result = self._result(said, latency_ms)
        if not final:
            session.pace.partials += 1
            self.partial = result
            session.tell("transcription_partial", protocol.result_data(result), listeners=True)
            return
        if self.partial is not None and self.partial.utterance_id == result.utterance_id:
            self.partial = None
        self._finals.append((said, result))
        self._commit_soon(now)

    def _commit_soon(self, now: float) -> None:
        self._asked_at = now
        self._idle.clear()
        self._some.set()

    async def flush(self) -> None:
        """Waits until everything heard so far is durable."""
        self._flushing = True
        self._commit_soon(self._clock.monotonic())
        await self._idle.wait()

    async def run(self) -> None:
        """Makes finals durable, then tells of them; until it is cancelled, or the session is no longer held here."""
        while True:
            await self._some.wait()
            self._some.clear()
            taken = list(self._finals)
            self._finals.clear()
            report = self._session.report()
            await self._persist(
                report, [draft_of(said, result) for said, result in taken if said.text]
            )
            for said, result in taken:
                if said.text:
                    self._session.pace.finals += 1
                    self.utterances += 1
                self._session.tell(
                    "transcription_final", protocol.result_data(result), listeners=True
                )
            self._session.committed(report.progress)
            if not self._some.is_set():
                self._idle.set()

    async def _persist(self, report: Report, drafts: list[Draft]) -> None:
        """Keeps trying while the database is away: nothing that was heard is given up."""
        tries = 0
        while True:
            try:
                urgent = bool(drafts) or self._flushing
                await self._commits.write(
                    report, self._session.transcript_id, drafts, urgent=urgent
                )
                return
            except (UnavailableError, StorageFullError) as error:
                if not tries:
                    self._session.complain(LiveError(Code.STORAGE_ERROR, error.detail))
                pause = STORAGE_RETRY_SECONDS[min(tries, len(STORAGE_RETRY_SECONDS) - 1)]
                tries += 1
                await self._clock.sleep(pause)

    def _result(self, said: Hypothesis, latency_ms: int) -> TranscriptionResult:
        self._numbers += 1
        name = said.utterance_id
        if not _BY_PLACE.fullmatch(name):
            name = f"{name}{self._session.suffix()}"
        final = said.kind is HypothesisKind.FINAL
        return TranscriptionResult(
            result_id=f"{name}.{self._numbers}",
            session_id=self._session.id,
            utterance_id=name,
            sequence_number=self._session.pace.heard_seq,
            result_type=ResultType.FINAL if final else ResultType.PARTIAL,
            text_content=said.text,
            start_time=max(0.0, said.start),
            end_time=max(0.0, said.end),
            created_at=self._clock.now(),
            confidence=None if said.confidence is None else min(1.0, max(0.0, said.confidence)),
            language=said.language,
            speaker=said.speaker,
            words=said.words if final else (),
            processing_time_ms=max(0, said.processing_ms),
            latency_ms=latency_ms,
        )


def draft_of(said: Hypothesis, result: TranscriptionResult) -> Draft:
    """The final as the hall takes it."""
    return Draft(
        result.utterance_id,
        said.text,
        result.start_time,
        result.end_time,
        speaker=said.speaker,
        language=said.language,
        confidence=result.confidence,
        words=said.words,
    )


def replayed(session_id: UUID, segment: Segment) -> TranscriptionResult:
    """A final of the hall, for a client that may have missed it."""
    return TranscriptionResult(
        result_id=f"{segment.utterance_id}.0",
        session_id=session_id,
        utterance_id=segment.utterance_id,
        sequence_number=0,
        result_type=ResultType.FINAL,
        text_content=segment.text,
        start_time=segment.start,
        end_time=segment.end,
        created_at=segment.said_at,
        confidence=segment.confidence,
        language=segment.language,
        speaker=segment.speaker,
        words=segment.words,
        replayed=True,
    )
