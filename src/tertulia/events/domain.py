"""What an event is, and which subscriptions it reaches."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import translate
from typing import Any
from uuid import UUID

MISSED = "events.missed"
"""The type of the event that stands where others are missing; a subscriber reads the state again."""
MISSED_TOPIC = "events"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened, told once to whoever listens just then."""

    topic: str
    """Whom it concerns: `space:<id>`, `transcript:<id>`."""
    type: str
    """What happened: `member.joined`."""
    data: Mapping[str, Any]
    at: datetime
    id: UUID

    @property
    def is_missed(self) -> bool:
        """Whether this stands for events that did not arrive; `data` says why and, if known, how many."""
        return self.type == MISSED


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one subscription: plain ones, and patterns in which `*` stands for anything."""

    plain: frozenset[str]
    patterns: tuple[re.Pattern[str], ...] = field(default=())

    @classmethod
    def of(cls, *topics: str) -> "Topics":
        plain = frozenset(topic for topic in topics if "*" not in topic)
        # only `*` is special: a topic may hold brackets and question marks of its own
        escaped = (re.sub(r"([\[?])", r"[\1]", topic) for topic in topics if "*" in topic)
        return cls(plain, tuple(re.compile(translate(topic)) for topic in escaped))

    def match(self, topic: str) -> bool:
        return topic in self.plain or any(p.match(topic) for p in self.patterns)
