"""The name of the request or job under way, which its answers, logs and events carry."""

from contextvars import ContextVar

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
"""Names the request (or job) under way in answers, logs and events."""
