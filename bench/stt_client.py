"""The stt service as a process of its own, and people who speak to it in real time."""

import asyncio
import os
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import grpc
import numpy as np
import psutil
from prometheus_client.parser import text_string_to_metric_families

from maatu.v1 import common_pb2, stt_pb2
from maatu.v1.stt_pb2_grpc import SpeechToTextStub
from maatu_client.ports import choose_ports
from maatu_client.service_process import ServiceProcess, ServiceSpec
from maatu_runtime.audio.samples import Samples, to_int16
from maatu_runtime.channel import create_channel

ROOT = Path(__file__).resolve().parent.parent
MODELS_DIR = ROOT / "build" / "models"
RATE_HZ = 16_000
FRAME = RATE_HZ * 40 // 1_000
"""Samples in a message: 40 ms."""
STARTED = stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED
PAUSE = stt_pb2.SpeechActivity.TYPE_PAUSE
STOPPED = stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED
_Call: TypeAlias = grpc.aio.StreamStreamCall[stt_pb2.StreamingRecognizeRequest, stt_pb2.StreamingRecognizeResponse]
_START_TIMEOUT_S = 120.0
_STOP_GRACE_S = 8.0


@dataclass(frozen=True)
class Served:
    """A running service."""

    address: str
    """HOST:PORT."""
    metrics_url: str
    process: psutil.Process

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all samples of one name on the metrics page whose labels are these: "maatu_stt_queue_seconds_sum"."""
        with urllib.request.urlopen(self.metrics_url, timeout=10) as page:
            families = text_string_to_metric_families(page.read().decode())
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def cpu_seconds(self) -> float:
        """Processor time it has used."""
        times = self.process.cpu_times()
        return times.user + times.system

    def memory_mib(self) -> float:
        """Resident memory."""
        return self.process.memory_info().rss / 2**20


@asynccontextmanager
async def service(model: str, **settings: object) -> AsyncIterator[Served]:
    """The service with one model: `python -m maatu_stt`, healthy when it is entered.

    Args:
        model: Name of the model.
        settings: Of the service, where other than its defaults: max_utterance_s=300.
    """
    host = "127.0.0.1"
    port = choose_ports({"stt": host}, {})["stt"]
    metrics_port = choose_ports({"stt": host}, {}, taken=[port])["stt"]
    environment = {
        **os.environ,
        "MAATU_STT_HOST": host,
        "MAATU_STT_PORT": str(port),
        "MAATU_STT_METRICS_PORT": str(metrics_port),
        "MAATU_STT_MODELS": f'{{"*": "{model}"}}',
        "MAATU_MODELS_DIR": str(MODELS_DIR),
        **{f"MAATU_STT_{name.upper()}": str(value) for name, value in settings.items()},
    }
    spec = ServiceSpec("stt", "maatu_stt", host, port, environment)
    process = ServiceProcess(spec, ROOT / "build" / "logs" / "bench" / "stt.log")
    await process.start()
    try:
        await process.wait_healthy(_START_TIMEOUT_S)
        yield Served(spec.address, f"http://{host}:{metrics_port}/metrics", psutil.Process(process.pid))
    finally:
        await process.stop(_STOP_GRACE_S)


@dataclass
class Heard:
    """What came back on one stream, and when. Times are of `time.perf_counter`."""

    sent_at: list[float] = field(default_factory=list)
    """When each frame was sent."""
    answers: list[tuple[float, stt_pb2.StreamingRecognizeResponse]] = field(default_factory=list)

    def activities(self, type_: int) -> list[tuple[float, stt_pb2.SpeechActivity]]:
        """Voice activity of one type."""
        return [
            (at, answer.activity)
            for at, answer in self.answers
            if answer.HasField("activity") and answer.activity.type == type_
        ]

    def transcripts(self, *, is_final: bool | None = None) -> list[tuple[float, stt_pb2.Transcript]]:
        """Transcripts: all, the finals or the partials."""
        return [
            (at, answer.transcript)
            for at, answer in self.answers
            if answer.HasField("transcript") and is_final in (None, answer.transcript.is_final)
        ]

    def time_sent(self, position: int) -> float:
        """When the frame that holds a sample was sent."""
        return self.sent_at[position // FRAME]


def seconds(duration: object) -> float:
    """A protobuf Duration in seconds."""
    return float(duration.ToNanoseconds()) / 1e9  # type: ignore[attr-defined]


class Speaker:
    """Someone with a connection of their own. Use as an async context manager.

    Args:
        address: HOST:PORT of the service.
    """

    def __init__(self, address: str) -> None:
        self._channel = create_channel(address)

    async def __aenter__(self) -> "Speaker":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def speak(
        self,
        samples: Samples,
        *,
        heard: Heard | None = None,
        speed: float = 1.0,
        interim_results: bool = True,
    ) -> AsyncIterator[stt_pb2.StreamingRecognizeResponse]:
        """Streams a recording and yields each answer as it comes.

        Args:
            samples: At RATE_HZ. Silence after the last word is part of it.
            heard: Where given, is filled with what is sent and answered.
            speed: Each frame is sent when its last sample would have been recorded by someone who speaks so many times faster,
                against one schedule for the whole, and no sooner than the service takes it.
            interim_results: Ask for partials.
        """
        config = stt_pb2.StreamingRecognitionConfig(
            format=common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=RATE_HZ),
            language_codes=["en-US"],
            interim_results=interim_results,
        )
        call = SpeechToTextStub(self._channel).StreamingRecognize()
        await call.write(stt_pb2.StreamingRecognizeRequest(config=config))
        await call.initial_metadata()
        sending = asyncio.create_task(_send(call, samples, heard, speed))
        try:
            async for answer in call:
                if heard is not None:
                    heard.answers.append((time.perf_counter(), answer))
                yield answer
            await sending
        finally:
            sending.cancel()
            call.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def hear(self, samples: Samples) -> Heard:
        """Streams a recording in real time to its end, with interim results."""
        heard = Heard()
        async for _ in self.speak(samples, heard=heard):
            pass
        return heard


async def _send(call: _Call, samples: Samples, heard: Heard | None, speed: float) -> None:
    began = time.perf_counter()
    for index, frame in enumerate(_frames(samples)):
        if (wait_s := began + (index + 1) * FRAME / RATE_HZ / speed - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        if heard is not None:
            heard.sent_at.append(time.perf_counter())
        await call.write(stt_pb2.StreamingRecognizeRequest(audio=frame))
    await call.write(stt_pb2.StreamingRecognizeRequest(end_of_input=common_pb2.EndOfInput()))
    await call.done_writing()


def _frames(samples: Samples) -> Iterator[bytes]:
    for start in range(0, len(samples), FRAME):
        frame = samples[start : start + FRAME]
        yield to_int16(np.pad(frame, (0, FRAME - len(frame)))).astype("<i2").tobytes()
