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
from maatu_gateway.backends import Backends
from maatu_gateway.config import Config
from maatu_gateway.service import assemble
from maatu_gateway.servicer import VoiceGatewayServicer
from maatu_runtime.status import keep_status, why_it_failed
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
    second: FakeServices | None
    config: Config
    served: dict[str, Served]
    servicer: VoiceGatewayServicer
    backends: Backends
    stub: Any
    spans: InMemorySpanExporter

    async def converse(self, *messages: gateway_pb2.ConverseRequest, end: bool = True) -> list[Any]:
        """Sends messages, and end_of_input unless told to keep the stream open, and returns all events.

        Raises:
            MaatuError: what the gateway refused the stream with.
        """
        call = keep_status(self.stub.Converse(timeout=20))
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
async def serve_graph(
    fakes: FakeServices | None = None, *, second: FakeServices | None = None, spread: bool = False, **settings: Any
) -> AsyncIterator[FakeGraph]:
    """Serves the graph on loopback.

    Args:
        fakes: The services.
        second: Another of each, served as "second stt" and so on: canaries, or further pods.
        spread: The gateway spreads its calls over both.
        settings: Of the gateway.
    """
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
        for name, service in (second.services() if second is not None else {}).items():
            other = await stack.enter_async_context(serve_at(service, provider=provider))
            served[f"second {name}"] = other
            if spread:
                targets[f"{name}_target"] = f"ipv4:{served[name].target},{other.target}"
        config = Config(**{"port": 0, "drain_grace_s": 1, "hop_patience_s": 0.3, **targets, **settings})
        gateway, servicer, backends = assemble(config, provider.get_tracer("maatu"))
        served["gateway"] = await stack.enter_async_context(serve_at(gateway, config, provider))
        stub = gateway_pb2_grpc.VoiceGatewayStub(served["gateway"].channel)
        yield FakeGraph(fakes, second, config, served, servicer, backends, stub, spans)
    left = await leftover_tasks(before)
    assert not left, f"tasks left behind: {left}"
