"""What the tests of the translate service share."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import pytest

from maatu.v1 import translate_pb2, translate_pb2_grpc
from maatu_runtime.status import from_rpc_error
from maatu_runtime.testing import leftover_tasks, serve_at
from maatu_translate.config import Config
from maatu_translate.engine.base import Engine
from maatu_translate.engine.fake import FakeEngine
from maatu_translate.service import assemble

TIMEOUT_S = 20.0


class Answer:
    """A whole answer: segments, then the summary."""

    def __init__(self, responses: list[translate_pb2.TranslateResponse]) -> None:
        assert [response.WhichOneof("event") for response in responses] == ["segment"] * (len(responses) - 1) + [
            "summary"
        ]
        self.segments = [response.segment for response in responses[:-1]]
        assert [segment.index for segment in self.segments] == list(range(len(self.segments)))
        self.summary = responses[-1].summary
        self.text = "".join(segment.text for segment in self.segments)
        self.source_text = "".join(segment.source_text for segment in self.segments)
        self.warnings = [
            (translate_pb2.TranslationWarning.Type.Name(warning.type).removeprefix("TYPE_"), warning.segment_index)
            for warning in self.summary.warnings
        ]


class Client:
    """Calls a translate service and gathers its answers; Spanish into English unless told otherwise."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub = translate_pb2_grpc.TranslationStub(channel)

    def call(self, text: str, source: str = "es", target: str = "en", **fields: object) -> Any:
        """The bare call."""
        request = translate_pb2.TranslateRequest(
            text=text,
            source_language_code=source,
            target_language_code=target,
            **fields,  # type: ignore[arg-type]
        )
        return self.stub.Translate(request, timeout=TIMEOUT_S)

    async def translate(self, text: str, source: str = "es", target: str = "en", **fields: object) -> Answer:
        """The whole answer of one Translate."""
        return Answer([response async for response in self.call(text, source, target, **fields)])

    async def refusal(self, text: str, source: str = "es", target: str = "en", **fields: object) -> Exception:
        """What one Translate fails with."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.translate(text, source, target, **fields)
        return from_rpc_error(caught.value, hop="translate")


@pytest.fixture
def client_type() -> type[Client]:
    """Makes clients of channels."""
    return Client


@pytest.fixture
def serving() -> Callable[..., AbstractAsyncContextManager[Client]]:
    """Serves engines: `async with serving(engine, max_waiting=1) as client`."""

    @asynccontextmanager
    async def start(*engines: Engine, **settings: Any) -> AsyncIterator[Client]:
        before = asyncio.all_tasks()
        async with serve_at(assemble(*engines, config=Config(**settings))) as served:
            yield Client(served.channel)
        # Fixtures begin and end in tasks of their own.
        left = await leftover_tasks({*before, *filter(None, [asyncio.current_task()])})
        assert not left, f"tasks left behind: {left}"

    return start


@pytest.fixture
def fake() -> FakeEngine:
    """The fake engine that `client` is served by."""
    return FakeEngine()


@pytest.fixture
async def client(
    fake: FakeEngine, serving: Callable[..., AbstractAsyncContextManager[Client]]
) -> AsyncIterator[Client]:
    """A client of a real server with the fake engine."""
    async with serving(fake) as client:
        yield client
