"""Metrics of the tts service. Calls, errors by reason and capacity are counted for all services in maatu_runtime.metrics."""

from collections import deque

import numpy as np
from prometheus_client import Counter, Gauge, Histogram

from maatu_runtime.metrics import LATENCY_BUCKETS_S
from maatu_tts.engine.base import Engine

FIRST_CHUNK = Histogram(
    "maatu_tts_first_chunk_seconds",
    "From the moment a text, or the first clause of a stream, is whole to its first chunk of audio.",
    ["engine"],
    buckets=LATENCY_BUCKETS_S,
)
REAL_TIME_FACTOR = Histogram(
    "maatu_tts_real_time_factor",
    "Seconds the engine worked for each second of audio, by text; without those wholly out of the cache.",
    ["engine"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
)
AUDIO_SECONDS = Counter("maatu_tts_audio_seconds_total", "Seconds of audio sent.", ["engine"])
CODEC_FRAMES = Counter(
    "maatu_tts_codec_frames_total", "Codec frames generated for texts spoken to their end.", ["engine"]
)
SLOTS = Gauge("maatu_tts_slots", "Utterances the engine works on at once.", ["engine"])
SLOTS_IN_USE = Gauge("maatu_tts_slots_in_use", "Utterances the engine works on now.", ["engine"])
QUEUE_DEPTH = Gauge("maatu_tts_queue_depth", "Utterances that wait for a slot.", ["engine"])
STEPS_PER_SECOND = Gauge(
    "maatu_tts_decode_steps_per_second",
    "Decode steps per second over the last minute; 0 without codec tokens.",
    ["engine"],
)
DEVICE_MEMORY = Gauge(
    "maatu_tts_device_memory_bytes", "Memory of the engine's device in use; 0 if unknown.", ["engine"]
)
CACHE_HITS = Counter(
    "maatu_tts_synthesis_cache_hits_total",
    'Utterances out of the cache, by where it lay: "memory", "redis".',
    ["engine", "store"],
)
CACHE_MISSES = Counter("maatu_tts_synthesis_cache_misses_total", "Utterances looked up in vain.", ["engine"])
CACHE_BYTES = Gauge("maatu_tts_synthesis_cache_bytes", "Memory that cached audio takes up.")
SHARED_CACHE_ERRORS = Counter(
    "maatu_tts_synthesis_cache_redis_errors_total", "Operations that Redis failed or was late with."
)

_WINDOW = 1_000
"""Requests over which GetOptimizationStatus takes its percentiles."""


class EngineMetrics:
    """Measures one engine.

    Args:
        engine: Asked for its slots and speed whenever the metrics page is read.
    """

    def __init__(self, engine: Engine) -> None:
        self._name = engine.name
        self._first_chunks_s: deque[float] = deque(maxlen=_WINDOW)
        SLOTS.labels(engine.name).set_function(lambda: engine.status().slots)
        SLOTS_IN_USE.labels(engine.name).set_function(lambda: engine.status().slots_in_use)
        QUEUE_DEPTH.labels(engine.name).set_function(lambda: engine.status().queue_depth)
        STEPS_PER_SECOND.labels(engine.name).set_function(lambda: engine.status().steps_per_second)
        DEVICE_MEMORY.labels(engine.name).set_function(lambda: engine.status().device_memory_bytes)

    def first_chunk(self, seconds: float) -> None:
        """The first chunk of a text left after this time."""
        self._first_chunks_s.append(seconds)
        FIRST_CHUNK.labels(self._name).observe(seconds)

    def audio(self, seconds: float) -> None:
        """A chunk of this length left."""
        AUDIO_SECONDS.labels(self._name).inc(seconds)

    def finished(self, *, audio_s: float, compute_s: float, tokens: int, cached: bool) -> None:
        """A text was spoken to its end.

        Args:
            audio_s: How long it plays.
            compute_s: How long the engine worked on it.
            tokens: Codec frames that were generated for it.
            cached: All of it came from the cache.
        """
        CODEC_FRAMES.labels(self._name).inc(tokens)
        if audio_s > 0 and not cached:
            REAL_TIME_FACTOR.labels(self._name).observe(compute_s / audio_s)

    def first_chunk_percentile_s(self, percent: float) -> float:
        """Percentile of the time to the first chunk over the last 1,000 texts, in seconds; 0 before the first."""
        return float(np.percentile(self._first_chunks_s, percent)) if self._first_chunks_s else 0.0
