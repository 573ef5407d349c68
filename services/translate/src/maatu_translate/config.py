"""Settings of the translate service."""

from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import UnsupportedLanguage
from maatu_runtime.language import Language
from maatu_runtime.redis_url import RedisUrl

EngineName = Literal["ctranslate2", "fake"]


class Config(ServiceConfig):
    """What the translate service can be told, by MAATU_TRANSLATE_… variables."""

    model_config = SettingsConfigDict(env_prefix="MAATU_TRANSLATE_", frozen=True, extra="ignore", env_ignore_empty=True)

    port: int = Field(default=50052, ge=0, le=65535)
    """gRPC port; 0 takes a free one."""
    metrics_port: int = Field(default=9102, ge=0, le=65535)
    """Port of the Prometheus page /metrics; 0 takes a free one."""
    engine: EngineName = "ctranslate2"
    """What translates: "ctranslate2" (the models below) or "fake" (for tests)."""
    models: tuple[str, ...] = Field(default=("gemma-3-270m",), min_length=1)
    """Names of models in models_dir, a JSON list. A pair of languages is served by the first that has it."""
    languages: tuple[str, ...] = ()
    """What to serve of the models' languages, a JSON list of BCP-47 tags; empty: all."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the models run."""
    compute_type: str = "default"
    """Arithmetic of the weights, such as "int8_float32"; "default" keeps what each model was converted to."""
    beam_size: int = Field(default=1, ge=1)
    """Hypotheses that sequence-to-sequence models follow; 1 is fastest. A beam cannot be stopped before its end."""
    workers: int = Field(default=1, ge=1)
    """Batches of one model at once."""
    threads_per_worker: int = Field(default=1, ge=1)
    """Threads of one batch; on small models one is faster than two."""
    max_batch: int = Field(default=32, ge=1)
    """Sentences in a batch at most."""
    max_batch_tokens: int = Field(default=1024, ge=1)
    """Longest sentence times number of sentences of a batch at most; a longer sentence goes alone."""
    batch_wait_ms: float = Field(default=5.0, ge=0)
    """How long a sentence waits for company while another batch runs; where nothing runs, it never waits."""
    max_waiting: int = Field(default=64, ge=0)
    """Sentences that may wait; a request that comes then is refused with RESOURCE_EXHAUSTED."""
    second_attempt: bool = True
    """Translate a sentence once more, with a wider search, when the output is unusable or lost a name or a number."""
    use_context: bool = False
    """Show the models the clause before, where its translation is known."""
    max_text_chars: int = Field(default=5000, ge=1)
    """Longest text, characters."""
    cache_entries: int = Field(default=2000, ge=0)
    """Sentences whose translations are remembered; 0 for none."""
    cache_redis_url: RedisUrl | None = None
    """Redis that all translate processes share translations in, "redis://host:6379/0"; none: each has its own."""
    cache_ttl_s: float = Field(default=86_400.0, gt=0)
    """How long Redis keeps a translation."""
    fake_delay_ms: float = Field(default=0.0, ge=0)
    """Engine fake: time for a batch."""

    @field_validator("languages")
    @classmethod
    def _are_tags(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        for tag in languages:
            try:
                Language.parse(tag)
            except UnsupportedLanguage as error:
                raise ValueError(error.message) from None
        return languages
