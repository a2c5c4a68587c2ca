"""A model that keeps failing is left alone for a while, then tried by one call."""

from tertulia.kernel.clock import Clock


class Breaker:
    """Opens after `failures` in a row; after `pause_seconds` a call may find out whether it works again."""

    def __init__(self, clock: Clock, *, failures: int = 3, pause_seconds: float = 30.0) -> None:
        self._clock = clock
        self._limit = failures
        self._pause_seconds = pause_seconds
        self._failures = 0
        self._opened: float | None = None

    def wait_seconds(self) -> float:
        """How long until a call may be tried; 0 when one may be tried now."""
        if self._opened is None:
            return 0.0
        return max(0.0, self._opened + self._pause_seconds - self._clock.monotonic())

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._limit:
            self._opened = self._clock.monotonic()

    def succeeded(self) -> None:
        self._failures = 0
        self._opened = None
