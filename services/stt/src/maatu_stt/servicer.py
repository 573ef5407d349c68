"""SpeechToText over gRPC: between protobuf and domain types, and nothing else."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import grpc

from maatu.v1 import stt_pb2, stt_pb2_grpc
from maatu_runtime.streams import RequestStream
from maatu_stt import messages
from maatu_stt.engine.base import RecognitionOptions, Recognizer
from maatu_stt.engine.settings import StreamSettings
from maatu_stt.engine.stream import StreamRecognition
from maatu_stt.engine.turns import TurnDetector
from maatu_stt.engine.vad import VoiceActivityDetector
from maatu_stt.intake import check_recording_format, feed_recording, feed_stream, read_config

Context = grpc.aio.ServicerContext[Any, Any]


class SpeechToTextServicer(stt_pb2_grpc.SpeechToTextServicer):
    """Serves maatu.v1.SpeechToText.

    Args:
        recognizer: Shared by all streams.
        make_detector: Makes the voice activity detector of a stream.
        defaults: How streams are treated that do not say.
        idle_timeout_s: How long a streaming client may send nothing.
        turns: Judges pauses by their sound, for all streams; None: words alone do.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        make_detector: Callable[[], VoiceActivityDetector],
        *,
        defaults: StreamSettings,
        idle_timeout_s: float,
        turns: TurnDetector | None = None,
    ) -> None:
        self._recognizer = recognizer
        self._make_detector = make_detector
        self._defaults = defaults
        self._idle_timeout_s = idle_timeout_s
        self._turns = turns

    async def StreamingRecognize(
        self, request_iterator: AsyncIterator[stt_pb2.StreamingRecognizeRequest], context: Context
    ) -> AsyncIterator[stt_pb2.StreamingRecognizeResponse]:
        """Recognises speech while it is spoken."""
        async with RequestStream(request_iterator, idle_timeout_s=self._idle_timeout_s) as requests:
            config = await read_config(requests)
            audio_format = messages.format_of(config)
            settings = messages.settings_from_proto(config, self._defaults)
            recognition = self._recognition(messages.options_from_proto(config), settings)
            await context.send_initial_metadata(())  # the config is accepted: see the contract
            async with aclosing(recognition.events(lambda: feed_stream(requests, audio_format, recognition))) as events:
                async for event in events:
                    yield stt_pb2.StreamingRecognizeResponse(**messages.event_to_proto(event))

    async def Recognize(
        self, request: stt_pb2.RecognizeRequest, context: Context
    ) -> AsyncIterator[stt_pb2.RecognizeResponse]:
        """Recognises a recording."""
        audio_format = messages.format_of(request.config)
        check_recording_format(audio_format)
        settings = messages.settings_from_proto(request.config, self._defaults)
        recognition = self._recognition(
            messages.options_from_proto(request.config), replace(settings, live=False, interim_results=False)
        )
        async with aclosing(
            recognition.events(lambda: feed_recording(request.audio, audio_format, recognition))
        ) as events:
            async for event in events:
                yield stt_pb2.RecognizeResponse(**messages.event_to_proto(event))

    def _recognition(self, options: RecognitionOptions, settings: StreamSettings) -> StreamRecognition:
        self._recognizer.check(options)
        return StreamRecognition(self._recognizer, self._make_detector(), options, settings, self._turns)
