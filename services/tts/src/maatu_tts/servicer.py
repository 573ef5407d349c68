"""TextToSpeech over gRPC: between protobuf and domain types, and nothing else."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc

from maatu.v1 import tts_pb2, tts_pb2_grpc
from maatu_runtime.streams import RequestStream
from maatu_tts import messages, requests
from maatu_tts.chunks import ChunkSettings
from maatu_tts.dictation import Dictation, read_config
from maatu_tts.engine.base import Capabilities, Engine
from maatu_tts.events import Chunk, ClauseBegan, Started, Summary
from maatu_tts.metrics import EngineMetrics
from maatu_tts.scripts import require_readable
from maatu_tts.speech import speak
from maatu_tts.synthesis_cache import SynthesisCache
from maatu_tts.voices import VoiceDirectory

Context = grpc.aio.ServicerContext[Any, Any]


class TextToSpeechServicer(tts_pb2_grpc.TextToSpeechServicer):
    """Serves maatu.v1.TextToSpeech.

    Args:
        engines: The engines in use, by name.
        voices: All their voices.
        chunks: Chunk settings until ConfigureStreaming changes them.
        idle_timeout_s: How long a streaming client may send nothing.
        cache: Recordings of what was spoken before; none: everything is made anew.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        voices: VoiceDirectory,
        *,
        chunks: ChunkSettings,
        idle_timeout_s: float,
        cache: SynthesisCache | None = None,
    ) -> None:
        self._engines = engines
        self._voices = voices
        self._chunks = chunks
        self._idle_timeout_s = idle_timeout_s
        self._cache = cache if cache is not None else SynthesisCache(capacity_bytes=0)
        self._metrics = {name: EngineMetrics(engine) for name, engine in engines.items()}

    async def Synthesize(
        self, request: tts_pb2.SynthesizeRequest, context: Context
    ) -> AsyncIterator[tts_pb2.SynthesizeResponse]:
        """Speaks one text."""
        text = requests.text_from_proto(request.text)
        order = requests.order_from_proto(request.options, "options", self._voices, self._chunks)
        require_readable(text, order.choice, self._voices)
        metrics = self._metrics[order.choice.engine.name]
        async with aclosing(_once(text)) as clauses, aclosing(speak(order, clauses, metrics, self._cache)) as events:
            async for event in events:
                match event:
                    case Started():
                        yield tts_pb2.SynthesizeResponse(started=messages.started_to_proto(order))
                    case Chunk():
                        yield tts_pb2.SynthesizeResponse(audio=messages.chunk_to_proto(event))
                    case Summary():
                        yield tts_pb2.SynthesizeResponse(summary=messages.summary_to_proto(event))
                    case ClauseBegan():
                        pass  # a text is one clause to its caller

    async def StreamingSynthesize(
        self, request_iterator: AsyncIterator[tts_pb2.StreamingSynthesizeRequest], context: Context
    ) -> AsyncIterator[tts_pb2.StreamingSynthesizeResponse]:
        """Speaks text that is still being written."""
        async with RequestStream(request_iterator, idle_timeout_s=self._idle_timeout_s) as stream:
            config = await read_config(stream)
            order = requests.order_from_proto(config, "config", self._voices, self._chunks)
            metrics = self._metrics[order.choice.engine.name]
            dictation = Dictation(
                stream,
                order.choice.language.code,
                check_clause=partial(require_readable, choice=order.choice, voices=self._voices),
            )
            reader = asyncio.create_task(dictation.read(), name="tts-read")
            try:
                async with (
                    aclosing(dictation.clauses()) as clauses,
                    aclosing(speak(order, clauses, metrics, self._cache)) as events,
                ):
                    async for event in events:
                        dictation.check()
                        match event:
                            case Started():
                                yield tts_pb2.StreamingSynthesizeResponse(started=messages.started_to_proto(order))
                            case ClauseBegan():
                                yield tts_pb2.StreamingSynthesizeResponse(clause=messages.clause_to_proto(event))
                            case Chunk():
                                yield tts_pb2.StreamingSynthesizeResponse(audio=messages.chunk_to_proto(event))
                            case Summary():
                                yield tts_pb2.StreamingSynthesizeResponse(summary=messages.summary_to_proto(event))
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)

    async def ListVoices(self, request: tts_pb2.ListVoicesRequest, context: Context) -> tts_pb2.ListVoicesResponse:
        """Lists the voices."""
        listings = self._voices.list(request.language_code)
        return tts_pb2.ListVoicesResponse(voices=[messages.voice_to_proto(listing) for listing in listings])

    async def GetOptimizationStatus(
        self, request: tts_pb2.GetOptimizationStatusRequest, context: Context
    ) -> tts_pb2.GetOptimizationStatusResponse:
        """Tells how the engines run."""
        return tts_pb2.GetOptimizationStatusResponse(
            engines=[
                messages.status_to_proto(engine, self._metrics[name], self._cache.status(engine))
                for name, engine in self._engines.items()
            ],
            chunks=messages.chunks_to_proto(self._chunks, self._capabilities()),
        )

    async def ConfigureStreaming(
        self, request: tts_pb2.ConfigureStreamingRequest, context: Context
    ) -> tts_pb2.ConfigureStreamingResponse:
        """Changes the chunk settings for all later requests."""
        able = self._capabilities()
        self._chunks = requests.chunks_from_proto(request.chunks, "chunks", self._chunks, able)
        return tts_pb2.ConfigureStreamingResponse(chunks=messages.chunks_to_proto(self._chunks, able))

    def _capabilities(self) -> list[Capabilities]:
        return [engine.capabilities for engine in self._engines.values()]


async def _once(text: str) -> AsyncGenerator[str, None]:
    yield text
