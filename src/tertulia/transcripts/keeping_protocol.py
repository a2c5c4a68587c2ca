"""What rules, receipts, saved searches and people look like on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from tertulia.transcripts.domain import Kind, KnownPerson
from tertulia.transcripts.protocol import Name
from tertulia.transcripts.receipts import Reason, Receipt, Retention
from tertulia.transcripts.searching import LONGEST_QUERY, Order, SavedSearch

Days = Annotated[int, Field(ge=1, le=36_500)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class RetentionRule(BaseModel):
    """How long conversations of one kind are kept."""

    kind: Kind | None = Field(None, description="Every kind without a rule of its own, if null.")
    transcript_days: Days | None = Field(
        None, description="After so many days a conversation is erased; null keeps it."
    )
    audio_days: Days | None = Field(
        None, description="After so many days its recording is erased; null keeps it."
    )

    @classmethod
    def of(cls, rule: Retention) -> "RetentionRule":
        return cls(
            kind=Kind(rule.kind) if rule.kind else None,
            transcript_days=rule.transcript_days,
            audio_days=rule.audio_days,
        )

    def rule(self, space_id: UUID) -> Retention:
        kind = self.kind.value if self.kind else None
        return Retention(space_id, kind, self.transcript_days, self.audio_days)


class RetentionRules(BaseModel):
    """The rules of a space; without any everything is kept until it is removed."""

    rules: list[RetentionRule] = Field(max_length=20)


class PersonErasure(BaseModel):
    """A person who is to be forgotten."""

    space_id: UUID | None = Field(None, description="The caller's active one without it.")
    person: Reference = Field(description="The reference that follows them.")


class ConversationsErasure(BaseModel):
    """Conversations that are to be erased together."""

    transcript_ids: list[UUID] = Field(min_length=1, max_length=200)


class ReceiptOut(BaseModel):
    """What an erasure took, without a word of it."""

    id: UUID
    space_id: UUID
    reason: Reason
    asked_by: UUID | None
    erased_at: datetime
    transcript_ids: list[UUID]
    counts: dict[str, int] = Field(description="How much went, by what it was.")
    person_sha256: str | None = Field(
        description="Of a person: SHA-256 of this receipt's id (16 bytes) and their reference."
    )

    @classmethod
    def of(cls, receipt: Receipt) -> "ReceiptOut":
        return cls.model_validate({name: getattr(receipt, name) for name in cls.model_fields})


class ReceiptList(BaseModel):
    """Receipts, one for each space that was touched."""

    items: list[ReceiptOut]


class SavedFilters(BaseModel):
    """The filters of a search, named as in its address."""

    kind: list[Kind] = []
    language: list[Name] = []
    tag: list[Name] = []
    speaker: Name | None = None
    person: Name | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    min_seconds: float | None = Field(None, ge=0, allow_inf_nan=False)
    max_seconds: float | None = Field(None, ge=0, allow_inf_nan=False)
    engine: Name | None = None
    order: Order = Order.RANK

    def row(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)


Words = Annotated[str, StringConstraints(max_length=LONGEST_QUERY)]


class SavedSearchBody(BaseModel):
    """A search to be saved."""

    space_id: UUID | None = Field(None, description="The caller's active one without it.")
    name: Name
    q: Words = ""
    filters: SavedFilters = SavedFilters()
    is_shared: bool = Field(False, description="Whether everybody in the space sees it.")


class SavedSearchUpdate(BaseModel):
    """What is to change; what is left out stays."""

    name: Name | None = None
    q: Words | None = None
    filters: SavedFilters | None = None
    is_shared: bool | None = None


class SavedSearchOut(BaseModel):
    """A saved search."""

    id: UUID
    space_id: UUID
    user_id: UUID
    name: str
    q: str
    filters: SavedFilters
    is_shared: bool
    created_at: datetime

    @classmethod
    def of(cls, saved: SavedSearch) -> "SavedSearchOut":
        own = {"q", "filters"}
        plain = {name: getattr(saved, name) for name in cls.model_fields if name not in own}
        filters = SavedFilters.model_validate(saved.filters)
        return cls(**plain, q=saved.words, filters=filters)


class SavedSearchList(BaseModel):
    """Saved searches by name."""

    items: list[SavedSearchOut]


class PersonOut(BaseModel):
    """Somebody whom a reference follows."""

    space_id: UUID
    reference: str
    name: str = Field(description="Empty where nobody has said it.")
    conversations: int
    last_at: datetime = Field(description="When the latest of their conversations began.")

    @classmethod
    def of(cls, person: KnownPerson) -> "PersonOut":
        return cls(**{name: getattr(person, name) for name in cls.model_fields})


class PersonList(BaseModel):
    """People, those heard last first."""

    items: list[PersonOut]


class PersonNaming(BaseModel):
    """What a person is called."""

    space_id: UUID | None = Field(None, description="The caller's active one without it.")
    reference: Reference
    name: Name = Field(description="Empty forgets it.")


class PersonMerge(BaseModel):
    """Two references of one person."""

    space_id: UUID | None = Field(None, description="The caller's active one without it.")
    reference: Reference = Field(description="The one that goes.")
    into: Reference = Field(description="The one that stays.")


class MergedOut(BaseModel):
    """In how many conversations a reference became another."""

    conversations: int
