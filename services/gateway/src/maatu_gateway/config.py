"""Settings of the gateway."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import UnsupportedLanguage
from maatu_runtime.language import Language


class Config(ServiceConfig):
    """What the gateway can be told, by MAATU_GATEWAY_… variables."""

    model_config = SettingsConfigDict(env_prefix="MAATU_GATEWAY_", frozen=True, extra="ignore", env_ignore_empty=True)

    port: int = Field(default=50050, ge=0, le=65535)
    """gRPC port; 0 takes a free one, which the line "listening" in the log names."""
    metrics_port: int = Field(default=9100, ge=0, le=65535)
    """Port of the Prometheus page /metrics; 0 takes a free one."""
    stt_target: str = "127.0.0.1:50051"
    """Where the stt service is: "host:port", or "dns:///name:port" to spread calls over its pods."""
    translate_target: str = "127.0.0.1:50052"
    """Where the translate service is."""
    agent_target: str = "127.0.0.1:50053"
    """Where the agent service is."""
    tts_target: str = "127.0.0.1:50054"
    """Where the tts service is."""
    traffic_file: Path | None = None
    """JSON file that says which share of the conversations goes to a canary of which service; it may change or be missing."""
    traffic_poll_s: float = Field(default=1.0, gt=0)
    """How often the gateway looks whether the traffic file has changed."""
    agent_language: str = "en-US"
    """BCP-47 tag of the language the agent thinks in, where a client does not say."""
    max_concurrent_requests: int = Field(default=16, ge=1)
    """Conversations held at once; one more is refused with RESOURCE_EXHAUSTED."""
    turn_deadline_s: float = Field(default=30.0, gt=0, le=120)
    """Longest time from the end of an utterance to the last audio byte of its answer, where a client does not say."""
    translate_budget_s: float = Field(default=5.0, gt=0)
    """Longest time for the translation of one clause."""
    agent_budget_s: float = Field(default=20.0, gt=0)
    """Longest time for the agent's whole answer."""
    tts_budget_s: float = Field(default=15.0, gt=0)
    """Longest time for speaking one clause."""
    hop_patience_s: float = Field(default=3.0, ge=0)
    """How long a conversation under way waits for another server of a service whose own drains or is lost."""
    directory_ttl_s: float = Field(default=30.0, ge=0)
    """How long the lists of languages and voices are remembered before the services are asked again."""
    idle_timeout_s: float = Field(default=60.0, gt=0)
    """A stream on which nothing comes from the client for so long is ended."""
    input_queue_messages: int = Field(default=50, ge=1)
    """Messages of a client read ahead; at 80 % the log warns, at 100 % the client is slowed down."""
    clauses_in_flight: int = Field(default=4, ge=1)
    """Clauses that may wait in front of each hop of a turn."""
    waiting_turns: int = Field(default=8, ge=1)
    """Utterances that may wait for their answer in one conversation; one more is refused."""
    max_text_chars: int = Field(default=2000, ge=1)
    """Longest typed turn, characters."""
    max_recording_bytes: int = Field(default=4 * 1024 * 1024, ge=1)
    """Largest recording in Ask, bytes."""

    @field_validator("agent_language")
    @classmethod
    def _is_a_tag(cls, tag: str) -> str:
        try:
            Language.parse(tag)
        except UnsupportedLanguage as error:
            raise ValueError(error.message) from None
        return tag
