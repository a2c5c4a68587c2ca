"""What Prometheus reads: counts and times by route, never by person or content."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.process_collector import ProcessCollector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The registry of one process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._seconds = Histogram(
            "tertulia_http_request_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._engine_seconds = Histogram(
            "tertulia_engine_seconds",
            "Time an engine took for one piece of work.",
            ("engine", "outcome"),
            registry=self.registry,
            buckets=(*BUCKETS, 60, 120, 300, 900),
        )
        self._engine_used = Counter(
            "tertulia_engine_used",
            "Work done by engines, in their own units.",
            ("engine", "unit"),
            registry=self.registry,
        )
        self._gauges: dict[str, Gauge] = {}
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Records one answered request; the labelled child is kept, looking it up costs more than the rest."""
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._seconds.labels(method, route, str(status))
        child.observe(seconds)

    def engine(self, engine: str, unit: str, quantity: float, seconds: float, outcome: str) -> None:
        """Records one use of an engine."""
        self._engine_seconds.labels(engine, outcome).observe(seconds)
        self.engine_used(engine, unit, quantity)

    def engine_used(self, engine: str, unit: str, quantity: float) -> None:
        """Counts what one call used beside its first unit."""
        self._engine_used.labels(engine, unit).inc(quantity)

    def gauge(self, name: str, value: float, meaning: str) -> None:
        """Sets a gauge, made at its first use."""
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = self._gauges[name] = Gauge(f"tertulia_{name}", meaning, registry=self.registry)
        gauge.set(value)

    def render(self) -> bytes:
        text: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call]
        return text
