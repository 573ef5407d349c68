"""Settings of the agent service."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from maatu_agent.prompt import EXAMPLES, SYSTEM_PROMPT
from maatu_runtime.config import ServiceConfig
from maatu_runtime.redis_url import RedisUrl

BackendName = Literal["ctranslate2", "openai", "fake"]


class Config(ServiceConfig):
    """What the agent service can be told."""

    model_config = SettingsConfigDict(env_prefix="MAATU_AGENT_", frozen=True, extra="ignore", env_ignore_empty=True)

    port: int = Field(default=50053, ge=0, le=65535)
    """gRPC port; 0 takes a free one."""
    metrics_port: int = Field(default=9103, ge=0, le=65535)
    """Port of the Prometheus page /metrics; 0 takes a free one."""

    backend: BackendName = "ctranslate2"
    """What the agent thinks with: "ctranslate2" (a small model in this process), "openai" (any OpenAI-compatible API, such as
    vLLM) or "fake" (for tests)."""
    max_concurrent_generations: int | None = Field(default=None, ge=1)
    """Answers generated at once; none given: 2 in this process, 64 with an API."""
    max_waiting_generations: int = Field(default=16, ge=0)
    """Requests that may wait for that; one more is refused with RESOURCE_EXHAUSTED."""

    system_prompt: str = Field(default=SYSTEM_PROMPT, max_length=4_000)
    """Instructions before each conversation."""
    examples: tuple[tuple[str, str], ...] = EXAMPLES
    """Pairs of question and answer that show the manner wanted, as JSON; "[]" for models that need none."""
    max_tokens: int = Field(default=96, ge=1, le=4_096)
    """Longest answer where a request does not say, tokens."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature where a request does not say; 0 always takes the likeliest token."""
    history_tokens: int = Field(default=768, ge=0)
    """Most tokens of earlier turns in a prompt; beyond it the oldest are left out."""

    redis_url: RedisUrl | None = Field(default=None, validation_alias="MAATU_REDIS_URL")
    """Redis for the history, "redis://host:6379/0"; none given: a server of its own is started, which ends with the agent."""
    redis_timeout_s: float = Field(default=0.8, gt=0)
    """Longest duration of an operation on Redis."""
    max_turns: int = Field(default=5, ge=0)
    """Answered turns remembered of a session."""
    history_ttl_s: float = Field(default=180.0, gt=0)
    """A session without a turn for so long is forgotten."""

    model: str = "smollm2-135m-instruct"
    """Backend ctranslate2: name of the model in models_dir; it must speak ChatML."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Backend ctranslate2: where the model runs."""
    compute_type: str = "default"
    """Backend ctranslate2: arithmetic of the weights, such as "int8_float32" or "float16"; "default" keeps what the model was
    converted to."""
    context_tokens: int = Field(default=2_048, ge=64)
    """Backend ctranslate2: longest prompt and answer together."""
    repetition_penalty: float = Field(default=1.1, ge=1)
    """Backend ctranslate2: divides the scores of tokens already in the answer; 1 for none."""

    openai_base_url: str | None = None
    """Backend openai: root of the API, "http://vllm:8000/v1"."""
    openai_model: str | None = None
    """Backend openai: name of the model as the server knows it."""
    openai_api_key: SecretStr | None = None
    """Backend openai: bearer token; most servers of one's own want none."""
    openai_connect_timeout_s: float = Field(default=1.0, gt=0)
    """Backend openai: longest wait for a connection."""
    openai_token_timeout_s: float = Field(default=10.0, gt=0)
    """Backend openai: longest wait for the first token, and between tokens."""

    fake_answer: str = "The first clause, then the rest of it. And a second sentence. And a third one."
    """Backend fake: what it says, a word a token."""
    fake_first_token_ms: float = Field(default=0.0, ge=0)
    """Backend fake: from the request to its first token."""
    fake_token_ms: float = Field(default=0.0, ge=0)
    """Backend fake: between later tokens."""
