"""The five real services as real processes with the embedded models, and a real OTLP collector."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from maatu.v1 import common_pb2, stt_pb2, tts_pb2
from maatu.v1.stt_pb2_grpc import SpeechToTextStub
from maatu.v1.tts_pb2_grpc import TextToSpeechStub
from maatu_client import VoiceClient
from maatu_client.profiles import SERVICES, load_profile
from maatu_client.reply import Reply
from maatu_client.supervisor import LocalStack
from maatu_runtime.audio import AudioFormat, Encoding, StreamDecoder
from maatu_runtime.audio.samples import Samples
from maatu_runtime.channel import create_channel

RATE_HZ = 16_000


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP collector that keeps what it receives: (service, span) by trace id."""

    def __init__(self) -> None:
        self.traces: dict[str, list[tuple[str, Any]]] = defaultdict(list)

    def Export(self, request: Any, context: Any) -> Any:
        for resource_spans in request.resource_spans:
            attributes = {attr.key: attr.value.string_value for attr in resource_spans.resource.attributes}
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    self.traces[span.trace_id.hex()].append((attributes["service.name"], span))
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture(scope="session")
def collector() -> Any:
    """A real collector on a thread of its own, with its address in `.target`."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    collector.target = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"  # type: ignore[attr-defined]
    server.start()
    yield collector
    server.stop(None).wait()


@dataclass
class RealStack:
    """The running services, and how tests talk to them."""

    stack: LocalStack
    spoken: dict[tuple[str, str], Samples] = field(default_factory=dict)

    def client(self) -> VoiceClient:
        """A client of the gateway."""
        return VoiceClient(self.stack.address("gateway"))

    async def say(self, text: str, language: str) -> Samples:
        """A text as the tts service speaks it: float32 mono at RATE_HZ."""
        key = (text, language)
        if key not in self.spoken:
            decoder = StreamDecoder(AudioFormat(Encoding.LINEAR16, RATE_HZ), RATE_HZ)
            options = tts_pb2.SynthesisOptions(
                voice=common_pb2.Voice(language_code=language),
                format=common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=RATE_HZ),
            )
            async with create_channel(self.stack.address("tts")) as channel:
                call = TextToSpeechStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text=text, options=options))
                pieces = [decoder.push(part.audio.audio) async for part in call if part.HasField("audio")]
            self.spoken[key] = np.concatenate(pieces)
        return self.spoken[key]

    async def transcribe(self, samples: Samples, rate_hz: int, language: str) -> str:
        """What the stt service hears in samples."""
        config = stt_pb2.StreamingRecognitionConfig(
            format=common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=rate_hz),
            language_codes=[language],
        )
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        async with create_channel(self.stack.address("stt")) as channel:
            call = SpeechToTextStub(channel).Recognize(stt_pb2.RecognizeRequest(config=config, audio=pcm))
            return " ".join([answer.transcript.text async for answer in call if answer.transcript.is_final])

    async def converse(self, samples: Samples, language: str, **options: Any) -> tuple[list[Any], Reply]:
        """Speaks to the gateway in real time. Returns all events and what came of them."""
        events, reply = [], Reply()
        async with self.client() as client, client.converse(language, **options) as conversation:
            conversation.speak(samples, RATE_HZ)
            async for event in conversation:
                events.append(event)
                reply.add(event)
        return events, reply

    async def metric(self, service: Any, name: str) -> float:
        """The sum over all labels of a metric on a service's real /metrics page; 0 before its first use."""
        host, _, path = self.stack.metrics_url(service).removeprefix("http://").partition("/")
        address, _, port = host.rpartition(":")
        reader, writer = await asyncio.open_connection(address, int(port))
        writer.write(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
        page = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        rows = [line for line in page.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
        assert rows or f"# HELP {name} " in page, f"{service} has no metric {name}"
        return sum(float(row.rpartition(" ")[2]) for row in rows)

    async def until_idle(self) -> None:
        """Waits until no service works on anything: no call, no place in use."""
        async with asyncio.timeout(10):
            for service in SERVICES:
                while await self.metric(service, "maatu_rpcs_in_progress") or await self.metric(
                    service, "maatu_capacity_in_use"
                ):
                    await asyncio.sleep(0.02)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def real(models_dir: Path, collector: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealStack]:
    """The embedded profile, running."""
    overrides = {service: {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.target} for service in SERVICES}
    logs = tmp_path_factory.mktemp("logs")
    async with LocalStack(load_profile("embedded"), models_dir, log_dir=logs, overrides=overrides) as stack:
        yield RealStack(stack)
