"""Starts the gateway: `python -m maatu_gateway`."""

from opentelemetry import trace

from maatu_gateway.config import Config
from maatu_gateway.service import assemble
from maatu_runtime.server import Service, run


def build(config: Config) -> Service:
    """Makes the service out of its parts."""
    return assemble(config, trace.get_tracer("maatu"))[0]


def main() -> None:
    """Entry point."""
    run("gateway", Config, build)


if __name__ == "__main__":
    main()
