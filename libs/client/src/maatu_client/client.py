"""The Python client of the gateway."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

import grpc
from opentelemetry.trace import Span, SpanKind

from maatu.v1 import gateway_pb2
from maatu.v1.gateway_pb2_grpc import VoiceGatewayStub
from maatu_client.conversation import Conversation
from maatu_client.options import INPUT_FORMAT, Options, conversation_config
from maatu_client.resuming import RESUME_WITHIN_S
from maatu_runtime.audio import read_audio
from maatu_runtime.audio.samples import Samples
from maatu_runtime.channel import create_channel
from maatu_runtime.status import from_rpc_error, keep_status
from maatu_runtime.telemetry import outgoing_metadata, start_telemetry

DEFAULT_TARGET = "127.0.0.1:50050"
"""Where `maatu up` puts the gateway."""


class VoiceClient:
    """A connection to a gateway. Any number of conversations may go on over it at once.

        async with VoiceClient("127.0.0.1:50050") as client:
            async with client.converse("es-ES") as conversation:
                conversation.speak("question.wav")
                async for event in conversation:
                    ...

    Args:
        target: HOST:PORT of the gateway. The connection is made by the first call.
        tls: Turn TLS on with the system's authorities.
        tls_ca: PEM file with the authority of the server's certificate; it turns TLS on.
        otlp_endpoint: OTLP/gRPC collector for the client's spans. Each call begins a trace, or goes on with the current
            one, whether or not there is a collector.
        resume_within_s: How long a conversation whose gateway drains looks for another one.
    """

    def __init__(
        self,
        target: str = DEFAULT_TARGET,
        *,
        tls: bool = False,
        tls_ca: Path | None = None,
        otlp_endpoint: str | None = None,
        resume_within_s: float = RESUME_WITHIN_S,
    ) -> None:
        self.target = target
        self._tls = tls
        self._tls_ca = tls_ca
        self._otlp_endpoint = otlp_endpoint
        self._resume_within_s = resume_within_s

    async def __aenter__(self) -> Self:
        self._provider = start_telemetry("client", otlp_endpoint=self._otlp_endpoint)
        self._tracer = self._provider.get_tracer("maatu")
        self._channel = create_channel(self.target, tls=self._tls, tls_ca=self._tls_ca)
        self._stub = VoiceGatewayStub(self._channel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()
        # Sends the last spans, which may wait for the collector.
        await asyncio.to_thread(self._provider.shutdown)

    def converse(self, language: str = "en-US", *, resume: bool = True, **options: Unpack[Options]) -> Conversation:
        """Opens a conversation: use it as `async with client.converse("kn-IN") as conversation`.

        Args:
            language: BCP-47 tag of the language the person speaks and hears.
            resume: Go on at another gateway when this one drains, as a rolling upgrade has it do: see `Conversation`.
            options: See `Options`.
        """
        config = conversation_config(language, options)
        return Conversation(
            lambda metadata: keep_status(self._stub.Converse(metadata=metadata)),
            config,
            options.get("input_format", INPUT_FORMAT),
            lambda: self._start_span("Converse"),
            self._resume_within_s if resume else None,
        )

    async def ask(
        self, question: str | bytes, language: str = "en-US", **options: Unpack[Options]
    ) -> AsyncGenerator[gateway_pb2.ConversationEvent, None]:
        """Asks one question and yields what happens, as a conversation of one turn does.

        Args:
            question: A typed text of at most 2,000 characters, or one recorded utterance in the input format, at most 4 MiB.
            language: BCP-47 tag of the language the person speaks and hears.
            options: See `Options`.

        Raises:
            MaatuError: What the gateway answered, or `Unavailable` where it does not answer.
        """
        config = conversation_config(language, options)
        request = (
            gateway_pb2.AskRequest(config=config, text=question)
            if isinstance(question, str)
            else gateway_pb2.AskRequest(config=config, audio=question)
        )
        span = self._start_span("Ask")
        call = self._stub.Ask(request, metadata=outgoing_metadata(span))
        try:
            async for response in call:
                yield response.event
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, hop="gateway") from None
        finally:
            call.cancel()
            span.end()

    async def speak(
        self,
        recording: Path | str | Samples,
        language: str = "en-US",
        *,
        sample_rate_hz: int = INPUT_FORMAT.sample_rate_hz,
        frame_ms: int = 20,
        **options: Unpack[Options],
    ) -> AsyncGenerator[gateway_pb2.ConversationEvent, None]:
        """Speaks a recording in real time, in a conversation of its own, and yields what happens until it is answered.

        Args:
            recording: An audio file, or mono float32 samples in [-1, 1].
            language: BCP-47 tag of the language the person speaks and hears.
            sample_rate_hz: Rate of the samples; for a file, the rate at which it is read.
            frame_ms: Length of the frames sent, 20 to 100 ms.
            options: See `Options`.

        Raises:
            MaatuError: What the gateway answered, or `Unavailable` where it does not answer.
            FileNotFoundError: There is no such file.
        """
        samples = read_audio(recording, sample_rate_hz) if isinstance(recording, Path | str) else recording
        async with self.converse(language, **options) as conversation:
            conversation.speak(samples, sample_rate_hz, frame_ms=frame_ms)
            async for event in conversation:
                yield event

    def _start_span(self, method: str) -> Span:
        return self._tracer.start_span(f"maatu.v1.VoiceGateway/{method}", kind=SpanKind.CLIENT)
