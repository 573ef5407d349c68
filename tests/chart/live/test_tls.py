"""TLS as the chart sets it up: the generated certificate is one that clients take, and the probes get through."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from maatu.v1 import gateway_pb2
from maatu.v1.gateway_pb2_grpc import VoiceGatewayStub
from tests.chart.helm import Helm
from tests.chart.local_cluster import LocalCluster
from tests.chart.pods import LocalPod
from tests.chart.rendering import COMPONENTS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

HOST = "voice.example.com"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateway(helm: Helm, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalPod]:
    """The gateway of a release whose edge is the gateway's own TLS, with a certificate that helm makes."""
    values = {"tls": {"gateway": True}, "edge": {"type": "loadBalancer", "host": HOST}}
    rendered = helm.template("values-local.yaml", values=values)
    subnet = f"127.{20 + os.getpid() % 200}.{os.getpid() // 200 % 250}"
    cluster = LocalCluster(rendered, tmp_path_factory.mktemp("tls"), models_dir, subnet)
    # The hops have addresses, but only the gateway is started; .9 and above are not those of the other tests.
    pod = cluster.pods([f"maatu-{name}" for name in ("redis", *COMPONENTS)], first=9)["maatu-gateway"]
    try:
        await pod.start()
        yield pod
    finally:
        await pod.kill()


def authority(pod: LocalPod) -> bytes:
    """The authority's certificate out of the generated Secret."""
    return Path(pod.places["/etc/maatu/tls"], "ca.crt").read_bytes()


async def test_the_probes_ask_beside_tls(gateway: LocalPod) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert gateway.container[probe]["grpc"]["port"] == gateway.port("health")
        assert await gateway.probe(gateway.container[probe]), probe


async def test_without_tls_nobody_gets_through(gateway: LocalPod) -> None:
    assert not await gateway.probe({"grpc": {"port": gateway.port("grpc")}})
    async with grpc.aio.insecure_channel(f"{gateway.address}:{gateway.port('health')}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            async for _ in VoiceGatewayStub(channel).Ask(gateway_pb2.AskRequest(text="Hello."), timeout=30):
                pass
    assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_clients_trust_the_certificate_for_the_host_s_name_and_no_other(gateway: LocalPod) -> None:
    roots = authority(gateway)

    async def code(name: str) -> grpc.StatusCode:
        options = [("grpc.ssl_target_name_override", name), ("grpc.enable_retries", 0)]
        target = f"{gateway.address}:{gateway.port('grpc')}"
        async with grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(roots), options=options) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                async for _ in VoiceGatewayStub(channel).Ask(gateway_pb2.AskRequest(), timeout=30):
                    pass
            return failed.value.code()

    assert await code(HOST) == grpc.StatusCode.INVALID_ARGUMENT  # it was heard: the request is empty
    assert await code("elsewhere.example.com") == grpc.StatusCode.UNAVAILABLE
