"""Traces: W3C trace context across every hop, spans over OTLP where a collector is set.

OpenTelemetry's own interceptor for grpc.aio breaks handlers that write through the context, and its client side drops the
span of a cancelled call; so the context is carried here, by `outgoing_metadata` and `server_span`, and the spans are the
SDK's. Without a collector everything works the same and the spans go nowhere: trace ids stay in reports and logs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Tracer

Metadata = Sequence[tuple[str, str | bytes]]


def start_telemetry(service: str, *, otlp_endpoint: str | None) -> TracerProvider:
    """Makes the tracer provider of a process.

    Args:
        service: The name that traces show, for example "stt".
        otlp_endpoint: OTLP/gRPC collector, for example "http://localhost:4317"; None: spans go nowhere.

    Returns:
        The provider; call its `shutdown()` at the end, so that the last spans are sent.
    """
    provider = TracerProvider(resource=Resource.create({"service.name": f"maatu-{service}"}), shutdown_on_exit=False)
    if otlp_endpoint:
        exporter = OTLPSpanExporter(
            endpoint=otlp_endpoint, insecure=not otlp_endpoint.startswith("https://"), timeout=5
        )
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return provider


def outgoing_metadata(span: Span | None = None) -> tuple[tuple[str, str], ...]:
    """The metadata that makes the next service's spans children of `span`, or of the current one."""
    carrier: dict[str, str] = {}
    context = otel_context.get_current() if span is None else trace.set_span_in_context(span)
    propagate.inject(carrier, context)
    return tuple(carrier.items())


@contextmanager
def server_span(tracer: Tracer, method: str, metadata: Metadata) -> Iterator[Span]:
    """The span of one RPC on the server, child of the caller's; current for everything the handler does.

    Args:
        tracer: Of this process.
        method: "/maatu.v1.Agent/Respond".
        metadata: The call's invocation metadata.
    """
    carrier = {key: value for key, value in metadata if isinstance(value, str)}
    service, _, name = method.lstrip("/").partition("/")
    attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
    with tracer.start_as_current_span(
        method.lstrip("/"), propagate.extract(carrier), SpanKind.SERVER, attributes, record_exception=False
    ) as span:
        yield span


def trace_id_of(span: Span) -> str:
    """The W3C trace id of a span, 32 hexadecimal digits."""
    return f"{span.get_span_context().trace_id:032x}"
