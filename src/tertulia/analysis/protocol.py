"""What analyses and answers look like on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from tertulia.analysis.asking import Answered, Cited
from tertulia.analysis.domain import Analysis, Made, Results, Status, What

Chain = Annotated[str, StringConstraints(max_length=500)]
Question = Annotated[str, StringConstraints(min_length=1, max_length=1_000, strip_whitespace=True)]


class AnalysisRequest(BaseModel):
    """How a conversation is to be analysed."""

    fields: list[What] | None = Field(
        None, description="Only these; the others stay as they were. All of them without it."
    )
    chain: Chain | None = Field(
        None,
        description="Which models to ask, in order, as in `ollama:llama3.2,offline`; else the server's own.",
    )


class AnalysisOut(BaseModel):
    """An analysis: how far it is, and what was found. What was found before stays while it is made anew."""

    transcript_id: UUID
    status: Status
    progress: float = Field(description="0 to 1.")
    wanted: list[What] = Field(description="What is, or was last, being looked for.")
    results: Results
    made: dict[str, Made] = Field(description="How each field came to be.")
    provider: str | None = Field(
        description="The chain last tried; `offline` was made without a model."
    )
    transcript_version: int | None = Field(
        description="The version that was read last; the transcript's own is greater when it was changed since."
    )
    outdated: bool = Field(description="Whether the transcript was changed since it was read.")
    covered: float | None = Field(
        description="The share of the text that was read; below 1 only for very long conversations."
    )
    error: dict[str, Any] | None = Field(description="Why it failed, as a problem document.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, found: Analysis, version: int) -> "AnalysisOut":
        plain = {name: getattr(found, name) for name in cls.model_fields if name != "outdated"}
        read = found.transcript_version
        return cls(**plain, outdated=read is not None and read < version)


class Ask(BaseModel):
    """A question to what was said."""

    question: Question
    chain: Chain | None = Field(
        None, description="Which models to ask, in order; else the server's own."
    )


class CitationOut(BaseModel):
    """Words that were really said, and where."""

    transcript_id: UUID
    title: str
    utterance_id: str
    start: float
    end: float
    said_at: datetime
    speaker: str | None
    quote: str

    @classmethod
    def of(cls, cited: Cited) -> "CitationOut":
        return cls(
            transcript_id=cited.transcript.id,
            title=cited.transcript.title,
            utterance_id=cited.segment.utterance_id,
            start=cited.segment.start,
            end=cited.segment.end,
            said_at=cited.segment.said_at,
            speaker=cited.segment.speaker,
            quote=cited.quote,
        )


class AnswerOut(BaseModel):
    """The answer, or that it was not said."""

    said: bool = Field(description="Whether what was said answers the question.")
    answer: str | None = Field(
        description="Null when it was not said, and from `offline`, which only finds the passages."
    )
    citations: list[CitationOut] = Field(
        description="What the answer rests on; from `offline` the passages that fit best."
    )
    provider: str = Field(description="The chain tried; `offline` answered without a model.")
    model: str | None
    read: int = Field(description="How many segments were looked at.")

    @classmethod
    def of(cls, found: Answered) -> "AnswerOut":
        return cls(
            said=found.said,
            answer=found.answer,
            citations=[CitationOut.of(c) for c in found.citations],
            provider=found.provider,
            model=found.model,
            read=found.read,
        )
