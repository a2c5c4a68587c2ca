"""A small client of Tertulia's live protocol: speech in while it is spoken, text out, none of it lost.

    from tertulia.client import Final, live
    from tertulia.client.sources import microphone

    async with live("https://tertulia.example.org", key="tk_…", language="es") as session:
        session.feed(microphone())
        async for event in session:
            if isinstance(event, Final):
                print(event.text)

It needs `websockets` and nothing else of Tertulia; the microphone needs the extra `microphone`.
"""

from tertulia.client.events import (
    Ack,
    Completed,
    Created,
    Event,
    Final,
    Gap,
    Metrics,
    Partial,
    Problem,
    Reconnecting,
    StatusChanged,
    Word,
)
from tertulia.client.session import (
    ConnectionGivenUpError,
    LiveError,
    LiveSession,
    RefusedError,
    live,
)

__all__ = [
    "Ack",
    "Completed",
    "ConnectionGivenUpError",
    "Created",
    "Event",
    "Final",
    "Gap",
    "LiveError",
    "LiveSession",
    "Metrics",
    "Partial",
    "Problem",
    "Reconnecting",
    "RefusedError",
    "StatusChanged",
    "Word",
    "live",
]
