"""A real gateway on loopback in front of the four scripted services, for tests and benchmarks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from maatu.v1 import common_pb2, gateway_pb2, gateway_pb2_grpc
from maatu_gateway.config import Config
from maatu_gateway.hops import Hops
from maatu_gateway.servicer import VoiceGatewayServicer
from maatu_runtime.server import Service
from maatu_runtime.status import why_it_failed
from maatu_runtime.testing import FakeServices, Served, leftover_tasks, serve_at

RATE_HZ = 16_000
"""Sample rate of all audio here."""
SPEECH = b"\x10\x20" * (RATE_HZ // 50)
"""20 ms that the fake stt takes for speech."""
SILENCE = bytes(len(SPEECH))
"""20 ms that it takes for silence."""


_IN_PROGRESS = "maatu_rpcs_in_progress"
_RPCS = ("Converse", "Ask")


@dataclass
class FakeGraph:
    """The whole graph: a real gateway, fake services."""

    fakes: FakeServices
    served: dict[str, Served]
    servicer: VoiceGatewayServicer
    stub: Any
    spans: InMemorySpanExporter

    async def converse(self, *messages: gateway_pb2.ConverseRequest, end: bool = True) -> list[Any]:
        """Sends messages, and end_of_input unless told to keep the stream open, and returns all events.

        Raises:
            MaatuError: what the gateway refused the stream with.
        """
        call = self.stub.Converse(timeout=20)
        requests = [*messages]
        if end:
            requests.append(gateway_pb2.ConverseRequest(end_of_input=common_pb2.EndOfInput()))
        writer = asyncio.create_task(self._write(call, requests, end))
        try:
            return [response.event async for response in call]
        except grpc.aio.AioRpcError as error:
            raise await why_it_failed(call, error, hop="gateway") from error
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    @staticmethod
    async def _write(call: Any, requests: list[gateway_pb2.ConverseRequest], end: bool) -> None:
        for index, request in enumerate(requests):
            if index == 1:
                await call.initial_metadata()  # as the contract says: a refusal keeps its details
            await call.write(request)
        if end:
            await call.done_writing()

    async def until_idle(self) -> None:
        """Waits until no call is open at any fake and no conversation at the gateway."""
        async with asyncio.timeout(5):
            while self.fakes.open_calls or self.servicer.capacity()[0] or self._calls_in_progress():
                await asyncio.sleep(0.005)

    @staticmethod
    def _calls_in_progress() -> float:
        calls = (REGISTRY.get_sample_value(_IN_PROGRESS, {"service": "gateway", "method": rpc}) for rpc in _RPCS)
        return sum(count or 0 for count in calls)


def make_config(**changes: Any) -> gateway_pb2.ConverseRequest:
    """A config message for English in 16 kHz PCM, with changes."""
    audio_format = common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=RATE_HZ)
    fields = {"language_code": "en-US", "input_format": audio_format, "output_format": audio_format, **changes}
    return gateway_pb2.ConverseRequest(config=gateway_pb2.ConversationConfig(**fields))


def make_utterance(*, speech_frames: int = 25, silence_frames: int = 30) -> list[gateway_pb2.ConverseRequest]:
    """Frames of speech, then silence enough to end the utterance."""
    frames = [SPEECH] * speech_frames + [SILENCE] * silence_frames
    return [gateway_pb2.ConverseRequest(audio=frame) for frame in frames]


def make_text(text: str) -> gateway_pb2.ConverseRequest:
    """A typed turn."""
    return gateway_pb2.ConverseRequest(text=gateway_pb2.TextInput(text=text))


def kinds(events: list[Any]) -> list[str]:
    """What each event is."""
    return [event.WhichOneof("event") for event in events]


@asynccontextmanager
async def serve_graph(fakes: FakeServices | None = None, **settings: Any) -> AsyncIterator[FakeGraph]:
    """Serves the graph on loopback."""
    before = asyncio.all_tasks()
    fakes = fakes or FakeServices()
    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    async with AsyncExitStack() as stack:
        served = {
            name: await stack.enter_async_context(serve_at(service, provider=provider))
            for name, service in fakes.services().items()
        }
        targets = {f"{name}_target": part.target for name, part in served.items()}
        config = Config(**{"port": 0, "drain_grace_s": 1, **targets, **settings})
        hops = Hops(config)
        servicer = VoiceGatewayServicer(config, hops, provider.get_tracer("maatu"))
        gateway = Service(
            "gateway",
            ["maatu.v1.VoiceGateway"],
            lambda server: gateway_pb2_grpc.add_VoiceGatewayServicer_to_server(servicer, server),
            close=hops.close,
            capacity=servicer.capacity,
            on_drain=servicer.drain,
        )
        served["gateway"] = await stack.enter_async_context(serve_at(gateway, config, provider))
        stub = gateway_pb2_grpc.VoiceGatewayStub(served["gateway"].channel)
        yield FakeGraph(fakes, served, servicer, stub, spans)
    left = await leftover_tasks(before)
    assert not left, f"tasks left behind: {left}"
