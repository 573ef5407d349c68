"""The Python client of the gateway."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

import grpc
from maatu.v1 import gateway_pb2
from maatu.v1.gateway_pb2_grpc import VoiceGatewayStub
from maatu_runtime.channel import create_channel
from maatu_runtime.status import from_rpc_error

from maatu_client.conversation import Conversation
from maatu_client.options import INPUT_FORMAT, Options, conversation_config

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
        tls_ca: PEM file with the authority of the server's certificate; it turns TLS on.
    """

    def __init__(self, target: str = DEFAULT_TARGET, *, tls_ca: Path | None = None) -> None:
        self.target = target
        self._tls_ca = tls_ca
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> Self:
        self._channel = create_channel(self.target, hop="gateway", tls_ca=self._tls_ca)
        self._stub = VoiceGatewayStub(self._channel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._channel is not None
        await self._channel.close()

    def converse(self, language: str = "en-US", **options: Unpack[Options]) -> Conversation:
        """Opens a conversation: use it as `async with client.converse("kn-IN") as conversation`.

        Args:
            language: BCP-47 tag of the language the person speaks and hears.
            options: See `Options`.
        """
        config = conversation_config(language, options)
        return Conversation(lambda: self._stub.Converse(), config, options.get("input_format", INPUT_FORMAT))

    async def ask(
        self, question: str | bytes, language: str = "en-US", **options: Unpack[Options]
    ) -> AsyncIterator[gateway_pb2.ConversationEvent]:
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
        call = self._stub.Ask(request)
        try:
            async for response in call:
                yield response.event
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, hop="gateway") from None
        finally:
            call.cancel()
