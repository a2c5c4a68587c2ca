"""What a model is asked to fill in: its version is that of the prompts, which name its fields."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from tertulia.analysis.domain import What


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class CitedForm(_Form):
    """A quotation, and the line it is from."""

    line: int = Field(description="The number in brackets before the line.")
    quote: str = Field(description="Words copied from that line exactly, at most 30 of them.")


class PointForm(_Form):
    """One thing found."""

    what: str
    evidence: list[CitedForm] = Field(description="At least one.")


class TaskForm(PointForm):
    """Something somebody is to do."""

    who: str | None = Field(None, description="Their name as in the conversation, or null.")
    by: str | None = Field(None, description="Until when, in the words that were used, or null.")


class FeelingForm(_Form):
    """How those who came with something sound."""

    feeling: Literal["positive", "neutral", "negative"]
    score: float = Field(0.0, ge=-1, le=1)
    evidence: list[CitedForm] = []


FIELDS: dict[What, Any] = {
    What.SUMMARY: (str, ...),
    What.TASKS: (list[TaskForm], []),
    What.RISKS: (list[PointForm], []),
    What.DECISIONS: (list[PointForm], []),
    What.TOPICS: (list[str], []),
    What.INITIAL_FEELING: (FeelingForm | None, None),
    What.FINAL_FEELING: (FeelingForm | None, None),
    What.REASON: (PointForm | None, None),
    What.REASON_SHORT: (str | None, None),
    What.PRODUCT_TYPE: (str | None, None),
}
COMBINED = (What.SUMMARY, What.TOPICS, What.REASON, What.REASON_SHORT, What.PRODUCT_TYPE)
"""What the parts of a long conversation do not give by being put side by side."""


def form(wanted: Sequence[What]) -> type[BaseModel]:
    """The schema of an answer that holds exactly the fields wanted."""
    found: type[BaseModel] = create_model(
        "Conversation", __base__=_Form, **{str(what): FIELDS[what] for what in wanted}
    )
    return found


class AnswerForm(_Form):
    """The answer to a question."""

    said: bool = Field(description="Whether the conversation answers the question.")
    answer: str = ""
    evidence: list[CitedForm] = []
