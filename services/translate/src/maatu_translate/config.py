"""Settings of the translate service."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from maatu_runtime.config import ServiceConfig

EngineName = Literal["prompted", "fake"]


class Config(ServiceConfig):
    """What the translate service can be told, by MAATU_TRANSLATE_… variables."""

    model_config = SettingsConfigDict(env_prefix="MAATU_TRANSLATE_", frozen=True, extra="ignore", env_ignore_empty=True)

    port: int = Field(default=50052, ge=0, le=65535)
    """gRPC port; 0 takes a free one."""
    metrics_port: int = Field(default=9102, ge=0, le=65535)
    """Port of the Prometheus page /metrics; 0 takes a free one."""
    engine: EngineName = "prompted"
    """What translates: "prompted" (a decoder-only model that is shown examples) or "fake" (for tests)."""
    model: str = "gemma-3-270m"
    """Engine prompted: name of the model in models_dir."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Engine prompted: where the model runs."""
    compute_type: str = "default"
    """Engine prompted: arithmetic of the weights, such as "int8_float32"; "default" keeps what the model was converted to."""
    workers: int = Field(default=1, ge=1)
    """Sentences translated at once."""
    threads_per_worker: int = Field(default=1, ge=1)
    """Threads of one translation; on small models one is faster than two."""
    max_waiting: int = Field(default=64, ge=0)
    """Sentences that may wait for a worker; one more is refused with RESOURCE_EXHAUSTED."""
    max_text_chars: int = Field(default=5000, ge=1)
    """Longest text, characters."""
    cache_entries: int = Field(default=2000, ge=0)
    """Sentences whose translations are remembered; 0 for none."""
    fake_delay_ms: float = Field(default=0.0, ge=0)
    """Engine fake: time for a sentence."""
