"""What a recogniser is to everything around it."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from maatu_runtime.audio.samples import Samples
from maatu_runtime.language import Language

SAMPLE_RATE_HZ = 16_000
"""Rate of all samples in the engine: what Silero and Whisper were trained on."""


@dataclass(frozen=True)
class RecognitionOptions:
    """What one stream asks of the recogniser."""

    languages: tuple[Language, ...] = ()
    """Languages expected, most likely first; empty: any that the model knows."""
    model: str = ""
    """Name of the model; empty: the one configured for the language."""
    hotwords: tuple[str, ...] = ()
    """Words to listen for."""
    initial_prompt: str = ""
    """Text that the speech continues."""
    word_times: bool = False
    """Find out when each word was said."""


@dataclass(frozen=True)
class Word:
    """A word and when it was said, in seconds from the first sample decoded."""

    text: str
    start_s: float
    end_s: float
    confidence: float
    """0 to 1."""


@dataclass(frozen=True)
class Transcription:
    """What one decode found."""

    text: str
    """Without surrounding space; empty where nothing was said."""
    language: str
    """BCP-47 tag."""
    confidence: float
    """0 to 1: the geometric mean of the probabilities of its tokens."""
    model: str
    compute_s: float
    """Time it took on the decoder, without waiting for it."""
    words: tuple[Word, ...] = ()
    """Empty unless asked for."""


class Urgency(IntEnum):
    """Which decode goes first."""

    FINAL = 0
    """A person waits for it."""
    PAUSE = 1
    """A person may be about to wait for it: most pauses become endpoints."""
    PARTIAL = 2
    """Nobody waits for it: done at once or not at all."""


@dataclass
class DecodeRequest:
    """One utterance, as far as it is known."""

    samples: Samples
    """At SAMPLE_RATE_HZ."""
    options: RecognitionOptions
    settled: dict[int, Transcription] = field(default_factory=dict)
    """Windows of this utterance that earlier decodes finished, by their first sample. The recogniser reads and adds
    to it, so that a long utterance is not decoded from its start each time. Pass the same one for the same utterance."""


class Decode(Protocol):
    """A decode under way or waiting."""

    async def result(self) -> Transcription:
        """Waits for it.

        Raises:
            ModelFailed: the model broke on this audio.
        """

    def promote(self) -> None:
        """Makes it as urgent as a final."""

    def cancel(self) -> None:
        """Nobody wants it any more: it leaves the queue, or its result is dropped."""


class Recognizer(Protocol):
    """Turns the samples of an utterance into text. Shared by all streams."""

    async def warm_up(self) -> None:
        """Loads the models and decodes once with each.

        Raises:
            ModelNotInstalled: a configured model is missing.
            ConfigurationError: the device or the compute type cannot be had.
        """

    def check(self, options: RecognitionOptions) -> None:
        """Finds out before any audio came whether it can serve a stream.

        Raises:
            UnsupportedLanguage: no model knows the language.
            InvalidRequest: the model named is not served.
        """

    def start(self, request: DecodeRequest, urgency: Urgency) -> Decode | None:
        """Queues a decode. None for a PARTIAL that would have to wait."""

    def capacity(self) -> tuple[int, int]:
        """Decodes under way, and how many there may be at once."""

    async def close(self) -> None:
        """Waits for running decodes and frees the models."""
