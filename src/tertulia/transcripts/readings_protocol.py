"""What readings and their differences look like on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.languages import code_of
from tertulia.speech.transcriptions.domain import Wishes
from tertulia.speech.transcriptions.protocol import FailureOut
from tertulia.transcripts.difference import Change, Difference
from tertulia.transcripts.domain import Reading, ReadingStatus
from tertulia.transcripts.protocol import Name


class ReadingAsk(BaseModel):
    """Another reading of a recording."""

    engine: Name | None = Field(
        None, description="An engine, or a chain tried in order; the server's choice without it."
    )
    language: Name | None = Field(None, description="The conversation's own without it.")
    channels: bool = Field(False, description="Whether each channel is read by itself.")

    def wishes(self) -> Wishes:
        code = code_of(self.language)
        if self.language and code is None:
            raise InvalidRequestError(
                "language: not one that is known here. Send a code such as es."
            )
        return Wishes(self.engine, code, self.channels)


class ReadingOut(BaseModel):
    """One engine's text of a conversation."""

    number: int = Field(description="From 1: what its door heard.")
    status: ReadingStatus
    is_current: bool = Field(description="Whether it is what is searched, corrected and exported.")
    engine: str | None = Field(description="The one asked for; once done, the chain that read it.")
    language: str | None
    created_by: UUID | None
    created_at: datetime
    finished_at: datetime | None
    error: FailureOut | None

    @classmethod
    def of(cls, r: Reading) -> "ReadingOut":
        own = {"engine", "language", "error"}
        plain = {name: getattr(r, name) for name in cls.model_fields if name not in own}
        return cls(
            **plain,
            engine=r.provider or r.engine_asked,
            language=r.language or r.language_asked,
            error=FailureOut.model_validate(r.error) if r.error else None,
        )


class ReadingList(BaseModel):
    """The readings of a conversation, in the order they were asked for."""

    items: list[ReadingOut]


class ReadingChoice(BaseModel):
    """Which reading is to be the current one."""

    version: int | None = Field(
        None,
        description="The transcript's version that was seen; refused when it has changed since.",
    )


class DifferencePieceOut(BaseModel):
    """A run of words that is the same in both texts, or is not."""

    change: Change
    before: str = Field(description="As the text compared with has it; empty for what was added.")
    after: str = Field(description="As this reading has it; empty for what was removed.")
    start: float
    end: float


class DifferenceOut(BaseModel):
    """Two texts of a conversation word by word; case and punctuation are no difference."""

    same: int = Field(description="Words.")
    replaced: int
    added: int
    removed: int
    agreement: float = Field(description="The share of words that are the same, 0 to 1.")
    pieces: list[DifferencePieceOut]

    @classmethod
    def of(cls, found: Difference) -> "DifferenceOut":
        names = list(DifferencePieceOut.model_fields)
        return cls(
            **{change.value: found.words(change) for change in Change},
            agreement=found.agreement,
            pieces=[
                DifferencePieceOut(**{name: getattr(piece, name) for name in names})
                for piece in found.pieces
            ],
        )
