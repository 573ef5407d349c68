"""Channels: a server that is slow to greet is waited for, one that is away is named at once."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from maatu_runtime.channel import create_channel
from maatu_runtime.errors import ConfigurationError
from maatu_runtime.server import Service
from maatu_runtime.testing import serve_at


@pytest.fixture
def dead() -> Iterator[str]:
    """An address at which connections are refused: nobody listens, and nobody else gets the port."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"


@asynccontextmanager
async def slow_to_greet(target: str, after_s: float) -> AsyncIterator[str]:
    """A way to a server on which a connection is taken at once and answered only after a while, as a busy one does it."""
    host, port = target.split(":")
    connections: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(cast("asyncio.Task[None]", asyncio.current_task()))
        with suppress(OSError), closing(writer):
            await asyncio.sleep(after_s)
            server_reader, server_writer = await asyncio.open_connection(host, int(port))
            with closing(server_writer):
                await asyncio.gather(copy(reader, server_writer), copy(server_reader, writer))

    way = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{way.sockets[0].getsockname()[1]}"
    finally:
        way.close()
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def is_serving(channel: grpc.aio.Channel) -> bool:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def test_a_busy_server_is_waited_for_where_another_address_is_dead(dead: str) -> None:
    async with (
        serve_at(Service("nothing", [], lambda _: None)) as served,
        slow_to_greet(served.target, after_s=0.8) as target,
        create_channel(f"ipv4:{target},{dead}") as channel,
    ):
        assert await is_serving(channel)


async def test_a_server_that_is_away_is_named_at_once(dead: str) -> None:
    async with create_channel(dead) as channel:
        with pytest.raises(grpc.aio.AioRpcError, match="Connection refused"):
            async with asyncio.timeout(2):
                await is_serving(channel)


@pytest.mark.parametrize(("name", "why"), [("ca.pem", "No such file"), ("", "Is a directory")])
async def test_an_authority_that_cannot_be_read_is_a_configuration_error(name: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot read {tmp_path / name} .*{why}"):
        create_channel("127.0.0.1:1", tls_ca=tmp_path / name)
