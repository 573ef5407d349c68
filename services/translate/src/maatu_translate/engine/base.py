"""What a translation engine is, and what it says."""

import threading
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol


class Direction(NamedTuple):
    """From one language into another, as ISO 639 codes: ("es", "en")."""

    source: str
    target: str


@dataclass(frozen=True)
class Output:
    """What an engine made of one sentence."""

    text: str
    """The translation, without surrounding space; may be empty or wrong: engine/guards.py judges it."""
    truncated: bool = False
    """It reached the greatest length."""


class Engine(Protocol):
    """Translates single sentences. Calls come from worker threads, at most as many at once as the service has workers."""

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    @property
    def directions(self) -> frozenset[Direction]:
        """What it translates. Known before the model is loaded."""
        ...

    def load(self) -> None:
        """Loads the model and translates once in each direction, so that the first request is as fast as the next.

        Raises:
            ModelNotInstalled: The model is not in the model directory, or is damaged.
            ConfigurationError: Device or compute type cannot be had here; the message says what can.
        """
        ...

    def translate(self, sentence: str, direction: Direction, cancelled: threading.Event) -> Output:
        """Translates a sentence; returns soon, with whatever there is, once `cancelled` is set.

        Raises:
            ModelFailed: The model broke on this sentence.
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
