"""A conversation as it is read: numbered lines, cut to what a model takes at once."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tertulia.analysis.domain import Evidence
from tertulia.analysis.quoting import found_in
from tertulia.language.offline.text import Said, language_of
from tertulia.transcripts.domain import Segment, Transcript

PART_CHARACTERS = 24_000
"""Of one request to a model: some 6,000 to 9,000 tokens, which every model takes."""
MOST_PARTS = 40
"""Past it the rest is left out, and said to be."""
LONGEST_LINE = 4_000
"""Of one segment: a longer one is told in several lines of the same number."""
LONGEST_SPEAKER = 60


@dataclass(frozen=True)
class Material:
    """Segments by their numbers, in the language they are in."""

    transcript: Transcript
    said: tuple[Said, ...]
    segments: Mapping[int, Segment]
    language: str
    share: float = 1.0
    """Of the conversation that this is: one with more segments than can be held is cut."""

    @classmethod
    def of(
        cls, transcript: Transcript, segments: Sequence[Segment], share: float = 1.0
    ) -> "Material":
        """From the final segments of a transcript."""
        told = [s for s in segments if s.is_final and s.text.strip()]
        said = tuple(Said(n, s.speaker, s.text) for n, s in enumerate(told, 1))
        language = language_of((s.text for s in told), transcript.language)
        return cls(transcript, said, dict(enumerate(told, 1)), language, share)

    @property
    def characters(self) -> int:
        return sum(len(one.text) for one in self.said)

    def evidence(
        self, number: int, quote: str, within: Sequence[Said] | None = None
    ) -> Evidence | None:
        """The quotation where it really stands: in the segment named, or in another; None when nowhere."""
        elsewhere = [one.number for one in within or self.said if one.number != number]
        for at in (number, *elsewhere):
            segment = self.segments.get(at)
            if segment is not None and (words := found_in(segment.text, quote)):
                return self.cited(at, words)
        return None

    def cited(self, number: int, quote: str) -> Evidence:
        segment = self.segments[number]
        return Evidence(
            utterance_id=segment.utterance_id,
            start=segment.start,
            end=segment.end,
            speaker=segment.speaker,
            quote=quote,
        )

    def parts(self) -> "Parts":
        """What is handed to a model, part by part."""
        parts: list[list[Said]] = [[]]
        room = PART_CHARACTERS
        for piece in _pieces(self.said):
            if len(piece.text) > room and parts[-1]:
                if len(parts) == MOST_PARTS:
                    break
                parts.append([])
                room = PART_CHARACTERS
            parts[-1].append(piece)
            room -= len(piece.text)
        read = sum(len(p.text) for part in parts for p in part)
        covered = min(1.0, read / max(1, self.characters)) * self.share
        return Parts(tuple(map(tuple, parts)), covered)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a conversation, and the share of it that they are."""

    each: tuple[tuple[Said, ...], ...]
    covered: float


def _pieces(said: Sequence[Said]) -> Iterator[Said]:
    for one in said:
        for start in range(0, len(one.text), LONGEST_LINE):
            yield Said(one.number, one.speaker, one.text[start : start + LONGEST_LINE])


def lines(said: Sequence[Said]) -> str:
    """As a model is told it: one line a segment, so that nothing in it can look like another."""
    return "\n".join(f"[{one.number}] {_who(one)}{' '.join(one.text.split())}" for one in said)


def _who(one: Said) -> str:
    if not one.speaker:
        return ""
    return f"{' '.join(one.speaker.split())[:LONGEST_SPEAKER]}: "


def enclosed(text: str, what: str = "conversation") -> str:
    """Text between marks that nobody who wrote it can have known."""
    mark = f"{what} {secrets.token_hex(8)}"
    return f"<{mark}>\n{text}\n</{mark}>"
