"""Traces to an OpenTelemetry collector, when a setting names one. Values of statements stay out of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI

import tertulia
from tertulia.kernel.database import Database
from tertulia.kernel.errors import StartError
from tertulia.kernel.settings import Settings


@contextmanager
def traced(settings: Settings, api: FastAPI, database: Database) -> Iterator[None]:
    """Traces requests and statements while the server runs."""
    if settings.otlp_endpoint is None:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise StartError(
            "TERTULIA_OTLP_ENDPOINT is set but OpenTelemetry is not installed. "
            "Install it with `pip install tertulia[otel]`, or remove the setting."
        ) from None
    resource = Resource.create(
        {"service.name": "tertulia", "service.version": tertulia.__version__}
    )
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    FastAPIInstrumentor.instrument_app(
        api,
        tracer_provider=provider,
        excluded_urls="healthz,readyz,metrics",
        server_request_hook=_hide_address,
    )
    SQLAlchemyInstrumentor().instrument(
        engine=database.engine.sync_engine,
        tracer_provider=provider,
        # it names an older SQLAlchemy than the one it works with, and would say nothing and do nothing
        skip_dep_check=True,
    )
    try:
        yield
    finally:
        SQLAlchemyInstrumentor().uninstrument()
        FastAPIInstrumentor.uninstrument_app(api)
        provider.shutdown()


def _hide_address(span: Any, scope: Mapping[str, Any]) -> None:
    """Leaves the route, and hides the address itself: links and ids stand in it."""
    if span is not None and span.is_recording():
        for name in ("http.target", "http.url", "url.path", "url.full", "url.query"):
            span.set_attribute(name, "hidden")
