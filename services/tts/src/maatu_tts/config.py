"""Settings of the tts service."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from maatu_runtime.config import ServiceConfig
from maatu_tts.chunks import MAX_CHUNK_MS, MIN_CHUNK_MS

EngineName = Literal["piper", "espeak", "fake"]


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
    """Sentences that Piper works on at once."""
    piper_threads: int = Field(default=1, ge=1)
    """Threads that Piper uses for one sentence."""
    piper_streams: int = Field(default=16, ge=1)
    """Requests that Piper serves at once; one more is refused with RESOURCE_EXHAUSTED."""
    espeak_streams: int = Field(default=64, ge=1)
    """Requests that eSpeak NG serves at once; one more is refused with RESOURCE_EXHAUSTED."""
    chunk_ms: int = Field(default=100, ge=MIN_CHUNK_MS, le=MAX_CHUNK_MS)
    """Length of a chunk of audio; requests and ConfigureStreaming can say otherwise."""
    idle_timeout_s: float = Field(default=30.0, gt=0)
    """How long a client of StreamingSynthesize may send nothing before its end_of_input."""
    fake_first_chunk_ms: float = Field(default=0.0, ge=0)
    """How long the engine "fake" takes to its first chunk."""
    fake_chunk_ms: float = Field(default=0.0, ge=0)
    """How long the engine "fake" takes for each further chunk of 100 ms."""
