"""Settings of the tts service."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from maatu_runtime.config import ServiceConfig
from maatu_runtime.redis_url import RedisUrl
from maatu_tts.chunks import MAX_CHUNK_MS, MIN_CHUNK_MS

EngineName = Literal["piper", "espeak", "parler", "fake"]
PrecisionName = Literal["float32", "bfloat16", "int8", "fp8"]


class Config(ServiceConfig):
    """What the tts service can be told."""

    model_config = SettingsConfigDict(env_prefix="MAATU_TTS_", frozen=True, extra="ignore", env_ignore_empty=True)

    port: int = Field(default=50054, ge=0, le=65535)
    """gRPC port; 0 takes a free one."""
    metrics_port: int = Field(default=9104, ge=0, le=65535)
    """Port of the Prometheus page /metrics; 0 takes a free one."""
    engines: dict[str, EngineName] = Field(default={"en": "piper", "*": "espeak"}, min_length=1)
    """Which engine speaks a language, by BCP-47 tag or language code; "*" is every other language."""
    piper_models: tuple[str, ...] = Field(default=("piper-en_US-joe-medium",), min_length=1)
    """Names of the Piper voices in models_dir; of one language's, the first is its default."""
    piper_workers: int = Field(default=2, ge=1)
    """Steps, windows of sentences, that Piper works on at once."""
    piper_threads: int = Field(default=1, ge=1)
    """Threads that Piper uses for one step."""
    piper_streams: int = Field(default=16, ge=1)
    """Requests that Piper serves at once; one more is refused with RESOURCE_EXHAUSTED."""
    espeak_streams: int = Field(default=64, ge=1)
    """Requests that eSpeak NG serves at once; one more is refused with RESOURCE_EXHAUSTED."""
    parler_model: str = "parler-mini"
    """Name of the Parler-TTS checkpoint in models_dir."""
    parler_device: str = Field(default="cpu", pattern=r"^(cpu|cuda(:\d+)?)$")
    """What Parler runs on: "cpu", "cuda", "cuda:1"."""
    parler_precision: PrecisionName = "float32"
    """How Parler's numbers are kept: bfloat16 for GPUs, int8 for CPUs with AVX-512 VNNI; see docs/tts.md."""
    parler_slots: int = Field(default=0, ge=0)
    """Utterances that Parler decodes at once; 0: as many as parler_memory_gib holds, 256 at most."""
    parler_memory_gib: float = Field(default=0.0, ge=0)
    """Memory for what its slots hold; 0: four fifths of what is free on a GPU, 4 GiB elsewhere."""
    parler_waiting: int = Field(default=8, ge=0)
    """Requests admitted beyond the slots; they wait, by priority. One more is refused with RESOURCE_EXHAUSTED."""
    parler_longest_s: float = Field(default=20.0, gt=0, le=29.0)
    """Longest sentence, in seconds of speech; memory of a slot grows with it."""
    parler_cached_voices: int = Field(default=256, ge=1)
    """Voice descriptions that are kept encoded."""
    parler_voices: Path | None = None
    """File of voices, TOML or JSON, beside those built in; see docs/tts.md."""
    parler_threads: int = Field(default=0, ge=0)
    """Threads that PyTorch computes with on a CPU; 0: one for each core."""
    parler_graphs: bool = True
    """Capture CUDA graphs on a GPU."""
    parler_compile: bool = False
    """Compile Parler's layers with torch.compile; needs a C++ compiler and lengthens the start."""
    parler_temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature where a request gives none; without: what the checkpoint says."""
    parler_top_k: int | None = Field(default=None, ge=0)
    """Sample from so many of the likeliest tokens; 0: all; without: what the checkpoint says."""
    parler_top_p: float | None = Field(default=None, gt=0, le=1)
    """Sample from the likeliest tokens that together reach this probability; without: what the checkpoint says."""
    synthesis_cache_mb: int = Field(default=64, ge=0)
    """Memory for what was spoken before, in megabytes; 0 turns the cache off."""
    synthesis_cache_longest_s: float = Field(default=6.0, gt=0)
    """Longer utterances are not cached."""
    synthesis_cache_sampled: bool = True
    """Cache also what an engine samples without a seed: a clause then sounds alike each time."""
    synthesis_cache_redis_url: RedisUrl | None = None
    """Redis that all tts processes share recordings in, "redis://host:6379/0"; none: each has its own."""
    synthesis_cache_ttl_s: float = Field(default=86_400.0, gt=0)
    """How long Redis keeps a recording."""
    chunk_ms: int = Field(default=100, ge=MIN_CHUNK_MS, le=MAX_CHUNK_MS)
    """Length of a chunk of audio; requests and ConfigureStreaming can say otherwise."""
    idle_timeout_s: float = Field(default=30.0, gt=0)
    """How long a client of StreamingSynthesize may send nothing before its end_of_input."""
    fake_first_chunk_ms: float = Field(default=0.0, ge=0)
    """How long the engine "fake" takes to its first chunk."""
    fake_chunk_ms: float = Field(default=0.0, ge=0)
    """How long the engine "fake" takes for each further chunk of 100 ms."""
