"""Durable jobs and schedules on Procrastinate's tables."""

from tertulia.jobs.domain import (
    NEVER,
    Enqueue,
    JobCounts,
    LostJobError,
    Orphan,
    PermanentJobError,
    Retry,
    RetryJobError,
)
from tertulia.jobs.service import Jobs, Step
from tertulia.jobs.worker import Worker

__all__ = [
    "NEVER",
    "Enqueue",
    "JobCounts",
    "Jobs",
    "LostJobError",
    "Orphan",
    "PermanentJobError",
    "Retry",
    "RetryJobError",
    "Step",
    "Worker",
]
