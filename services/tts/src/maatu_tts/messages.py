"""From this service's own types to the protobuf answers of tts.proto. `requests` is the way back."""

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.audio import format_to_proto
from maatu_runtime.durations import from_ns, from_seconds
from maatu_tts.chunks import ChunkSettings
from maatu_tts.engine.base import CacheStatus, Capabilities, Engine
from maatu_tts.events import Chunk, ClauseBegan, Summary
from maatu_tts.metrics import EngineMetrics
from maatu_tts.order import Order
from maatu_tts.voices import Listing


def chunks_to_proto(settings: ChunkSettings, engines: list[Capabilities]) -> common_pb2.StreamingParameters:
    """Writes the chunk settings that an engine in use goes by."""
    message = common_pb2.StreamingParameters()
    if any(not able.tokens for able in engines):
        message.chunk_duration.CopyFrom(from_ns(settings.chunk_ms * 1_000_000))
    if any(able.tokens for able in engines):
        message.chunk_tokens = settings.chunk_tokens
        message.first_chunk_tokens = settings.first_chunk_tokens
        message.adaptive = settings.adaptive
    return message


def started_to_proto(order: Order) -> tts_pb2.SynthesisStarted:
    """Writes the first message of an answer."""
    return tts_pb2.SynthesisStarted(
        format=format_to_proto(order.audio_format),
        voice_name=order.choice.voice.name,
        engine=order.choice.engine.name,
    )


def clause_to_proto(clause: ClauseBegan) -> tts_pb2.ClauseStarted:
    """Writes the start of a clause."""
    return tts_pb2.ClauseStarted(clause_index=clause.index, text=clause.text, offset=from_ns(clause.offset_ns))


def chunk_to_proto(chunk: Chunk) -> tts_pb2.AudioChunk:
    """Writes a piece of audio."""
    return tts_pb2.AudioChunk(
        audio=chunk.data,
        sequence=chunk.sequence,
        offset=from_ns(chunk.offset_ns),
        duration=from_ns(chunk.duration_ns),
    )


def summary_to_proto(summary: Summary) -> tts_pb2.SynthesisSummary:
    """Writes the last message of an answer."""
    return tts_pb2.SynthesisSummary(
        audio_duration=from_ns(summary.audio_ns),
        compute_time=from_seconds(summary.compute_s),
        time_to_first_chunk=from_seconds(summary.first_chunk_s),
        cached=summary.cached,
        tokens=summary.tokens,
    )


def voice_to_proto(listing: Listing) -> tts_pb2.VoiceInfo:
    """Writes a voice of the list."""
    voice = listing.voice
    return tts_pb2.VoiceInfo(
        name=voice.name,
        language_codes=[str(language) for language in voice.languages],
        engine=listing.engine.name,
        native_sample_rate_hz=voice.sample_rate_hz,
        description=voice.description,
        is_default=listing.is_default,
    )


def status_to_proto(engine: Engine, metrics: EngineMetrics, caches: tuple[CacheStatus, ...]) -> tts_pb2.EngineStatus:
    """Writes how an engine runs.

    Args:
        engine: Asked for its status.
        metrics: Its latencies.
        caches: Those before the engine; its own follow.
    """
    status = engine.status()
    return tts_pb2.EngineStatus(
        engine=engine.name,
        model=status.model,
        device=status.device,
        compute_type=status.compute_type,
        compile_state=tts_pb2.EngineStatus.CompileState.Value(f"COMPILE_STATE_{status.compile_state.name}"),
        compile_detail=status.compile_detail,
        warmup_time=from_seconds(status.warmup_s),
        graphs_captured=status.graphs_captured,
        slots=status.slots,
        slots_in_use=status.slots_in_use,
        queue_depth=status.queue_depth,
        steps_per_second=status.steps_per_second,
        first_chunk_p50=from_seconds(metrics.first_chunk_percentile_s(50)),
        first_chunk_p95=from_seconds(metrics.first_chunk_percentile_s(95)),
        caches=[_cache_to_proto(cache) for cache in (*caches, *status.caches)],
        device_memory_bytes=status.device_memory_bytes,
    )


def _cache_to_proto(cache: CacheStatus) -> tts_pb2.CacheStatus:
    return tts_pb2.CacheStatus(
        name=cache.name, entries=cache.entries, capacity=cache.capacity, hits=cache.hits, misses=cache.misses
    )
