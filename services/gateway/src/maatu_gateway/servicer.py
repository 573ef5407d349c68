"""The gateway's RPCs: protobuf on one side, conversations on the other."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Tracer

from maatu.v1 import gateway_pb2, gateway_pb2_grpc
from maatu_gateway import metrics
from maatu_gateway.backends import Backends, Sides
from maatu_gateway.config import Config
from maatu_gateway.conversation import Conversation
from maatu_gateway.hops import Hops
from maatu_gateway.settings import ConversationSettings, find_voice, read_settings
from maatu_gateway.timeline import Clock
from maatu_runtime.audio import Encoding
from maatu_runtime.errors import AlreadyExists, InvalidAudio, InvalidSequence, InvalidText, Unavailable, Unsupported
from maatu_runtime.streams import RequestStream


class VoiceGatewayServicer(gateway_pb2_grpc.VoiceGatewayServicer):
    """Serves Converse and Ask.

    Args:
        config: Of the gateway.
        backends: The services behind it.
        tracer: For the spans of turns.
        clock: Nanoseconds, monotonic.
    """

    def __init__(self, config: Config, backends: Backends, tracer: Tracer, clock: Clock = time.monotonic_ns) -> None:
        self._config = config
        self._backends = backends
        self._tracer = tracer
        self._clock = clock
        self._conversations: dict[str, Conversation] = {}
        self._is_draining = False

    def capacity(self) -> tuple[int, int]:
        """(conversations under way, conversations at once)."""
        return len(self._conversations), self._config.max_concurrent_requests

    def drain(self) -> None:
        """Lets every conversation finish its turn, then end; one that is being opened is refused."""
        self._is_draining = True
        for conversation in list(self._conversations.values()):
            conversation.drain()

    async def Converse(
        self, request_iterator: AsyncIterator[gateway_pb2.ConverseRequest], context: Any
    ) -> AsyncGenerator[gateway_pb2.ConverseResponse]:
        """See VoiceGateway.Converse."""
        config = self._config
        async with RequestStream(
            request_iterator,
            capacity=config.input_queue_messages,
            idle_timeout_s=config.idle_timeout_s,
            on_fill=metrics.INPUT_QUEUE_FILL.set,
        ) as requests:
            first = await anext(requests, None)
            if first is None or first.WhichOneof("message") != "config":
                raise InvalidSequence("the first message of a stream is its config", reason="AUDIO_BEFORE_CONFIG")
            settings = read_settings(first.config, config, needs_audio_input=False)
            with self._backends.drawn(settings.session_id) as sides:
                conversation = await self._open(settings, sides, is_single_turn=False)
                with self._registered(settings, conversation):
                    async with aclosing(conversation.converse(requests)) as events:
                        async for event in events:
                            yield gateway_pb2.ConverseResponse(event=event)

    async def Ask(self, request: gateway_pb2.AskRequest, context: Any) -> AsyncGenerator[gateway_pb2.AskResponse]:
        """See VoiceGateway.Ask."""
        kind = request.WhichOneof("input")
        if kind is None:
            raise InvalidText("give a text or a recording", field="input")
        settings = read_settings(request.config, self._config, needs_audio_input=kind == "audio")
        if kind == "audio":
            self._check_recording(request.audio, settings)
        with self._backends.drawn(settings.session_id) as sides:
            conversation = await self._open(settings, sides, is_single_turn=True)
            with self._registered(settings, conversation):
                async with aclosing(conversation.ask(request.text, request.audio)) as events:
                    async for event in events:
                        yield gateway_pb2.AskResponse(event=event)

    def _check_recording(self, audio: bytes, settings: ConversationSettings) -> None:
        if not audio:
            raise InvalidAudio("the recording is empty", reason="EMPTY_AUDIO", field="audio")
        if len(audio) > self._config.max_recording_bytes:
            raise InvalidAudio(
                f"a recording has at most {self._config.max_recording_bytes} bytes, this has {len(audio)}: use Converse",
                reason="AUDIO_TOO_LONG",
                field="audio",
            )
        if settings.input_format is not None and settings.input_format.encoding is Encoding.OPUS:
            raise Unsupported("Opus packets need messages of their own: use Converse", field="config.input_format")

    async def _open(self, settings: ConversationSettings, sides: Sides, *, is_single_turn: bool) -> Conversation:
        if settings.session_id in self._conversations:
            raise AlreadyExists(f"session {settings.session_id} is in use on another stream", field="config.session_id")
        hops = Hops(sides, self._config.hop_patience_s)
        if not settings.is_new_session:
            await hops.require_session(settings.session_id)
        voice = await find_voice(settings, hops)
        return Conversation(
            settings,
            voice,
            hops,
            self._config,
            self._clock,
            self._tracer,
            trace.get_current_span(),
            is_single_turn=is_single_turn,
        )

    @contextmanager
    def _registered(self, settings: ConversationSettings, conversation: Conversation) -> Iterator[None]:
        if self._is_draining:  # since this one is being opened
            raise Unavailable("this gateway is shutting down: connect again")
        if settings.session_id in self._conversations:  # another stream was quicker while this one was being opened
            raise AlreadyExists(f"session {settings.session_id} is in use on another stream", field="config.session_id")
        self._conversations[settings.session_id] = conversation
        metrics.CONVERSATIONS.inc()
        try:
            yield
        finally:
            del self._conversations[settings.session_id]
            metrics.CONVERSATIONS.dec()
