"""A real server of a service within the test's own process and event loop."""

import asyncio
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.sdk.trace import TracerProvider

from maatu_runtime.channel import create_channel
from maatu_runtime.config import ServiceConfig
from maatu_runtime.server import Server, Service

SETTLE_S = 5.0
"""How long tasks may take to end after the server stopped."""


@dataclass(frozen=True)
class Served:
    """A service that is being served."""

    channel: grpc.aio.Channel
    """A channel to it."""
    target: str
    """Its address, "127.0.0.1:port"."""
    server: Server
    """The server itself, for tests that stop it."""


@asynccontextmanager
async def serve_at(
    service: Service, config: ServiceConfig | None = None, provider: TracerProvider | None = None
) -> AsyncIterator[Served]:
    """Serves on a free loopback port with all interceptors, and says where.

    Args:
        service: What to serve; it is warmed up first and closed at the end.
        config: Limits and TLS; by default those of ServiceConfig with a drain of no time.
        provider: Where the server's spans go; by default nowhere.
    """
    config = config or ServiceConfig(drain_grace_s=0)
    tracer = (provider or TracerProvider(shutdown_on_exit=False)).get_tracer("maatu")
    server = Server(service, config, tracer)
    try:
        await server.start()
        target = f"127.0.0.1:{server.port}"
        async with create_channel(target) as channel:
            yield Served(channel, target, server)
    finally:
        await server.stop()


@asynccontextmanager
async def serve(
    service: Service, config: ServiceConfig | None = None, provider: TracerProvider | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """Like `serve_at`, yields just the channel, and checks at the end that no task is left behind.

    Raises:
        AssertionError: at the end, a task is left behind.
    """
    before = asyncio.all_tasks()
    async with serve_at(service, config, provider) as served:
        yield served.channel
    left = await leftover_tasks(before)
    assert not left, f"tasks left behind: {left}"


async def leftover_tasks(before: "Set[asyncio.Task[Any]]") -> "set[asyncio.Task[Any]]":
    """Tasks that were not there before and do not end by themselves within SETTLE_S."""
    left = asyncio.all_tasks() - set(before) - {asyncio.current_task()}
    # grpc.aio keeps a poller of its own per event loop; it belongs to no call.
    left = {task for task in left if "grpc" not in repr(task.get_coro())}
    if left:
        _, left = await asyncio.wait(left, timeout=SETTLE_S)
    return left
