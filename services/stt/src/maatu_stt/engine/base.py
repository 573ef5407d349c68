"""What a recogniser is to everything around it."""

from collections.abc import Sequence
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
    """A word, or a punctuation mark that stands alone, as the model wrote it."""

    text: str
    """With the space before it, where its script has spaces: the texts of words, joined, are the text."""
    tokens: tuple[int, ...] = ()
    """What it consists of for the model that wrote it; nobody else looks into them."""
    start_s: float | None = None
    """When it was said, from the first sample decoded; None unless asked for."""
    end_s: float | None = None
    confidence: float = 0.0
    """0 to 1; known when its time is."""

    @property
    def is_spoken(self) -> bool:
        """Whether anything of it is said; punctuation is not."""
        return any(map(str.isalnum, self.text))


def text_of(words: Sequence[Word]) -> str:
    """What the words say, without surrounding space."""
    return "".join(word.text for word in words).strip()


@dataclass(frozen=True)
class Transcription:
    """What one decode found."""

    words: tuple[Word, ...]
    """All of them, those that the request called committed at the beginning; none where nothing was said."""
    language: str
    """BCP-47 tag."""
    confidence: float
    """0 to 1: the geometric mean of the probabilities of its tokens."""
    model: str
    compute_s: float
    """Time it took on the decoder, without waiting for it."""
    language_probability: float = 1.0
    """How likely the language is, 0 to 1; 1 where it was given."""
    is_doubtful: bool = False
    """It shows a sign of having gone wrong. Nothing may be built on it."""

    @property
    def text(self) -> str:
        """Without surrounding space."""
        return text_of(self.words)


class Urgency(IntEnum):
    """Which decode goes first."""

    FINAL = 0
    """A person waits for it."""
    PAUSE = 1
    """A person may be about to wait for it: most pauses become endpoints."""
    PARTIAL = 2
    """Nobody waits for it: done at once or not at all, and not done again when it looks wrong."""


@dataclass(frozen=True)
class DecodeRequest:
    """A stretch of speech, and what is known of it already."""

    samples: Samples
    """At SAMPLE_RATE_HZ."""
    options: RecognitionOptions
    committed: tuple[Word, ...] = ()
    """Words said in these samples that may not change any more: the decode begins with them. From the same model."""
    context: str = ""
    """What was said before these samples."""
    language: Language | None = None
    """The language, where it is known; otherwise the likeliest of those in the options."""
    voiced_s: float = 0.0
    """Seconds of the samples that hold voice; 0: not known."""
    mean_voice: float = 0.0
    """Mean probability of speech in their voiced stretch; 0: not known."""
    timed: bool = False
    """Find out the time of each word even if the options do not ask for it."""
    utterance: object = field(default_factory=object)
    """The same object in all requests of one utterance."""


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
    """Turns samples into text. Shared by all streams."""

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
