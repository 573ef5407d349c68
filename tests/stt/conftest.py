"""What the tests of the stt service share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import numpy as np
import pytest

from maatu.v1 import common_pb2, stt_pb2, stt_pb2_grpc
from maatu_runtime.audio.samples import Samples, to_int16
from maatu_runtime.errors import MaatuError
from maatu_runtime.status import keep_status, why_it_failed
from maatu_runtime.testing import leftover_tasks, serve_at
from maatu_stt.config import Config
from maatu_stt.engine.fake import FakeRecognizer, FakeScript, LoudnessDetector
from maatu_stt.service import assemble

RATE_HZ = 16_000
Request = stt_pb2.StreamingRecognizeRequest


class Client:
    """Calls an stt service and gathers its answers."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub = stt_pb2_grpc.SpeechToTextStub(channel)

    def config(self, **fields: Any) -> stt_pb2.StreamingRecognitionConfig:
        """A config for English in LINEAR16 at 16 kHz, where `fields` do not say otherwise."""
        return stt_pb2.StreamingRecognitionConfig(
            **{
                "format": common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=RATE_HZ),
                "language_codes": ["en-US"],
                **fields,
            }
        )

    def audio(self, samples: Samples, frame_ms: int = 40) -> list[Request]:
        """Samples at 16 kHz as messages."""
        size = RATE_HZ * frame_ms // 1_000
        values = to_int16(samples).astype("<i2")
        return [Request(audio=values[start : start + size].tobytes()) for start in range(0, len(values), size)]

    def requests(self, samples: Samples, frame_ms: int = 40, **fields: Any) -> list[Request]:
        """A whole stream: config, audio, end of input."""
        end = Request(end_of_input=common_pb2.EndOfInput())
        return [Request(config=self.config(**fields)), *self.audio(samples, frame_ms), end]

    async def stream(self, requests: Iterable[Request]) -> list[str]:
        """What a stream answers, in short: "STARTED", "PAUSE", …, "partial …", "final …"."""
        return [short(response) async for response in self.stub.StreamingRecognize(iter(requests))]

    async def responses(self, requests: Iterable[Request]) -> list[stt_pb2.StreamingRecognizeResponse]:
        """What a stream answers."""
        return [response async for response in self.stub.StreamingRecognize(iter(requests))]

    async def refusal(self, call: Any) -> MaatuError:
        """The typed error that a call ends with."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call:
                pass
        error = await why_it_failed(call, caught.value, hop="stt")
        assert isinstance(error, MaatuError), error
        return error

    async def stream_refusal(self, *requests: Request) -> MaatuError:
        """The typed error that a stream of these requests ends with."""
        return await self.refusal(keep_status(self.stub.StreamingRecognize(iter(requests))))


def short(response: Any) -> str:
    """A response in a few words."""
    if response.HasField("activity"):
        name: str = stt_pb2.SpeechActivity.Type.Name(response.activity.type)
        return name.removeprefix("TYPE_").removeprefix("SPEECH_")
    return f"{'final' if response.transcript.is_final else 'partial'} {response.transcript.text}"


def tone(seconds: float) -> Samples:
    """What `LoudnessDetector` takes for voice."""
    return (0.5 * np.sin(np.arange(round(seconds * RATE_HZ)) * 2 * np.pi * 440 / RATE_HZ)).astype(np.float32)


def silence(seconds: float) -> Samples:
    """Zeros."""
    return np.zeros(round(seconds * RATE_HZ), np.float32)


@pytest.fixture
def voice() -> Callable[..., Samples]:
    """Loud and quiet stretches in turn: `voice(1.0, 0.3, 1.0)` is a second of voice, 300 ms of silence, and another."""

    def make(*seconds: float) -> Samples:
        pieces = [tone(length) if index % 2 == 0 else silence(length) for index, length in enumerate(seconds)]
        return np.concatenate(pieces)

    return make


@pytest.fixture
def fake() -> FakeRecognizer:
    """The fake recogniser that `client` is served by."""
    return FakeRecognizer(FakeScript(languages=frozenset({"en", "es", "kn"})))


Serving = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def serving() -> Serving:
    """Serves a given recogniser with the detector of loudness: `async with serving(fake) as client`.

    Endpoints do not adapt unless asked to: audio comes faster than people speak here, so that whether a transcript is there
    in time to move its endpoint is a matter of chance.
    """

    @asynccontextmanager
    async def start(recognizer: FakeRecognizer, **settings: Any) -> AsyncIterator[Client]:
        before = asyncio.all_tasks()
        async with serve_at(
            assemble(recognizer, LoudnessDetector, Config(**{"adaptive_endpoint": False, **settings}))
        ) as served:
            yield Client(served.channel)
        left = await leftover_tasks(before)
        assert not left, f"tasks left behind: {left}"
        assert recognizer.is_closed

    return start


@pytest.fixture
async def client(fake: FakeRecognizer, serving: Serving) -> AsyncIterator[Client]:
    """A client of a real server with the fake recogniser."""
    async with serving(fake) as client:
        yield client
