"""Publish and subscribe: PostgreSQL LISTEN/NOTIFY, or Redis across nodes."""

from tertulia.events.domain import MISSED, Event
from tertulia.events.hub import Subscription
from tertulia.events.postgres import PostgresTransport
from tertulia.events.service import Events

__all__ = ["MISSED", "Event", "Events", "PostgresTransport", "Subscription"]
