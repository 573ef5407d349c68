"""Puts the gateway together out of its parts."""

from opentelemetry.trace import Tracer

from maatu.v1 import gateway_pb2_grpc
from maatu_gateway.backends import Backends
from maatu_gateway.config import Config
from maatu_gateway.servicer import VoiceGatewayServicer
from maatu_runtime.server import Service


def assemble(config: Config, tracer: Tracer) -> tuple[Service, VoiceGatewayServicer, Backends]:
    """The service of a process, its servicer, and the services behind it.

    Args:
        config: Everything it is told.
        tracer: For the spans of turns.
    """
    backends = Backends(config)
    servicer = VoiceGatewayServicer(config, backends, tracer)
    service = Service(
        name="gateway",
        grpc_services=["maatu.v1.VoiceGateway"],
        register=lambda server: gateway_pb2_grpc.add_VoiceGatewayServicer_to_server(servicer, server),
        warm_up=backends.start,
        close=backends.close,
        capacity=servicer.capacity,
        on_drain=servicer.drain,
    )
    return service, servicer, backends
