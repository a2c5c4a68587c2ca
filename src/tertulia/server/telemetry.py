"""Traces to an OpenTelemetry collector, when a setting names one. Values of statements stay out of them."""

from collections.abc import Iterator
from contextlib import contextmanager

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
        api, tracer_provider=provider, excluded_urls="healthz,readyz,metrics"
    )
    SQLAlchemyInstrumentor().instrument(
        engine=database.engine.sync_engine, tracer_provider=provider
    )
    try:
        yield
    finally:
        SQLAlchemyInstrumentor().uninstrument()
        FastAPIInstrumentor.uninstrument_app(api)
        provider.shutdown()
