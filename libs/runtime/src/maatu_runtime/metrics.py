"""Prometheus metrics that every service has. Those of one service alone live in its own metrics.py.

All are in the default registry, where prometheus_client already keeps the process's CPU, memory and file descriptors.
"""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)
"""Buckets of every latency histogram, seconds: dense around the budgets of docs/architecture.md."""

RPC_FIRST_RESPONSE = Histogram(
    "maatu_rpc_first_response_seconds",
    "From the arrival of a request to its first response.",
    ["service", "method"],
    buckets=LATENCY_BUCKETS_S,
)
RPC_DURATION = Histogram(
    "maatu_rpc_duration_seconds",
    "From the arrival of a request to the end of its call, by gRPC status code.",
    ["service", "method", "code"],
    buckets=(*LATENCY_BUCKETS_S, 60.0, 300.0),
)
RPCS_IN_PROGRESS = Gauge("maatu_rpcs_in_progress", "Calls being served.", ["service", "method"])
ERRORS = Counter("maatu_errors_total", "Failed calls by reason, a name of maatu.v1.ErrorReason.", ["service", "reason"])
PLACES = Gauge("maatu_capacity_places", "Requests the engine can work on at once.", ["service"])
PLACES_IN_USE = Gauge("maatu_capacity_in_use", "Requests the engine works on now.", ["service"])
SERVING = Gauge("maatu_serving", "1 while the service is warmed up and not draining.", ["service"])


def publish_capacity(service: str, capacity: Callable[[], tuple[int, int]]) -> None:
    """Has the gauges of places ask `capacity() -> (in use, places)` whenever they are read."""
    PLACES_IN_USE.labels(service).set_function(lambda: capacity()[0])
    PLACES.labels(service).set_function(lambda: capacity()[1])
