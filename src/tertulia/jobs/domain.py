"""What a job is: its retries, its errors, its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tertulia.kernel.errors import TertuliaError

Args = Mapping[str, Any]
"""What a job is told: JSON values, ids rather than content. They are never logged."""


class PermanentJobError(TertuliaError):
    """Raised by a handler for what no further try can mend; the job gives up at once."""

    code = "job_failed"
    title = "The work cannot be done"


class RetryJobError(TertuliaError):
    """Raised by a handler that knows itself when to try again (a vendor's `Retry-After`)."""

    code = "job_postponed"
    title = "The work has to wait"

    def __init__(self, detail: str | None = None, *, after_seconds: float) -> None:
        super().__init__(detail)
        self.after_seconds = after_seconds


class LostJobError(TertuliaError):
    """The job was given to another worker meanwhile; what this one did is rolled back."""

    code = "job_lost"
    title = "Another worker has this job now"


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a job is tried, and the waits in between, which grow up to a cap and are spread by jitter."""

    attempts: int = 8
    first_seconds: float = 2.0
    factor: float = 3.0
    cap_seconds: float = 3600.0
    jitter: float = 0.2
    waits_seconds: tuple[float, ...] = ()
    """The waits themselves, when they are not a progression; there is one more attempt than waits."""

    @classmethod
    def after(cls, *waits_seconds: float, jitter: float = 0.2) -> "Retry":
        return cls(attempts=len(waits_seconds) + 1, waits_seconds=waits_seconds, jitter=jitter)

    def wait_seconds(self, attempt: int, chance: float) -> float | None:
        """The wait after the `attempt`-th try (from 1) failed, or None when it was the last.

        `chance` is uniform between 0 and 1; the caller draws it, so that a test can.
        """
        if attempt >= self.attempts:
            return None
        if self.waits_seconds:
            wait = self.waits_seconds[attempt - 1]
        else:
            # past sixty doublings only the cap is left, and the power would overflow
            wait = min(self.cap_seconds, self.first_seconds * self.factor ** min(attempt - 1, 60))
        return wait * (1 + self.jitter * (2 * chance - 1))


NEVER = Retry(attempts=1)


@dataclass(frozen=True, slots=True)
class Enqueue:
    """One job of many that are enqueued together."""

    args: Args = field(default_factory=dict)
    key: str | None = None
    lock: str | None = None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A row that says work is under way although no job stands for it: what the job is told, and its key."""

    key: str
    args: Args


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs of one name there are."""

    name: str
    waiting: int
    scheduled: int
    running: int
    failed: int
    oldest_waiting_seconds: float
    """How long the oldest job that could run has been waiting; 0 when none is."""


@dataclass(frozen=True, slots=True)
class JobReport:
    """What became of one try of one job, for whoever watches a worker."""

    name: str
    job_id: int
    attempt: int
    outcome: str
    """`succeeded`, `gave up`, `gave back`, `lost`, or when it is tried again."""
    duration_ms: float
