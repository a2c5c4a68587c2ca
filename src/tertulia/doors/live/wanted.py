"""What a live session is asked to be, and what is asked of engines before it begins."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from tertulia.doors.live.domain import (
    LONGEST_HOT_WORD,
    LONGEST_LIMIT_SECONDS,
    MOST_HOT_WORDS,
    MOST_METADATA_BYTES,
)
from tertulia.doors.live.formats import DEFAULT_MIME
from tertulia.kernel.errors import InvalidRequestError
from tertulia.transcripts.domain import tidy_name


class Load(Protocol):
    """How many live streams the speech host follows, and how many it can."""

    @property
    def streams(self) -> int: ...

    @property
    def capacity(self) -> int: ...


class Engines(Protocol):
    """Which live engines there are; `SpeechService` knows."""

    def live_names(self, engine: str | None, language: str | None) -> Sequence[str]:
        """The engines that would hear it, in order; refused when there is none."""
        ...

    def all_names(self) -> Sequence[str]:
        """Every engine that can hear live."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session is to be."""

    space_id: UUID | None = None
    title: str = ""
    language: str | None = None
    engine: str | None = None
    hot_words: Sequence[str] = ()
    diarise: bool = False
    mime_type: str = DEFAULT_MIME
    duration_limit: int = LONGEST_LIMIT_SECONDS
    metadata: Mapping[str, Any] = field(default_factory=dict)


def hot_words(words: Sequence[str]) -> tuple[str, ...]:
    tidy = [name for word in words if (name := tidy_name(word))]
    if len(tidy) > MOST_HOT_WORDS or any(len(word) > LONGEST_HOT_WORD for word in tidy):
        raise InvalidRequestError(
            f"hot_words: at most {MOST_HOT_WORDS} of at most {LONGEST_HOT_WORD} characters are taken."
        )
    return tuple(dict.fromkeys(tidy))


def metadata(given: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        text = json.dumps(dict(given), allow_nan=False)
    except ValueError:
        text = ""
    if not text or "\\u0000" in text or len(text) > MOST_METADATA_BYTES:
        raise InvalidRequestError(
            f"metadata: a JSON object of at most {MOST_METADATA_BYTES} bytes without NUL characters is taken."
        )
    return given
