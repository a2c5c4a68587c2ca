"""A circuit breaker: an engine that keeps failing is left alone for a while, then tried by one call."""

from collections.abc import Iterator
from contextlib import contextmanager

from tertulia.kernel.clock import Clock
from tertulia.speech.engines.errors import EngineError, UnsupportedLanguageError


class Breaker:
    """Opens after `failures` in a row; after `pause_seconds` one call may find out whether it works again."""

    def __init__(self, clock: Clock, *, failures: int = 3, pause_seconds: float = 30.0) -> None:
        self._clock = clock
        self._limit = failures
        self._pause_seconds = pause_seconds
        self._failures = 0
        self._opened: float | None = None
        self._probing = False

    @property
    def closed(self) -> bool:
        """Whether calls pass freely."""
        return self._opened is None

    def wait_seconds(self) -> float:
        """How long until a call may be tried; 0 when one may be tried now."""
        if self._opened is None:
            return 0.0
        left = self._opened + self._pause_seconds - self._clock.monotonic()
        if left > 0:
            return left
        return 1.0 if self._probing else 0.0

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Goes round a call: counts how it ended. A call given up on by its caller counts for nothing."""
        probe = self._opened is not None
        self._probing = self._probing or probe
        try:
            yield
        except UnsupportedLanguageError:
            raise
        except EngineError:
            self.failed()
            raise
        else:
            self.succeeded()
        finally:
            if probe:
                self._probing = False

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._limit or self._opened is not None:
            self._opened = self._clock.monotonic()

    def succeeded(self) -> None:
        self._failures = 0
        self._opened = None
