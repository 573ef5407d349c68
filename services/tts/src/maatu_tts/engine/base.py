"""The interface of a speech engine."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum

from maatu_runtime.audio import Samples
from maatu_runtime.language import Language
from maatu_runtime.places import Priority
from maatu_tts.chunks import ChunkSettings

LONGEST_DESCRIPTION_CHARS = 500
"""Of a voice: some 120 tokens; engines that follow descriptions were trained on one to three sentences."""


@dataclass(frozen=True)
class EngineVoice:
    """A voice of an engine."""

    name: str
    """Unique over all engines."""
    languages: tuple[Language, ...]
    """What it speaks, its own language first."""
    sample_rate_hz: int
    """Rate at which the engine makes its audio."""
    description: str
    """How it sounds."""


@dataclass(frozen=True)
class Capabilities:
    """What an engine can be asked for beyond text, voice and speaking rate."""

    tokens: bool = False
    """It decodes codec tokens, and its chunks are measured in them."""
    seed: bool = False
    """The same seed gives the same audio."""
    temperature: bool = False
    """It samples."""
    descriptions: bool = False
    """It follows a description of the voice."""
    speaking_rate: bool = True
    """It speaks slower or faster than the voice's own rate."""
    levelled: bool = True
    """Each clause is as loud as the others; otherwise they are levelled for it."""


@dataclass(frozen=True)
class Utterance:
    """One piece of text to speak at a stretch: a clause, or a sentence of it."""

    text: str
    """Plain text, at most `maatu_tts.text.LONGEST_PIECE_CHARS` characters, with something in it that can be spoken."""
    voice: EngineVoice
    """One of the engine's own."""
    speaking_rate: float = 1.0
    """0.5 to 2; 1 is the voice's own."""
    priority: Priority = Priority.INTERACTIVE
    """What goes first."""
    seed: int | None = None
    """Random seed; only for engines that can."""
    temperature: float | None = None
    """Sampling temperature, 0 to 2; only for engines that can."""
    description: str = ""
    """How the voice is to sound; only for engines that can."""
    chunks: ChunkSettings = field(default_factory=ChunkSettings)
    """How engines with codec tokens cut their audio; all others leave the cutting to their caller."""
    streaming: bool = True
    """Yield audio as early as can be; otherwise in as few pieces as can be."""
    batching: bool = True
    """Let the engine work on it together with other utterances; otherwise it waits until it has the model for itself."""


@dataclass(frozen=True)
class EngineAudio:
    """What an engine yields."""

    samples: Samples
    """Mono float32 in [-1, 1] at the voice's rate."""
    compute_s: float
    """Time the engine worked on them, in seconds, without waiting."""
    tokens: int = 0
    """Codec frames they were decoded from; 0 for engines without codec tokens."""


class CompileState(Enum):
    """What became of compiling the model: torch.compile, CUDA graphs. The names are those of maatu.v1.EngineStatus."""

    OFF = "off"
    """There is nothing to compile, or the engine was told not to."""
    WARMING_UP = "warming up"
    """It goes on."""
    READY = "ready"
    """All was compiled."""
    FALLBACK = "fallback"
    """It failed; the engine runs without."""


@dataclass(frozen=True)
class CacheStatus:
    """How a cache does."""

    name: str
    """What it caches: "synthesis", "voice"."""
    entries: int
    """Entries in it."""
    capacity: int
    """Most entries it holds."""
    hits: int
    """Look-ups that found something."""
    misses: int
    """Look-ups that found nothing."""


@dataclass(frozen=True)
class EngineStatus:
    """How an engine runs now."""

    model: str
    """Name of its model."""
    device: str
    """"cpu" or "cuda:0"."""
    compute_type: str
    """"float32", "bfloat16", "int8", "int16"."""
    warmup_s: float
    """How long warm-up took."""
    slots: int
    """Utterances it works on at once."""
    slots_in_use: int
    """Utterances it works on now."""
    queue_depth: int
    """Utterances that wait for a slot."""
    compile_state: CompileState = CompileState.OFF
    """What became of compiling."""
    compile_detail: str = ""
    """Why compiling fell back."""
    graphs_captured: int = 0
    """CUDA graphs captured."""
    steps_per_second: float = 0.0
    """Decode steps per second over the last minute; 0 for engines without codec tokens."""
    caches: tuple[CacheStatus, ...] = ()
    """Its own caches."""
    device_memory_bytes: int = 0
    """Memory of the device in use; 0 where unknown."""


class Engine(ABC):
    """Turns text into a stream of samples. One engine serves all streams of the process.

    Attributes:
        name: What configuration and status call it: "piper".
        capabilities: What it can be asked for.
    """

    name: str
    capabilities: Capabilities

    @property
    @abstractmethod
    def voices(self) -> Sequence[EngineVoice]:
        """Its voices; of those that speak a language, the preferred one first. Empty before warm-up."""

    @abstractmethod
    async def warm_up(self) -> None:
        """Loads models and makes the first utterance as quick as the thousandth.

        Raises:
            ModelNotInstalled: A model is missing.
        """

    @abstractmethod
    async def close(self) -> None:
        """Releases threads and memory. No utterance may be running."""

    @abstractmethod
    def admit(self) -> AbstractContextManager[None]:
        """Takes a place for one stream of utterances; the place is free again when the context ends.

        Raises:
            CapacityExceeded: All places are taken.
        """

    @abstractmethod
    def synthesize(self, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        """Speaks one utterance: yields its audio in order, the first as early as the engine can.

        Closing the generator stops the engine's work at once. A consumer that is slow occupies no slot.

        Raises:
            ModelFailed: The model broke on this utterance.
        """

    @abstractmethod
    def fingerprint(self, voice: EngineVoice) -> str:
        """What the audio of a voice depends on beside the utterance: the same in all processes where it sounds the same,
        another where its model, or how the model runs, is another.

        Args:
            voice: One of the engine's own.
        """

    @abstractmethod
    def status(self) -> EngineStatus:
        """How it runs now."""
