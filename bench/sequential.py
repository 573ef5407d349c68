"""The same hops one after another: each waits for the whole output of the one before, as the systems Maatu replaces did."""

import time
import uuid
from dataclasses import dataclass

from maatu.v1 import agent_pb2, common_pb2, stt_pb2, translate_pb2, tts_pb2
from maatu.v1.agent_pb2_grpc import AgentStub
from maatu.v1.stt_pb2_grpc import SpeechToTextStub
from maatu.v1.translate_pb2_grpc import TranslationStub
from maatu.v1.tts_pb2_grpc import TextToSpeechStub
from maatu_client.supervisor import LocalStack
from maatu_runtime.channel import create_channel


@dataclass(frozen=True)
class SequentialTurn:
    """One turn, hop by hop."""

    first_audio_s: float
    """From the endpoint to the first audio byte."""
    reply: str
    """The answer, in the agent's language."""


class SequentialChain:
    """Calls the services of a running stack, one whole hop at a time.

    Args:
        stack: Whose services are called; the same processes that the gateway calls.
    """

    def __init__(self, stack: LocalStack) -> None:
        self._channels = {hop: create_channel(stack.address(hop)) for hop in ("stt", "translate", "agent", "tts")}

    async def close(self) -> None:
        """Closes the channels."""
        for channel in self._channels.values():
            await channel.close()

    async def turn(
        self, recording: bytes, rate_hz: int, language: str, options: agent_pb2.AgentOptions
    ) -> SequentialTurn:
        """Answers one utterance.

        Args:
            recording: LINEAR16, the utterance without trailing silence: the clock starts when its end is known.
            rate_hz: Its sample rate.
            language: BCP-47 tag of the person's language.
            options: Of the agent.
        """
        began = time.perf_counter()
        audio_format = common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=rate_hz)
        text = await self._recognize(recording, audio_format, language)
        if not language.startswith("en"):
            text = await self._translate(text, language, "en-US")
        reply = await self._respond(text, language, options)
        spoken = reply if language.startswith("en") else await self._translate(reply, "en-US", language)
        await self._synthesize(spoken, language)
        return SequentialTurn(time.perf_counter() - began, reply)

    async def _recognize(self, recording: bytes, audio_format: common_pb2.AudioFormat, language: str) -> str:
        config = stt_pb2.StreamingRecognitionConfig(format=audio_format, language_codes=[language])
        call = SpeechToTextStub(self._channels["stt"]).Recognize(
            stt_pb2.RecognizeRequest(config=config, audio=recording)
        )
        return " ".join([answer.transcript.text async for answer in call if answer.transcript.is_final])

    async def _translate(self, text: str, source: str, target: str) -> str:
        request = translate_pb2.TranslateRequest(text=text, source_language_code=source, target_language_code=target)
        call = TranslationStub(self._channels["translate"]).Translate(request)
        return "".join([answer.segment.text async for answer in call])

    async def _respond(self, text: str, language: str, options: agent_pb2.AgentOptions) -> str:
        request = agent_pb2.RespondRequest(
            session_id=uuid.uuid4().hex, turn_id="1", text=text, user_language_code=language, options=options
        )
        call = AgentStub(self._channels["agent"]).Respond(request)
        return "".join([answer.delta.text async for answer in call])

    async def _synthesize(self, text: str, language: str) -> bytes:
        options = tts_pb2.SynthesisOptions(
            voice=common_pb2.Voice(language_code=language),
            format=common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=22_050),
            streaming=False,
        )
        call = TextToSpeechStub(self._channels["tts"]).Synthesize(tts_pb2.SynthesizeRequest(text=text, options=options))
        return b"".join([answer.audio.audio async for answer in call])
