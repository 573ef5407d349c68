"""What the tests of the tts service share."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import pytest

from maatu.v1 import common_pb2, tts_pb2, tts_pb2_grpc
from maatu_runtime.errors import MaatuError
from maatu_runtime.status import from_rpc_error, keep_status, why_it_failed
from maatu_runtime.testing import leftover_tasks, serve_at
from maatu_tts.config import Config
from maatu_tts.engine.base import Capabilities, Engine
from maatu_tts.engine.fake import FakeEngine
from maatu_tts.service import assemble
from maatu_tts.synthesis_cache import SynthesisCache


class Client:
    """Calls a tts service and gathers its answers."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub = tts_pb2_grpc.TextToSpeechStub(channel)

    async def say(
        self, text: str, options: tts_pb2.SynthesisOptions | None = None, **fields: object
    ) -> list[tts_pb2.SynthesizeResponse]:
        """All messages of one Synthesize, in Kannada by default; `fields` are further options."""
        return [response async for response in self.stub.Synthesize(request(text, options, **fields))]

    async def dictate(self, *requests: tts_pb2.StreamingSynthesizeRequest) -> list[tts_pb2.StreamingSynthesizeResponse]:
        """All messages of one StreamingSynthesize. See `rest`."""
        return await self.rest(keep_status(self.stub.StreamingSynthesize(iter(requests))))

    async def rest(self, call: Any) -> list[Any]:
        """What is left of a call of which some messages were read already.

        Raises:
            MaatuError: what the call ended with.
        """
        responses = []
        try:
            while (response := await call.read()) is not grpc.aio.EOF:
                responses.append(response)
        except grpc.aio.AioRpcError as error:
            raise await why_it_failed(call, error, hop="tts") from None
        return responses

    async def refusal(self, call: Any) -> MaatuError:
        """The typed error that a call ends with."""
        with pytest.raises((grpc.aio.AioRpcError, MaatuError)) as caught:
            await call
        failed = caught.value
        error = from_rpc_error(failed, hop="tts") if isinstance(failed, grpc.aio.AioRpcError) else failed
        assert isinstance(error, MaatuError), error
        return error


def request(text: str, options: tts_pb2.SynthesisOptions | None = None, **fields: object) -> tts_pb2.SynthesizeRequest:
    """A Synthesize request, in Kannada where the options name no voice."""
    options = options or tts_pb2.SynthesisOptions(**fields)  # type: ignore[arg-type]
    if not options.HasField("voice"):
        options.voice.language_code = "kn-IN"
    return tts_pb2.SynthesizeRequest(text=text, options=options)


@pytest.fixture
def fake() -> FakeEngine:
    """The fake engine that `client` is served by."""
    return FakeEngine()


@pytest.fixture
def tokens() -> FakeEngine:
    """A fake engine that can what Parler-TTS can, and cannot what it cannot; `tokens_client` is served by it."""
    able = Capabilities(tokens=True, seed=True, temperature=True, descriptions=True, speaking_rate=False)
    return FakeEngine(capabilities=able, name="tokens")


@pytest.fixture
async def tokens_client(
    tokens: FakeEngine, serving: Callable[..., AbstractAsyncContextManager[Client]]
) -> AsyncIterator[Client]:
    """A client of a real server with the fake token engine."""
    async with serving(tokens) as client:
        yield client


@pytest.fixture
async def client(
    fake: FakeEngine, serving: Callable[..., AbstractAsyncContextManager[Client]]
) -> AsyncIterator[Client]:
    """A client of a real server with the fake engine."""
    async with serving(fake) as client:
        yield client


@pytest.fixture
def serving() -> Callable[..., AbstractAsyncContextManager[Client]]:
    """Serves given engines: `async with serving(engine) as client`; the last one speaks every language not routed.

    Nothing is cached but by a cache that is given.
    """

    @asynccontextmanager
    async def start(
        *engines: Engine,
        routes: dict[str, str] | None = None,
        idle_timeout_s: float = 5.0,
        cache: SynthesisCache | None = None,
    ) -> AsyncIterator[Client]:
        # A copy is not checked: the fakes have names that are no setting.
        config = Config(idle_timeout_s=idle_timeout_s, synthesis_cache_mb=0)
        config = config.model_copy(update={"engines": routes or {"*": engines[-1].name}})
        before = asyncio.all_tasks()
        async with serve_at(assemble({engine.name: engine for engine in engines}, config, cache)) as served:
            yield Client(served.channel)
        # Fixtures begin and end in tasks of their own.
        left = await leftover_tasks({*before, *filter(None, [asyncio.current_task()])})
        assert not left, f"tasks left behind: {left}"

    return start


@pytest.fixture
def linear16() -> common_pb2.AudioFormat:
    """16-bit samples at 16 kHz."""
    return common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=16_000)
