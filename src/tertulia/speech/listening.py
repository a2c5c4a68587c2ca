"""How far a recogniser is with a recording, told past chains and retries to whoever waits for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Heard = Callable[[float], None]
"""Called with the share of the samples that is read, 0 to 1."""

_listener: ContextVar[Heard | None] = ContextVar("listener", default=None)


@contextmanager
def listening(heard: Heard) -> Iterator[None]:
    """Has `heard` told by whichever engine reads inside the block and knows how far it is."""
    token = _listener.set(heard)
    try:
        yield
    finally:
        _listener.reset(token)


def listener() -> Heard | None:
    """Who is to be told, for an engine that knows how far it is."""
    return _listener.get()
