"""What an analysis holds, the states it goes through, and who asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from tertulia.kernel.errors import ConflictError, InvalidRequestError, NotFoundError

RUN = "analysis:run"
"""The scope that lets a key have conversations analysed and questions answered: both may cost money."""

Feeling = Literal["positive", "neutral", "negative"]


class AnalysisMissingError(NotFoundError):
    """Nobody has had this transcript analysed."""

    code = "analysis_missing"
    title = "There is no analysis of this transcript"


class AnalysisRunningError(ConflictError):
    """An analysis of this transcript is under way."""

    code = "analysis_running"
    title = "The analysis is under way"


class NothingSaidError(InvalidRequestError):
    """The transcript holds no words that are final."""

    code = "nothing_said"
    title = "Nothing was said"


class Status(StrEnum):
    """Where an analysis stands. A failed or finished one can be run again."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"

    @property
    def ended(self) -> bool:
        return self in (Status.DONE, Status.FAILED)


class What(StrEnum):
    """What can be told of a conversation; each can be read again by itself."""

    SUMMARY = "summary"
    TASKS = "tasks"
    RISKS = "risks"
    DECISIONS = "decisions"
    TOPICS = "topics"
    INITIAL_FEELING = "initial_feeling"
    FINAL_FEELING = "final_feeling"
    REASON = "reason"
    REASON_SHORT = "reason_short"
    PRODUCT_TYPE = "product_type"


EVERYTHING: tuple[What, ...] = tuple(What)


class Evidence(BaseModel):
    """Words that were really said, and where: the segment and seconds from the start."""

    utterance_id: str
    start: float
    end: float
    speaker: str | None = None
    quote: str = Field(description="As it stands in the segment.")


class Point(BaseModel):
    """Something found, and the words it rests on; there is always at least one."""

    what: str
    evidence: list[Evidence]


class Task(Point):
    """Something somebody is to do."""

    who: str | None = Field(None, description="As they are called; null where it was not said.")
    by: str | None = Field(None, description="Until when, in the words that were used.")


class Felt(BaseModel):
    """How those who came with something sounded."""

    feeling: Feeling
    score: float = Field(description="From -1 to 1.")
    evidence: list[Evidence] = []


class Results(BaseModel):
    """What was found; null where it was not looked for."""

    summary: str | None = None
    tasks: list[Task] | None = None
    risks: list[Point] | None = None
    decisions: list[Point] | None = None
    topics: list[str] | None = None
    initial_feeling: Felt | None = None
    final_feeling: Felt | None = None
    reason: Point | None = Field(None, description="Why the conversation was held.")
    reason_short: str | None = None
    product_type: str | None = Field(None, description="What it was about, where that was named.")


class Made(BaseModel):
    """How one field came to be."""

    provider: str = Field(description="The chain tried, as in `openai|offline`.")
    model: str | None = None
    prompt: str | None = Field(None, description="The version of the prompt and its language.")
    transcript_version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Requester:
    """In whose name an analysis is made, for the ledger and its budgets."""

    user_id: UUID | None = None
    api_key_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """The analysis of one transcript, pinned to the version of it that was read."""

    transcript_id: UUID
    space_id: UUID
    run: UUID
    """Of the request it is made for: a job of an earlier one leaves it alone."""
    status: Status
    wanted: tuple[What, ...]
    chain: str | None
    requester: Requester
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: float = 0.0
    transcript_version: int | None = None
    covered: float | None = None
    """The share of the text that was read; below 1 for a conversation past every bound."""
    provider: str | None = None
    results: Results = field(default_factory=Results)
    made: Mapping[str, Made] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    """Why it failed, as a problem document."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of a conversation brought."""

    results: Results
    provider: str
    model: str | None = None
    prompt: str | None = None
    covered: float = 1.0


DONE = "analysis.done"
FAILED = "analysis.failed"

_ID = "0199d3a0-0000-7000-8000-000000000000"
OUTSIDE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    DONE: (
        "A conversation has been analysed. Fetch what was found at /api/transcripts/{transcript_id}/analysis.",
        {"transcript_id": _ID, "transcript_version": 1, "provider": "offline"},
    ),
    FAILED: (
        "A conversation could not be analysed.",
        {"transcript_id": _ID, "code": "llm_unavailable"},
    ),
}
"""What those outside may ask to be told; what was found stays here."""


def fields_of(names: Sequence[str] | None) -> tuple[What, ...]:
    """The fields meant, in their own order; all of them when none is named."""
    wanted = set(names or ())
    return tuple(w for w in What if w in wanted) if wanted else EVERYTHING


def merged(old: Results, new: Results, wanted: Sequence[What]) -> Results:
    """The old results with what was read again in its place."""
    return old.model_copy(update={str(w): getattr(new, w) for w in wanted})
