"""What the hall looks like on the wire."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, field_validator

from tertulia.speech.domain import Word
from tertulia.transcripts.domain import (
    Draft,
    Edit,
    Kind,
    Lane,
    Outcome,
    Segment,
    State,
    Transcript,
)
from tertulia.transcripts.searching import Facets, Hit, Mark, snippet
from tertulia.transcripts.waveform import Waveform

Format = Literal["txt", "srt", "vtt", "json", "csv", "md", "docx"]
"""What a transcript can be taken away as; a test holds it against `formats.FORMATS`."""

Name = Annotated[str, StringConstraints(max_length=300)]
MOST_AT_ONCE = 1_000


class WordBody(BaseModel):
    """A word; seconds from the start of the conversation."""

    text: str
    start: float
    end: float
    confidence: float | None = None


class SegmentBody(BaseModel):
    """A segment as it is added. A later one of the same utterance takes its place, until one is final."""

    utterance_id: str = Field(
        description="Unique in the transcript: letters, digits and . _ : ~ @ + -"
    )
    text: str
    start: float = Field(description="Seconds from the start of the conversation.")
    end: float
    is_final: bool = Field(True, description="Whether it will not change any more.")
    speaker: str | None = Field(
        None, description="What the speaker is called; nothing when unknown."
    )
    person: str | None = Field(
        None, description="A reference of yours that follows one person through all conversations."
    )
    channel: int | None = Field(None, description="From 0, where channels are speakers.")
    language: str | None = Field(None, description="The transcript's own without it.")
    confidence: float | None = None
    words: list[WordBody] = []

    def draft(self) -> Draft:
        words = tuple(Word(w.text, w.start, w.end, w.confidence) for w in self.words)
        return Draft(**{**dict(self), "words": words})


class SegmentsBody(BaseModel):
    """Segments of one transcript."""

    segments: list[SegmentBody] = Field(min_length=1, max_length=MOST_AT_ONCE)


class AppendedOut(BaseModel):
    """What became of each segment, in the order they were sent."""

    outcomes: list[Outcome]


class TranscriptCreate(BaseModel):
    """A transcript to be begun."""

    space_id: UUID | None = Field(None, description="The caller's active one without it.")
    kind: Kind = Kind.IMPORTS
    title: Name = ""
    source_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="Where it is from; the same once more finds the same transcript."
    )
    language: Name | None = None
    provider: Name | None = None
    started_at: AwareDatetime | None = None
    tags: list[Name] = []
    people: list[Name] = []


class ImportForm(BaseModel):
    """The fields beside a file that is brought in."""

    space_id: UUID | None = Field(None, description="The caller's active one without it.")
    title: Name = Field("", description="Else what the file says of itself, or its name.")
    language: Name | None = Field(None, description="Else what the file says of itself.")
    tags: list[Name] = Field([], description="Separated by commas.")

    @field_validator("tags", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [t for t in value.split(",") if t.strip()] if isinstance(value, str) else value


class TranscriptUpdate(BaseModel):
    """What is to change; what is left out stays."""

    title: Name | None = None
    language: Name | None = None
    tags: list[Name] | None = None


class DocumentOut(BaseModel):
    """The whole transcript as one JSON file."""

    url: str
    size_bytes: int
    version: int = Field(description="The version of the transcript that it holds.")
    ready_at: datetime


class AudioOut(BaseModel):
    """The recording of a conversation."""

    url: str = Field(description="The sound itself, whole or in ranges.")
    waveform_url: str
    content_type: str
    size_bytes: int


class TranscriptOut(BaseModel):
    """One conversation, without its text."""

    id: UUID
    space_id: UUID
    kind: Kind
    source_id: str | None
    title: str
    language: str | None
    provider: str | None = Field(description="The chain of engines, as in `gladia|whisper`.")
    state: State
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: float
    tags: list[str]
    people: list[str]
    version: int = Field(description="Grows with every change to a final transcript.")
    document: DocumentOut | None
    audio: AudioOut | None = Field(description="Where it can be listened to, if it can.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, t: Transcript) -> "TranscriptOut":
        document = t.document and DocumentOut(
            url=f"/api/transcripts/{t.id}/document",
            size_bytes=t.document.size_bytes,
            version=t.document.version,
            ready_at=t.document.ready_at,
        )
        audio = t.audio and AudioOut(
            url=f"/api/transcripts/{t.id}/audio",
            waveform_url=f"/api/transcripts/{t.id}/waveform",
            content_type=t.audio.content_type,
            size_bytes=t.audio.size_bytes,
        )
        own = {"document", "audio"}
        plain = {name: getattr(t, name) for name in cls.model_fields if name not in own}
        return cls(**plain, document=document, audio=audio)


class SegmentOut(BaseModel):
    """A stretch of speech; seconds from the start of the conversation."""

    utterance_id: str
    text: str
    start: float
    end: float
    said_at: datetime
    is_final: bool
    speaker: str | None
    person: str | None
    channel: int | None
    language: str | None
    confidence: float | None
    words: list[WordBody]
    edited_at: datetime | None

    @classmethod
    def of(cls, s: Segment) -> "SegmentOut":
        plain = {name: getattr(s, name) for name in cls.model_fields if name != "words"}
        words = [
            WordBody(text=w.text, start=w.start, end=w.end, confidence=w.confidence)
            for w in s.words
        ]
        return cls(**plain, words=words)


class SegmentUpdate(BaseModel):
    """A correction; what is left out stays, an empty speaker or person is taken away."""

    text: str | None = None
    speaker: Name | None = None
    person: Name | None = None
    version: int | None = Field(
        None,
        description="The transcript's version that was read; refused when it has changed since.",
    )


class SpeakerRename(BaseModel):
    """Another name for all that one speaker said."""

    speaker: Name | None = Field(description="As they are called now; null for unknown speakers.")
    name: Name | None = Field(description="What they are called from now on; null for unknown.")
    person: Name | None = Field(None, description="Who they are in all conversations, if known.")
    channel: int | None = Field(
        None,
        description="Only what is heard on this channel, where unknown speakers have one each.",
    )


class WaveformOut(BaseModel):
    """How loud a recording is over its length."""

    ready: bool = Field(description="False while it is measured: ask again in a few seconds.")
    duration_seconds: float
    peaks: list[list[float]] = Field(
        description="By channel, from 0 to 1, each point as long as the next."
    )

    @classmethod
    def of(cls, drawn: Waveform | None, points: int) -> "WaveformOut":
        if drawn is None:
            return cls(ready=False, duration_seconds=0.0, peaks=[])
        return cls(ready=True, duration_seconds=drawn.duration_seconds, peaks=drawn.drawn(points))


class SpeakerOut(BaseModel):
    """All that one speaker says: a lane beside the sound."""

    speaker: str | None
    person: str | None
    channel: int | None
    segments: int
    seconds: float = Field(description="How long they are heard in all.")
    share: float = Field(description="Of all that is heard of anybody, 0 to 1.")
    stretches: list[tuple[float, float]] = Field(
        description="From when to when, in seconds; stretches with less than a breath between are one."
    )


class SpeakerList(BaseModel):
    """Who is heard, the first to speak first."""

    items: list[SpeakerOut]

    @classmethod
    def of(cls, lanes: Sequence[Lane]) -> "SpeakerList":
        whole = sum(lane.seconds for lane in lanes) or 1.0
        named = [name for name in SpeakerOut.model_fields if name != "share"]
        return cls(
            items=[
                SpeakerOut(
                    **{name: getattr(lane, name) for name in named}, share=lane.seconds / whole
                )
                for lane in lanes
            ]
        )


class EditOut(BaseModel):
    """A correction that was made."""

    version: int = Field(description="Of the transcript, as this correction made it.")
    edited_by: UUID | None
    edited_at: datetime
    text_before: str
    text_after: str
    speaker_before: str | None
    speaker_after: str | None

    @classmethod
    def of(cls, edit: Edit) -> "EditOut":
        return cls(**{name: getattr(edit, name) for name in cls.model_fields})


class EditList(BaseModel):
    """Corrections of one segment, the latest first."""

    items: list[EditOut]


class PieceOut(BaseModel):
    """A part of a found text."""

    text: str
    found: bool = Field(description="Whether this is what was looked for.")


class HitOut(BaseModel):
    """A segment that was found, and where."""

    transcript: TranscriptOut
    utterance_id: str
    start: float
    end: float
    said_at: datetime
    speaker: str | None
    person: str | None
    language: str | None
    rank: float
    pieces: list[PieceOut] = Field(description="The text, or the part of a long one that matters.")

    @classmethod
    def of(cls, hit: Hit) -> "HitOut":
        s = hit.segment
        return cls(
            transcript=TranscriptOut.of(hit.transcript),
            utterance_id=s.utterance_id,
            start=s.start,
            end=s.end,
            said_at=s.said_at,
            speaker=s.speaker,
            person=s.person,
            language=s.language,
            rank=hit.rank,
            pieces=list(pieces(*snippet(s.text, hit.marks))),
        )


class CountOut(BaseModel):
    """How many conversations have one value."""

    value: str = Field(description="As the filter of the same name takes it.")
    number: int


class FacetsOut(BaseModel):
    """What the conversations found have in common, the most frequent first, months in their order."""

    conversations: int
    complete: bool = Field(description="False where only the latest of very many are counted.")
    kinds: list[CountOut] = []
    speakers: list[CountOut] = []
    people: list[CountOut] = []
    languages: list[CountOut] = []
    tags: list[CountOut] = []
    engines: list[CountOut] = []
    months: list[CountOut] = Field([], description="As in 2026-03, in UTC.")

    @classmethod
    def of(cls, facets: Facets) -> "FacetsOut":
        counts = {
            name: [CountOut(value=c.value, number=c.number) for c in found]
            for name, found in facets.counts.items()
        }
        return cls(conversations=facets.conversations, complete=facets.complete, **counts)


def pieces(text: str, marks: tuple[Mark, ...]) -> Iterator[PieceOut]:
    """The text cut at its marks: places would not survive the way to a client that counts otherwise."""
    at = 0
    for mark in marks:
        if mark.start > at:
            yield PieceOut(text=text[at : mark.start], found=False)
        yield PieceOut(text=text[mark.start : mark.end], found=True)
        at = mark.end
    if at < len(text):
        yield PieceOut(text=text[at:], found=False)
