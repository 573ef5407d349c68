"""The services behind the gateway, as the pipeline sees them: typed errors, deadlines and trace context included."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from maatu.v1 import agent_pb2, stt_pb2, translate_pb2, tts_pb2
from maatu_gateway import metrics
from maatu_gateway.backends import Sides
from maatu_gateway.traffic import HopName
from maatu_runtime.errors import HopUnavailable, Unavailable, is_shutting_down
from maatu_runtime.language import Language
from maatu_runtime.status import from_rpc_error, keep_status, why_it_failed
from maatu_runtime.telemetry import outgoing_metadata

M = TypeVar("M", bound=Message)
_ResponseStream = grpc.aio.UnaryStreamCall[Any, M] | grpc.aio.StreamStreamCall[Any, M]
Metadata = tuple[tuple[str, str], ...]

_DIRECTORY_TIMEOUT_S = 0.8
"""A service that does not list its languages or voices within this time counts as down."""
_AGAIN_AFTER_S = (0.05, 0.1, 0.2, 0.4)
"""Pauses before a call is begun again; later ones are as long as the last."""


class Patience:
    """How often and how long a service that is away is tried again.

    A service is away for a moment when its last server drains before another one is known here: until its name is resolved
    anew, or a connection that was refused is tried again (at most 2 s, `maatu_runtime.channel`). gRPC itself begins such
    calls again at once, until so many fail that its retries are throttled: when a server that many conversations talk to
    drains.

    Args:
        hop: Which service, for the metric.
        limit_s: How long it may be away.
    """

    def __init__(self, hop: HopName, limit_s: float) -> None:
        self._hop = hop
        self._limit_s = limit_s
        self._ends_s: float | None = None
        self._tries = 0

    def reset(self) -> None:
        """It is back."""
        self._ends_s, self._tries = None, 0

    async def wait(self, error: Exception) -> None:
        """Waits before another try; raises the error where there is to be none."""
        now = time.monotonic()
        self._ends_s = self._ends_s or now + self._limit_s
        # A hop that answers that something behind it is away (the agent's llm, its redis) is not away itself.
        is_away = isinstance(error, HopUnavailable) and error.metadata["hop"] == self._hop
        if now >= self._ends_s or not (is_away or is_shutting_down(error)):
            raise error
        metrics.CALLS_AGAIN.labels(self._hop).inc()
        pause_s = _AGAIN_AFTER_S[min(self._tries, len(_AGAIN_AFTER_S) - 1)]
        self._tries += 1
        await asyncio.sleep(min(pause_s, self._ends_s - now))


class Hops:
    """The services as one conversation sees them: on the sides it was drawn for.

    Every method raises MaatuError for what the service refused, HopUnavailable where it does not answer, and
    RemoteDefect for its defects; leaving an iteration early cancels the call. A call that no server has answered yet when
    its own goes away is begun again on another.

    Args:
        sides: Of the conversation.
        patience_s: How long a service may be away.
    """

    def __init__(self, sides: Sides, patience_s: float) -> None:
        self.patience_s = patience_s
        """How long a service may be away."""
        self.sides = sides
        """Which side of each service is called."""

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

        call = keep_status(self.sides["stt"].stub.StreamingRecognize(requests(), metadata=metadata))
        return _responses(call, "stt")

    def recognize(
        self, request: stt_pb2.RecognizeRequest, metadata: Metadata, timeout_s: float
    ) -> AsyncGenerator[stt_pb2.RecognizeResponse]:
        """Recognises a recording."""
        return self._stream("stt", "Recognize", request, metadata, timeout_s)

    def translate(
        self, request: translate_pb2.TranslateRequest, metadata: Metadata, timeout_s: float
    ) -> AsyncGenerator[translate_pb2.TranslateResponse]:
        """Translates a text, segment by segment."""
        return self._stream("translate", "Translate", request, metadata, timeout_s)

    def respond(
        self, request: agent_pb2.RespondRequest, metadata: Metadata, timeout_s: float
    ) -> AsyncGenerator[agent_pb2.RespondResponse]:
        """Has the agent answer, token by token."""
        return self._stream("agent", "Respond", request, metadata, timeout_s)

    def synthesize(
        self, request: tts_pb2.SynthesizeRequest, metadata: Metadata, timeout_s: float
    ) -> AsyncGenerator[tts_pb2.SynthesizeResponse]:
        """Speaks a clause, chunk by chunk."""
        return self._stream("tts", "Synthesize", request, metadata, timeout_s)

    async def amend_turn(self, session_id: str, turn_id: str, heard_text: str) -> None:
        """Tells the agent what of a turn was heard."""
        request = agent_pb2.AmendTurnRequest(session_id=session_id, turn_id=turn_id, heard_text=heard_text)
        await self._ask("agent", "AmendTurn", request)

    async def require_session(self, session_id: str) -> None:
        """Makes sure that the agent remembers a session. Raises NotFound otherwise."""
        await self._ask("agent", "GetSession", agent_pb2.GetSessionRequest(session_id=session_id))

    async def serves_pair(self, source: Language, target: Language) -> bool:
        """Whether the translate service serves a direction."""
        request = translate_pb2.ListLanguagesRequest(source_language_code=str(source), target_language_code=str(target))
        return bool((await self._ask("translate", "ListLanguages", request)).pairs)

    async def voices(self) -> list[tts_pb2.VoiceInfo]:
        """The voices of the tts service."""
        backend = self.sides["tts"]
        if (known := backend.voices) is not None:
            return known
        backend.voices = voices = list((await self._ask("tts", "ListVoices", tts_pb2.ListVoicesRequest())).voices)
        return voices

    async def _ask(self, hop: HopName, method: str, request: Message) -> Any:
        """One short question and its answer. It is asked at the door, where a service that is down is named at once."""
        patience = Patience(hop, self.patience_s)
        while True:
            try:
                ask = getattr(self.sides[hop].stub, method)
                return await ask(request, metadata=outgoing_metadata(), timeout=_DIRECTORY_TIMEOUT_S)
            except grpc.aio.AioRpcError as failure:
                error = from_rpc_error(failure, hop=hop)
                if not is_shutting_down(error):
                    raise error from failure
                await patience.wait(error)

    async def _stream(
        self, hop: HopName, method: str, request: Message, metadata: Metadata, timeout_s: float
    ) -> AsyncGenerator[Any]:
        """One request and the stream of its answers."""
        deadline_s = time.monotonic() + timeout_s
        patience = Patience(hop, self.patience_s)
        while True:
            has_begun = False
            begin = getattr(self.sides[hop].stub, method)
            call = begin(request, metadata=metadata, timeout=max(0.001, deadline_s - time.monotonic()))
            try:
                async with aclosing(_responses(call, hop)) as responses:
                    async for response in responses:
                        has_begun = True
                        yield response
                return
            except Unavailable as error:
                if has_begun:
                    raise
                await patience.wait(error)


async def _responses(call: _ResponseStream[M], hop: str) -> AsyncGenerator[M]:
    try:
        async for response in call:
            yield response
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.CANCELLED:  # by the server: what is cancelled here raises no AioRpcError
            raise HopUnavailable(hop, "it ended the call") from error
        raise await why_it_failed(call, error, hop=hop) from error
    finally:
        call.cancel()
