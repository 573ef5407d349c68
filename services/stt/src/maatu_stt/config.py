"""Settings of the stt service."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from maatu_runtime.config import ServiceConfig


class Config(ServiceConfig):
    """What the stt service can be told."""

    model_config = SettingsConfigDict(env_prefix="MAATU_STT_", frozen=True, extra="ignore", env_ignore_empty=True)

    port: int = Field(default=50051, ge=0, le=65535)
    """gRPC port; 0 takes a free one."""
    metrics_port: int = Field(default=9101, ge=0, le=65535)
    """Port of the Prometheus page /metrics; 0 takes a free one."""
    engine: Literal["whisper", "fake"] = "whisper"
    """What recognises: "whisper", or "fake", which answers from a script, for tests of everything around it."""
    models: dict[str, str] = Field(default={"en": "whisper-tiny.en", "*": "whisper-base"}, min_length=1)
    """The model for a language, by its code; "*" is every other language and detection. A model is named as in models_dir,
    by the path of its directory, or by the hub id it was pulled by."""
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """Where models run; "auto": on a GPU if there is one."""
    compute_type: str = "int8"
    """CTranslate2 compute type: int8, int8_float16, float16, float32, …; "auto": the device's fastest; "default": as stored."""
    cpu_threads: int = Field(default=1, ge=1)
    """Threads of one decode on a CPU. Small models are no faster with more."""
    workers: int = Field(default=2, ge=2)
    """Decodes of one model at once. Partials may take all but one, so that no final waits for a partial."""
    max_batch: int = Field(default=4, ge=1, le=64)
    """Utterances decoded together at most. A CPU gains from 2 to 4, a GPU from more."""
    batch_wait_ms: float = Field(default=0.0, ge=0, le=100)
    """How long a decode waits for others to share its batch while the model is busy; 5 is good on a GPU. Alone, none waits."""
    beam_size: int = Field(default=2, ge=1, le=10)
    """Hypotheses followed while finals are decoded; 1 is greedy, as partials always are."""
    encode_margin_ms: int = Field(default=5_000, ge=0, le=30_000)
    """Silence encoded after the speech. Whisper repeats sentences when it is short and is slow when it is long."""
    vad_aggressiveness: int = Field(default=2, ge=0, le=3)
    """How readily sound is taken for silence, 0 to 3; the thresholds are in maatu_stt.engine.settings."""
    vad_padding_ms: int = Field(default=300, ge=0, le=1_000)
    """Audio kept before and after the voiced part of an utterance."""
    min_speech_ms: int = Field(default=250, ge=20, le=2_000)
    """Voiced time below which a sound is no speech."""
    endpoint_silence_ms: int = Field(default=500, ge=100, le=5_000)
    """Silence after which an utterance is over, where what was said does not tell."""
    adaptive_endpoint: bool = True
    """Adapt that silence to what was said: shorter after what reads complete, longer after what plainly goes on."""
    min_endpoint_silence_ms: int = Field(default=300, ge=100, le=5_000)
    """Silence after which an utterance is over where it reads complete; never longer than endpoint_silence_ms."""
    max_endpoint_silence_ms: int = Field(default=1_200, ge=100, le=10_000)
    """Silence after which an utterance is over even where it plainly goes on; never shorter than endpoint_silence_ms."""
    turn_model: str = Field(default="smart-turn-v3", min_length=1)
    """Audio model that is asked at pauses whether the turn is over, a second opinion to the words; "none": the words alone tell."""
    pause_silence_ms: int = Field(default=200, ge=32)
    """Silence after which a pause is reported and the utterance decoded ahead; at most endpoint_silence_ms."""
    max_utterance_s: float = Field(default=60.0, ge=1, le=300)
    """Length at which an utterance ends whether or not the person stopped."""
    first_partial_ms: int = Field(default=400, ge=100)
    """Speech after which the first partial transcript of an utterance is made."""
    partial_interval_ms: int = Field(default=500, ge=100)
    """New speech after which another partial transcript is made."""
    language_detection: Literal["once", "per_utterance"] = "once"
    """When a language that is not given is detected: in the first seconds of a stream, or in each utterance."""
    idle_timeout_s: float = Field(default=30.0, gt=0)
    """How long a client may send nothing before its end_of_input."""
    fake_decode_ms: float = Field(default=0.0, ge=0)
    """How long the engine "fake" takes for a decode."""

    @model_validator(mode="after")
    def _pause_comes_before_the_endpoint(self) -> Self:
        if self.pause_silence_ms > self.endpoint_silence_ms:
            raise ValueError("MAATU_STT_PAUSE_SILENCE_MS must be at most MAATU_STT_ENDPOINT_SILENCE_MS")
        return self
