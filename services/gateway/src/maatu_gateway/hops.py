"""The services behind the gateway, as the pipeline sees them: typed errors, deadlines and trace context included."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from maatu.v1 import (
    agent_pb2,
    agent_pb2_grpc,
    stt_pb2,
    stt_pb2_grpc,
    translate_pb2,
    translate_pb2_grpc,
    tts_pb2,
    tts_pb2_grpc,
)
from maatu_gateway.config import Config
from maatu_runtime.channel import create_channel
from maatu_runtime.language import Language
from maatu_runtime.status import from_rpc_error, why_it_failed
from maatu_runtime.telemetry import outgoing_metadata

M = TypeVar("M", bound=Message)
V = TypeVar("V")
_ResponseStream = grpc.aio.UnaryStreamCall[Any, M] | grpc.aio.StreamStreamCall[Any, M]
Metadata = tuple[tuple[str, str], ...]

_DIRECTORY_TIMEOUT_S = 0.8
"""A service that does not list its languages or voices within this time counts as down."""


class Hops:
    """One channel to each service, shared by all conversations.

    Every method raises MaatuError for what the service refused, HopUnavailable where it does not answer, and
    RemoteDefect for its defects; leaving an iteration early cancels the call.
    """

    def __init__(self, config: Config) -> None:
        targets = (config.stt_target, config.translate_target, config.agent_target, config.tts_target)
        self._channels = [create_channel(target, tls_ca=config.tls_ca) for target in targets]
        stt, translate, agent, tts = self._channels
        self._stt = stt_pb2_grpc.SpeechToTextStub(stt)
        self._translate = translate_pb2_grpc.TranslationStub(translate)
        self._agent = agent_pb2_grpc.AgentStub(agent)
        self._tts = tts_pb2_grpc.TextToSpeechStub(tts)
        self._voices = _Remembered(self._list_voices, config.directory_ttl_s)

    async def close(self) -> None:
        """Closes the channels; calls under way are cancelled."""
        await asyncio.gather(*(channel.close() for channel in self._channels))

    def recognize_stream(
        self,
        config: stt_pb2.StreamingRecognitionConfig,
        messages: AsyncIterator[stt_pb2.StreamingRecognizeRequest],
        metadata: Metadata,
    ) -> AsyncGenerator[stt_pb2.StreamingRecognizeResponse]:
        """Recognises a live stream: audio messages, then end_of_input."""

        async def requests() -> AsyncGenerator[stt_pb2.StreamingRecognizeRequest]:
            yield stt_pb2.StreamingRecognizeRequest(config=config)
            await call.initial_metadata()  # accepted; a message sent to a stream that is refused loses the reason
            async for message in messages:
                yield message

        call = self._stt.StreamingRecognize(requests(), metadata=metadata)
        return _responses(call, "stt")

    def recognize(
        self, request: stt_pb2.RecognizeRequest, metadata: Metadata, timeout_s: float
    ) -> AsyncGenerator[stt_pb2.RecognizeResponse]:
        """Recognises a recording."""
        return _responses(self._stt.Recognize(request, metadata=metadata, timeout=timeout_s), "stt")

    def translate(
        self, request: translate_pb2.TranslateRequest, metadata: Metadata, timeout_s: float
    ) -> AsyncGenerator[translate_pb2.TranslateResponse]:
        """Translates a text, segment by segment."""
        return _responses(self._translate.Translate(request, metadata=metadata, timeout=timeout_s), "translate")

    def respond(
        self, request: agent_pb2.RespondRequest, metadata: Metadata, timeout_s: float
    ) -> AsyncGenerator[agent_pb2.RespondResponse]:
        """Has the agent answer, token by token."""
        return _responses(self._agent.Respond(request, metadata=metadata, timeout=timeout_s), "agent")

    def synthesize(
        self, request: tts_pb2.SynthesizeRequest, metadata: Metadata, timeout_s: float
    ) -> AsyncGenerator[tts_pb2.SynthesizeResponse]:
        """Speaks a clause, chunk by chunk."""
        return _responses(self._tts.Synthesize(request, metadata=metadata, timeout=timeout_s), "tts")

    async def amend_turn(self, session_id: str, turn_id: str, heard_text: str) -> None:
        """Tells the agent what of a turn was heard."""
        request = agent_pb2.AmendTurnRequest(session_id=session_id, turn_id=turn_id, heard_text=heard_text)
        with _typed_errors("agent"):
            await self._agent.AmendTurn(request, metadata=outgoing_metadata(), timeout=_DIRECTORY_TIMEOUT_S)

    async def require_session(self, session_id: str) -> None:
        """Makes sure that the agent remembers a session. Raises NotFound otherwise."""
        with _typed_errors("agent"):
            await self._agent.GetSession(
                agent_pb2.GetSessionRequest(session_id=session_id),
                metadata=outgoing_metadata(),
                timeout=_DIRECTORY_TIMEOUT_S,
            )

    async def serves_pair(self, source: Language, target: Language) -> bool:
        """Whether the translate service serves a direction."""
        request = translate_pb2.ListLanguagesRequest(source_language_code=str(source), target_language_code=str(target))
        with _typed_errors("translate"):
            answer = await self._translate.ListLanguages(
                request, metadata=outgoing_metadata(), timeout=_DIRECTORY_TIMEOUT_S
            )
        return bool(answer.pairs)

    async def voices(self) -> list[tts_pb2.VoiceInfo]:
        """The voices of the tts service."""
        return await self._voices.get()

    async def _list_voices(self) -> list[tts_pb2.VoiceInfo]:
        with _typed_errors("tts"):
            answer = await self._tts.ListVoices(
                tts_pb2.ListVoicesRequest(), metadata=outgoing_metadata(), timeout=_DIRECTORY_TIMEOUT_S
            )
        return list(answer.voices)


class _Remembered(Generic[V]):
    """The answer to a question, asked again once it is older than its time to live."""

    def __init__(self, ask: Callable[[], Awaitable[V]], ttl_s: float) -> None:
        self._ask = ask
        self._ttl_s = ttl_s
        self._answer: tuple[float, V] | None = None

    async def get(self) -> V:
        if self._answer is None or time.monotonic() - self._answer[0] > self._ttl_s:
            self._answer = (time.monotonic(), await self._ask())
        return self._answer[1]


@contextmanager
def _typed_errors(hop: str) -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error, hop=hop) from error


async def _responses(call: _ResponseStream[M], hop: str) -> AsyncGenerator[M]:
    try:
        async for response in call:
            yield response
    except grpc.aio.AioRpcError as error:
        raise await why_it_failed(call, error, hop=hop) from error
    finally:
        call.cancel()
