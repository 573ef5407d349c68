"""Starts the gateway: `python -m maatu_gateway`."""

from opentelemetry import trace

from maatu.v1 import gateway_pb2_grpc
from maatu_gateway.config import Config
from maatu_gateway.hops import Hops
from maatu_gateway.servicer import VoiceGatewayServicer
from maatu_runtime.server import Service, run


def build(config: Config) -> Service:
    """Makes the service out of its parts."""
    hops = Hops(config)
    servicer = VoiceGatewayServicer(config, hops, trace.get_tracer("maatu"))
    return Service(
        name="gateway",
        grpc_services=["maatu.v1.VoiceGateway"],
        register=lambda server: gateway_pb2_grpc.add_VoiceGatewayServicer_to_server(servicer, server),
        close=hops.close,
        capacity=servicer.capacity,
        on_drain=servicer.drain,
    )


def main() -> None:
    """Entry point."""
    run("gateway", Config, build)


if __name__ == "__main__":
    main()
