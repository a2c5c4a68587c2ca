"""Whoever answers from outside, or from a process of its own: how it fails, and when it is left alone."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import ClassVar

from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import TertuliaError

REST_SECONDS = 30.0


class VendorError(TertuliaError):
    """An engine failed. `retryable` says whether the same call may work in a moment."""

    status = HTTPStatus.BAD_GATEWAY
    code = "engine_error"
    title = "A speech engine failed"
    blames_vendor: ClassVar[bool] = True
    """Whether it speaks against the vendor, and not against what it was asked."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        retryable: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        wait = retry_after_seconds
        if wait is None and self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            wait = REST_SECONDS  # every 503 says when to come back
        headers = {} if wait is None else {"Retry-After": str(max(1, math.ceil(wait)))}
        super().__init__(detail, headers=headers)
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


class Breaker:
    """Opens after `failures` in a row; after `pause_seconds` one call may find out whether it works again."""

    def __init__(
        self, clock: Clock, *, failures: int = 3, pause_seconds: float = REST_SECONDS
    ) -> None:
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
        except VendorError as error:
            self.failed(error)
            raise
        else:
            self.succeeded()
        finally:
            if probe:
                self._probing = False

    def failed(self, error: VendorError | None = None) -> None:
        """A call went wrong; one that speaks against what was asked counts for nothing."""
        if error is not None and not error.blames_vendor:
            return
        self._failures += 1
        if self._failures >= self._limit or self._opened is not None:
            self._opened = self._clock.monotonic()

    def succeeded(self) -> None:
        self._failures = 0
        self._opened = None
