"""Traces arrive at a collector, and carry no values."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.fixtures.server import StartServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


class Collector(ThreadingHTTPServer):
    """Speaks OTLP over HTTP: takes spans and keeps them."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.path == "/v1/traces"
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Keeps the test's output for the test."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on loopback."""
    collector = Collector()
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    yield collector
    collector.shutdown()
    thread.join()
    collector.server_close()


def test_requests_and_statements_are_traced_without_their_values(
    start_server: StartServer, collector: Collector
) -> None:
    server = start_server(otlp_endpoint=f"http://127.0.0.1:{collector.server_port}")
    body = {"email": "somebody@example.org", "password": "a secret nobody may see"}
    httpx.post(f"{server.url}/api/auth/sign-in", json=body, timeout=30)
    httpx.get(f"{server.url}/api/invitations/a-link-nobody-may-see", timeout=30)
    server.stop()
    spans = [
        span
        for request in collector.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert any("/api/auth/sign-in" in span.name for span in spans)
    assert any(span.name.upper().startswith("SELECT") for span in spans)
    told = b"".join(request.SerializeToString() for request in collector.requests)
    assert b"somebody@example.org" not in told
    assert b"a secret nobody may see" not in told
    assert b"a-link-nobody-may-see" not in told
