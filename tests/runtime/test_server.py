"""The life of a service: health, refusal at the door, faults of handlers, drain, TLS."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from opentelemetry.sdk.trace import TracerProvider

from maatu.v1 import common_pb2, translate_pb2, translate_pb2_grpc, tts_pb2, tts_pb2_grpc
from maatu_runtime import errors
from maatu_runtime.channel import create_channel, hop_timeout_s
from maatu_runtime.config import ServiceConfig
from maatu_runtime.server import Server, Service
from maatu_runtime.status import from_rpc_error, keep_status, why_it_failed
from maatu_runtime.testing import FakeScript, FakeServices, serve, serve_at
from maatu_runtime.testing.fakes import FakeTranslation

REQUEST = translate_pb2.TranslateRequest(text="hola", source_language_code="es", target_language_code="en")


def make_service(servicer: Any, **parts: Any) -> Service:
    def register(server: grpc.aio.Server) -> None:
        translate_pb2_grpc.add_TranslationServicer_to_server(servicer, server)

    return Service("translate", ["maatu.v1.Translation"], register, **parts)


@pytest.fixture
def fake() -> FakeTranslation:
    return FakeTranslation(FakeScript(), [("es", "en")])


async def translate(channel: grpc.aio.Channel, timeout: float = 5) -> list[Any]:
    call = translate_pb2_grpc.TranslationStub(channel).Translate(REQUEST, timeout=timeout)
    return [response async for response in call]


async def failure(channel: grpc.aio.Channel) -> Exception:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await translate(channel)
    return from_rpc_error(caught.value, hop="translate")


async def health(channel: grpc.aio.Channel, service: str = "") -> Any:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)).status


async def test_health_is_serving_only_once_warmed_up(fake: FakeTranslation) -> None:
    warm = asyncio.Event()

    async def warm_up() -> None:
        await warm.wait()

    server = Server(
        make_service(fake, warm_up=warm_up), ServiceConfig(drain_grace_s=0), TracerProvider().get_tracer("t")
    )
    start = asyncio.create_task(server.start())
    while not server.port:
        await asyncio.sleep(0)
    try:
        # Our own channels look at the health first and would not even ask.
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            for name in ("", "maatu.v1.Translation"):
                assert await health(channel, name) == health_pb2.HealthCheckResponse.NOT_SERVING
            warm.set()
            await start
            for name in ("", "maatu.v1.Translation"):
                assert await health(channel, name) == health_pb2.HealthCheckResponse.SERVING
    finally:
        await server.stop()


async def test_reflection_lists_the_service(fake: FakeTranslation) -> None:
    async with serve(make_service(fake)) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
        call = stub.ServerReflectionInfo(timeout=5)
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        answer = await call.read()
        await call.done_writing()
        names = {service.name for service in answer.list_services_response.service}
        assert names >= {"maatu.v1.Translation", "grpc.health.v1.Health"}
        assert await call.read() == grpc.aio.EOF


async def test_a_call_over_the_limit_with_fakes_is_refused_and_a_place_is_free_again(fake: FakeTranslation) -> None:
    fake.script.delay_s = 0.1
    async with serve(make_service(fake), ServiceConfig(max_concurrent_requests=2, drain_grace_s=0)) as channel:
        calls = await asyncio.gather(*[translate(channel) for _ in range(5)], return_exceptions=True)
        refused = [call for call in calls if isinstance(call, grpc.aio.AioRpcError)]
        assert len(refused) == 3
        error = from_rpc_error(refused[0], hop="translate")
        assert isinstance(error, errors.CapacityExceeded)
        assert error.quota == errors.Quota("translate/Translate", 2)
        assert len(await translate(channel)) == 2


@pytest.mark.parametrize(
    "raised", [ZeroDivisionError("secret"), asyncio.CancelledError()], ids=["defect", "stray-cancel"]
)
async def test_a_defect_with_fakes_is_internal_at_once_and_keeps_its_secret(
    fake: FakeTranslation, raised: Exception
) -> None:
    fake.script.error = raised
    async with serve(make_service(fake)) as channel:
        error = await failure(channel)
        assert isinstance(error, errors.RemoteDefect)
        assert "secret" not in str(error)
        fake.script.error = None
        assert len(await translate(channel)) == 2


async def test_a_client_that_leaves_with_fakes_closes_the_handler_at_once(fake: FakeTranslation) -> None:
    fake.script.delay_s = 60
    async with serve(make_service(fake)) as channel:
        call = translate_pb2_grpc.TranslationStub(channel).Translate(REQUEST)
        while not fake.script.open_calls:
            await asyncio.sleep(0.001)
        call.cancel()
        async with asyncio.timeout(2):
            while fake.script.open_calls:
                await asyncio.sleep(0.001)


async def test_whoever_does_not_read_loses_its_place_to_others() -> None:
    fakes = FakeServices()
    fakes.tts.chunks = 10_000  # far more than the flow control of gRPC lets through
    audio_format = common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=16_000)
    request = tts_pb2.SynthesizeRequest(text="hi", options=tts_pb2.SynthesisOptions(format=audio_format))
    config = ServiceConfig(max_concurrent_requests=1, write_timeout_s=0.2, drain_grace_s=0)
    async with serve(fakes.services()["tts"], config) as channel:
        stub: Any = tts_pb2_grpc.TextToSpeechStub(channel)
        stalled = stub.Synthesize(request, timeout=10)
        await stalled.read()
        async with asyncio.timeout(5):
            while fakes.tts.script.open_calls:
                await asyncio.sleep(0.01)
        fakes.tts.chunks = 2
        assert len([response async for response in stub.Synthesize(request, timeout=5)]) == 4
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            while await stalled.read() is not grpc.aio.EOF:
                pass
        error = from_rpc_error(caught.value, hop="tts")
        assert isinstance(error, errors.DeadlineExceeded)
        assert "nobody read" in error.message


@pytest.mark.parametrize(
    ("error", "calls"),
    [(errors.HopUnavailable("llm"), 1), (errors.ModelFailed("broken"), 1), (errors.Unavailable("draining"), 3)],
    ids=["behind-the-hop", "model", "draining"],
)
async def test_only_a_server_that_drains_is_asked_again_by_grpc_itself(
    fake: FakeTranslation, error: errors.MaatuError, calls: int
) -> None:
    fake.script.error = error
    async with serve(make_service(fake), ServiceConfig(drain_grace_s=0)) as channel:
        assert isinstance(await failure(channel), type(error))
        assert fake.script.calls == calls


async def test_drain_with_fakes_finishes_what_runs_refuses_what_comes_and_closes_last(fake: FakeTranslation) -> None:
    fake.script.delay_s = 0.3
    order: list[str] = []

    async def close() -> None:
        order.append("closed")

    service = make_service(fake, close=close, on_drain=lambda: order.append("draining"))
    async with serve_at(service, ServiceConfig(drain_grace_s=5, drain_notice_s=0.1)) as served:
        running = asyncio.create_task(translate(served.channel))
        while not fake.script.open_calls:
            await asyncio.sleep(0.001)
        stop = asyncio.create_task(served.server.stop())
        while order != ["draining"]:
            await asyncio.sleep(0.001)
        late = await failure(served.channel)
        assert isinstance(late, errors.Unavailable)
        assert len(await running) == 2
        await stop
        assert order == ["draining", "closed"]


async def test_a_taken_port_is_a_configuration_error(fake: FakeTranslation) -> None:
    async with serve_at(make_service(fake)) as served:
        config = ServiceConfig(port=int(served.target.rpartition(":")[2]))
        with pytest.raises(errors.ConfigurationError, match="cannot listen"):
            await Server(make_service(fake), config, TracerProvider().get_tracer("t")).start()


SCRIPT = """
from maatu_runtime.config import ServiceConfig
from maatu_runtime.server import Service, run

def build(config):
    if PART == "broken":
        open("/nope/weights")
    return Service("example", [], lambda server: None)

run("example", ServiceConfig, build)
"""


def run_script(part: str, metrics_port: int = 0) -> subprocess.CompletedProcess[str]:
    """The life of a process whose engine is in order or broken."""
    script = SCRIPT.replace("PART", repr(part))
    environment = {**os.environ, "METRICS_PORT": str(metrics_port), "PORT": "0"}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_taken_port_for_metrics_ends_the_start_with_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_script("sound", port)
    assert done.returncode == 2
    assert done.stderr.startswith(f"maatu-example: cannot serve metrics on 127.0.0.1:{port}")
    assert "Traceback" not in done.stderr


def test_what_else_cannot_be_opened_is_not_taken_for_the_port_for_metrics() -> None:
    done = run_script("broken")
    assert done.returncode == 1
    assert "/nope/weights" in done.stderr
    assert "cannot serve metrics" not in done.stderr


def issue(directory: Path) -> None:
    """Writes a new authority and a certificate it signed over those of a directory."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    (directory / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))


@pytest.fixture
def certificates(tmp_path: Path) -> Callable[[str], Path]:
    """PEM files of an authority and a certificate it signed, by name."""
    issue(tmp_path)
    return lambda name: tmp_path / f"{name}.pem"


async def test_tls_serves_who_trusts_it_and_nobody_else(
    fake: FakeTranslation, certificates: Callable[[str], Path]
) -> None:
    config = ServiceConfig(tls_cert=certificates("cert"), tls_key=certificates("key"), drain_grace_s=0)
    async with serve_at(make_service(fake), config) as served:
        async with create_channel(served.target, tls_ca=certificates("ca")) as channel:
            assert len(await translate(channel)) == 2
        assert isinstance(await failure(served.channel), errors.HopUnavailable)


async def test_a_renewed_certificate_is_shown_from_the_next_connection_on(
    fake: FakeTranslation, certificates: Callable[[str], Path], tmp_path: Path
) -> None:
    config = ServiceConfig(tls_cert=certificates("cert"), tls_key=certificates("key"), drain_grace_s=0)
    async with (
        serve_at(make_service(fake), config) as served,
        create_channel(served.target, tls_ca=certificates("ca")) as before,
    ):
        assert len(await translate(before)) == 2
        issue(tmp_path)
        assert len(await translate(before)) == 2, "its connection is of before"
        async with create_channel(served.target, tls_ca=certificates("ca")) as after:
            assert len(await translate(after)) == 2


async def test_a_certificate_that_cannot_be_used_leaves_the_one_before(
    fake: FakeTranslation, certificates: Callable[[str], Path], tmp_path: Path
) -> None:
    config = ServiceConfig(tls_cert=certificates("cert"), tls_key=certificates("key"), drain_grace_s=0)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(certificates("ca").read_bytes())
    async with serve_at(make_service(fake), config) as served:
        certificates("cert").write_text("half a certificate")
        async with create_channel(served.target, tls_ca=trusted) as channel:
            assert len(await translate(channel)) == 2
        certificates("cert").unlink()
        async with create_channel(served.target, tls_ca=trusted) as channel:
            assert len(await translate(channel)) == 2
        issue(tmp_path)
        async with create_channel(served.target, tls_ca=certificates("ca")) as channel:
            assert len(await translate(channel)) == 2


async def test_beside_tls_another_port_answers_about_health_and_nothing_else(
    fake: FakeTranslation, certificates: Callable[[str], Path]
) -> None:
    config = ServiceConfig(
        tls_cert=certificates("cert"), tls_key=certificates("key"), health_port=0, drain_notice_s=0.5, drain_grace_s=0
    )
    server = Server(make_service(fake), config, TracerProvider().get_tracer("t"))
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.health_port}") as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answers = stub.Watch(health_pb2.HealthCheckRequest())
            assert (await answers.read()).status == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await translate(channel)
            assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
            stopping = asyncio.create_task(server.stop())
            assert (await answers.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            await stopping
    finally:
        await server.stop()


async def test_a_taken_port_for_health_is_a_configuration_error(fake: FakeTranslation) -> None:
    async with serve_at(make_service(fake)) as served:
        config = ServiceConfig(health_port=int(served.target.rpartition(":")[2]))
        server = Server(make_service(fake), config, TracerProvider().get_tracer("t"))
        with pytest.raises(errors.ConfigurationError, match="cannot listen"):
            await server.start()
        await server.stop()


async def test_mutual_tls_refuses_a_client_without_certificate(
    fake: FakeTranslation, certificates: Callable[[str], Path]
) -> None:
    config = ServiceConfig(
        tls_cert=certificates("cert"), tls_key=certificates("key"), tls_client_ca=certificates("ca"), drain_grace_s=0
    )
    async with serve_at(make_service(fake), config) as served:
        async with create_channel(served.target, tls_ca=certificates("ca")) as channel:
            assert isinstance(await failure(channel), errors.HopUnavailable)
        credentials = grpc.ssl_channel_credentials(
            certificates("ca").read_bytes(), certificates("key").read_bytes(), certificates("cert").read_bytes()
        )
        async with grpc.aio.secure_channel(served.target, credentials) as channel:
            assert len(await translate(channel)) == 2


async def test_half_of_tls_is_a_configuration_error(fake: FakeTranslation, certificates: Callable[[str], Path]) -> None:
    server = Server(make_service(fake), ServiceConfig(tls_cert=certificates("cert")), TracerProvider().get_tracer("t"))
    with pytest.raises(errors.ConfigurationError, match="TLS needs both"):
        await server.start()


async def test_a_channel_finds_a_service_again_that_came_back(fake: FakeTranslation) -> None:
    async with serve_at(make_service(fake)) as first:
        target, port = first.target, int(first.target.rpartition(":")[2])
        async with create_channel(target) as channel:
            assert len(await translate(channel)) == 2
            await first.server.stop()
            assert isinstance(await failure(channel), errors.HopUnavailable)
            async with serve_at(make_service(fake), ServiceConfig(port=port, drain_grace_s=0)), asyncio.timeout(5):
                while True:
                    try:
                        assert len(await translate(channel)) == 2
                        break
                    except grpc.aio.AioRpcError:
                        await asyncio.sleep(0.05)


async def test_a_reason_that_grpc_overwrites_is_told_all_the_same(fake: FakeTranslation) -> None:
    """As it does where a message of the caller is on its way when the reason arrives."""
    fake.script.error = errors.NotFound("no such voice", reason="VOICE_NOT_FOUND")
    async with serve(make_service(fake)) as channel:
        call: Any = translate_pb2_grpc.TranslationStub(channel).Translate(REQUEST)
        keep_status(call)
        assert await call.code() is grpc.StatusCode.NOT_FOUND
        call._cython_call.set_internal_error("a write met the end of the call")
        with pytest.raises(grpc.aio.AioRpcError, match="Internal error from Core") as caught:
            await call.read()
        error = await why_it_failed(call, caught.value, hop="translate")
    assert isinstance(error, errors.NotFound)
    assert (str(error), error.reason) == ("no such voice", "VOICE_NOT_FOUND")


async def test_metadata_of_the_caller_becomes_the_parent_of_the_servers_span(fake: FakeTranslation) -> None:
    async with serve(make_service(fake)) as channel:
        traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        call = translate_pb2_grpc.TranslationStub(channel).Translate(REQUEST, metadata=(("traceparent", traceparent),))
        assert [response async for response in call]
        fake.script.error = ZeroDivisionError()
        call = translate_pb2_grpc.TranslationStub(channel).Translate(REQUEST, metadata=(("traceparent", traceparent),))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await anext(aiter(call))
        assert "0af7651916cd43dd8448eb211c80319c" in str(from_rpc_error(caught.value, hop="translate"))


@pytest.mark.parametrize(
    ("remaining", "budget", "timeout"), [(10.0, 2.0, 2.0), (1.0, 2.0, 0.95), (0.01, 2.0, 0.001), (-5.0, 2.0, 0.001)]
)
def test_a_hop_gets_its_budget_or_what_is_left(remaining: float, budget: float, timeout: float) -> None:
    assert hop_timeout_s(remaining, budget) == pytest.approx(timeout)
