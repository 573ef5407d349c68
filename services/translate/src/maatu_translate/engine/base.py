"""What a translation engine is, and what it says."""

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol


class Direction(NamedTuple):
    """From one language into another, as tags: ("es", "en"). A tag has a script only where the model tells scripts of one
    language apart: ("en", "zh-Hant")."""

    source: str
    target: str


class Context(NamedTuple):
    """What was said just before, in both languages: it tells what a pronoun refers to."""

    source_text: str
    translation: str


@dataclass(frozen=True)
class Sentence:
    """What an engine is asked to translate."""

    text: str
    """A sentence or clause in Unicode's form NFC, without surrounding space or control characters."""
    direction: Direction
    """One of the engine's."""
    context: Context | None = None
    """The clause before; engines that gain nothing from it ignore it."""
    careful: bool = False
    """Search wider than usual, and give the alternatives: what was found without that could not be used."""


@dataclass(frozen=True)
class Output:
    """What an engine made of one sentence."""

    text: str
    """The translation, without surrounding space; may be empty or wrong: engine/guards.py judges it."""
    truncated: bool = False
    """It reached the greatest length."""
    alternatives: tuple["Output", ...] = ()
    """What else a careful search found, the most probable first; each without alternatives of its own."""


class Engine(Protocol):
    """Translates batches of sentences. Calls come from worker threads, at most as many at once as the service has workers."""

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    @property
    def directions(self) -> frozenset[Direction]:
        """What it translates. Known once it is loaded."""
        ...

    def load(self) -> None:
        """Loads the model and translates once, so that the first request is as fast as the next.

        Raises:
            ModelNotInstalled: The model is not in the model directory, or a file of it is missing or damaged; names it.
            ConfigurationError: Device or compute type cannot be had here; the message says what can.
        """
        ...

    def batch_key(self, sentence: Sentence) -> Hashable:
        """Sentences of one key can be in one batch."""
        ...

    def length(self, sentence: Sentence) -> int:
        """How long a sentence is to the model, in tokens or about; costs next to nothing. Batches are made of sentences of
        like length, since the longest decides what each costs."""
        ...

    def translate(self, sentences: Sequence[Sentence], cancelled: Sequence[threading.Event]) -> list[Output]:
        """Translates a batch of sentences of one `batch_key`.

        Args:
            sentences: At least one.
            cancelled: For each sentence: set when nobody wants it any more. The others go on; the output of a cancelled one is
                whatever there is by then.

        Returns:
            An output for each sentence.

        Raises:
            ModelFailed: The model broke on this batch.
        """
        ...

    def close(self) -> None:
        """Releases the model."""
        ...


class WarningKind(Enum):
    """What a caller should know of a translation that is delivered none the less."""

    SOURCE_TEXT_KEPT = "source_text_kept"
    PHRASE_RESTORED = "phrase_restored"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class TranslationWarning:
    """A warning about one segment."""

    kind: WarningKind
    segment_index: int
    message: str


@dataclass(frozen=True)
class Segment:
    """A piece of a translation that will not change any more. The texts of all, joined as they are, make up the whole."""

    index: int
    text: str
    source_text: str
