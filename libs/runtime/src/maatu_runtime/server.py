"""How every Maatu service starts, serves and ends.

    read the configuration → listen → NOT_SERVING while models load → SERVING → SIGTERM: NOT_SERVING, wait until endpoints
    noticed, refuse new calls, let running ones finish, release everything.

A `__main__.py` says what the service is made of (`Service`) and calls `run`.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry import trace
from opentelemetry.trace import Tracer
from prometheus_client import start_http_server

from maatu_runtime import metrics
from maatu_runtime.channel import KEEPALIVE_MS, MAX_MESSAGE_BYTES
from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import ConfigurationError, MaatuError
from maatu_runtime.interceptors import CallInterceptor, errors_layer, limiter_layer, telemetry_layer
from maatu_runtime.logs import configure_logging
from maatu_runtime.telemetry import start_telemetry
from maatu_runtime.tls import server_credentials

log = structlog.get_logger()
C = TypeVar("C", bound=ServiceConfig)
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def _nothing() -> None:
    """Nothing to do."""


@dataclass(frozen=True)
class Service:
    """What a service is made of, as far as its start and end are concerned."""

    name: str
    """Short name: "stt"."""
    grpc_services: Sequence[str]
    """Full names of its gRPC services, for health and reflection: "maatu.v1.SpeechToText"."""
    register: Callable[[grpc.aio.Server], None]
    """Adds its servicers to a server."""
    warm_up: Callable[[], Awaitable[None]] = _nothing
    """Loads its models. It is healthy once this returns; a MaatuError or ConfigurationError ends the start."""
    close: Callable[[], Awaitable[None]] = _nothing
    """Releases everything. Awaited after the last call ended."""
    capacity: Callable[[], tuple[int, int]] = field(default=lambda: (0, 0))
    """(places in use, places) of its engine."""
    on_drain: Callable[[], None] = field(default=lambda: None)
    """Told when the server begins to drain: long streams should come to an end by themselves."""


class Server:
    """One running gRPC server of one service.

    Args:
        service: What it serves.
        config: Where and how.
        tracer: For the spans of its calls.
    """

    def __init__(self, service: Service, config: ServiceConfig, tracer: Tracer) -> None:
        self._service = service
        self._config = config
        self._is_draining = False
        layers = [
            telemetry_layer(tracer),
            errors_layer(),
            limiter_layer(config.max_concurrent_requests, is_draining=lambda: self._is_draining),
        ]
        self._server = grpc.aio.server(
            interceptors=[CallInterceptor(service.name, layers, write_timeout_s=config.write_timeout_s)],
            options=[
                ("grpc.so_reuseport", 0),  # otherwise two servers share a port silently
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.keepalive_time_ms", KEEPALIVE_MS),
                ("grpc.keepalive_timeout_ms", 5_000),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                ("grpc.server_handshake_timeout_ms", 5_000),
                # A pod that joins is found when connections are made anew (grpc/grpc#12295). No grace: calls end by themselves.
                ("grpc.max_connection_age_ms", 300_000),
                ("grpc.http2.bdp_probe", 0),
                ("grpc.http2.lookahead_bytes", 65_536),
            ],
        )
        self._health = health.aio.HealthServicer()
        self._health_server: grpc.aio.Server | None = None
        self.port = 0
        """The port it listens on, once started."""
        self.health_port = 0
        """The port that answers about health alone, once started; 0 where there is none."""

    async def start(self) -> None:
        """Listens, answers NOT_SERVING while the service warms up, then SERVING.

        Raises:
            ConfigurationError: a port is taken, or a TLS file cannot be read.
            MaatuError: the service could not warm up.
        """
        service, config = self._service, self._config
        service.register(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [*service.grpc_services, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, self._server)
        await self._set_health(_NOT_SERVING)
        self.port = _listen(self._server, config.host, config.port, server_credentials(config))
        if config.health_port is not None:
            self._health_server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._health_server)
            self.health_port = _listen(self._health_server, config.host, config.health_port)
            await self._health_server.start()
        await self._server.start()
        log.info("listening", service=service.name, host=config.host, port=self.port)
        await service.warm_up()
        await self._set_health(_SERVING)
        log.info("serving", service=service.name, port=self.port)

    async def stop(self) -> None:
        """Drains: no new calls, running ones get `drain_grace_s` to finish; then releases the service."""
        await self._set_health(_NOT_SERVING)
        await asyncio.sleep(self._config.drain_notice_s)
        self._is_draining = True
        self._service.on_drain()
        log.info("draining", service=self._service.name, grace_s=self._config.drain_grace_s)
        await self._server.stop(self._config.drain_grace_s)
        if self._health_server is not None:
            await self._health_server.stop(None)
        await self._service.close()
        log.info("stopped", service=self._service.name)

    async def _set_health(self, status: Any) -> None:
        metrics.SERVING.labels(self._service.name).set(1 if status == _SERVING else 0)
        for name in ("", *self._service.grpc_services):
            await self._health.set(name, status)


def _listen(server: grpc.aio.Server, host: str, port: int, credentials: grpc.ServerCredentials | None = None) -> int:
    """Gives a server a port, with TLS where there are credentials; returns it.

    Raises:
        ConfigurationError: it is taken.
    """
    address = f"{host}:{port}"
    try:
        if credentials is not None:
            return server.add_secure_port(address, credentials)
        return server.add_insecure_port(address)
    except RuntimeError as error:
        raise ConfigurationError(f"cannot listen on {address}: {error}") from error


def run(name: str, config_class: type[C], build: Callable[[C], Service]) -> NoReturn:
    """The whole life of a service's process. Never returns; exit status 2 when it cannot start.

    Args:
        name: Short name: "stt".
        config_class: Read from the environment; `--help` prints its fields.
        build: Makes the service; quick, since models load in `Service.warm_up`.
    """
    parser = argparse.ArgumentParser(
        prog=f"maatu-{name}",
        description=f"The {name} service of Maatu. It is set by these environment variables:",
        epilog=config_class.describe(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="check that it can be built and configured, then exit")
    options = parser.parse_args()
    try:
        config = config_class.from_environment()
        configure_logging(name, level=config.log_level, style=config.log_format)
        if options.check:
            build(config)
            print(f"{name}: imports and configuration are sound")  # noqa: T201
            sys.exit(0)
        asyncio.run(_serve_until_signal(name, config, build))
    except (ConfigurationError, MaatuError) as error:
        print(f"maatu-{name}: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    sys.exit(0)


async def _serve_until_signal(name: str, config: C, build: Callable[[C], Service]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    provider = start_telemetry(name, otlp_endpoint=config.otlp_endpoint)
    trace.set_tracer_provider(provider)  # once per process; `build` gets its tracer from there
    page = None
    try:
        service = build(config)
        metrics.publish_capacity(name, service.capacity)
        try:
            page, _ = start_http_server(config.metrics_port, addr=config.host)
        except OSError as error:
            raise ConfigurationError(f"cannot serve metrics on {config.host}:{config.metrics_port}: {error}") from error
        server = Server(service, config, provider.get_tracer("maatu"))
        start = asyncio.create_task(server.start(), name="start")
        signalled = asyncio.create_task(stop.wait(), name="signal")
        try:
            await asyncio.wait([start, signalled], return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                await start
                await signalled
        finally:
            start.cancel()
            signalled.cancel()
            await asyncio.gather(start, signalled, return_exceptions=True)
            await server.stop()
    finally:
        if page is not None:
            page.shutdown()
            page.server_close()
        provider.shutdown()
