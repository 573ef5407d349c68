"""How audio is cut into chunks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from maatu_runtime.audio import Samples

MIN_CHUNK_MS = 20
MAX_CHUNK_MS = 2_000
"""192,000 bytes at most, which one message holds."""
MIN_CHUNK_TOKENS = 25
MAX_CHUNK_TOKENS = 200
"""2.3 s of Parler-TTS's 44.1 kHz: 223,000 bytes at most, which one message holds."""
MIN_FIRST_CHUNK_TOKENS = 1
LONGEST_CHUNK_MS = 2_500
"""Of what an engine cut itself; the 240,000 bytes of 48 kHz are what one message holds (MAX_MESSAGE_BYTES)."""


@dataclass(frozen=True)
class ChunkSettings:
    """Where audio is cut. Engines that decode codec tokens go by those, all others by time."""

    chunk_ms: int = 100
    """Length of a chunk, 20 to 2,000."""
    chunk_tokens: int = 50
    """Length of a chunk in codec frames, 25 to 200."""
    first_chunk_tokens: int = 5
    """Length of the first chunk in codec frames, 1 to chunk_tokens."""
    adaptive: bool = True
    """Let chunks grow with how far playback is ahead, up to chunk_tokens."""


def ramp(settings: ChunkSettings) -> Iterator[int]:
    """Lengths of the chunks of one utterance in codec frames, without end: the first one, then twice as long each time up
    to chunk_tokens; where chunks do not adapt, chunk_tokens at once."""
    length = settings.first_chunk_tokens
    yield length
    while True:
        length = min(2 * length, settings.chunk_tokens) if settings.adaptive else settings.chunk_tokens
        yield length


class Cutter(Protocol):
    """Cuts a stream of samples into chunks."""

    def push(self, samples: Samples) -> list[Samples]:
        """Takes the next samples; returns the chunks that are whole."""

    def flush(self) -> list[Samples]:
        """Returns what is held back."""


class Chunker:
    """Cuts a stream of samples into chunks of one length.

    Args:
        length: Samples in a chunk.
        first_at_once: Let the first chunk be whatever is there, so that it does not wait.
    """

    def __init__(self, length: int, *, first_at_once: bool) -> None:
        self._length = length
        self._held = np.zeros(0, np.float32)
        self._first_at_once = first_at_once

    def push(self, samples: Samples) -> list[Samples]:
        """Takes the next samples; returns the chunks that are full."""
        self._held = np.concatenate([self._held, samples])
        chunks = []
        while len(self._held) >= self._length or (self._first_at_once and len(self._held)):
            chunks.append(self._held[: self._length])
            self._held = self._held[self._length :]
            self._first_at_once = False
        return chunks

    def flush(self) -> list[Samples]:
        """Returns what is held back, as a shorter chunk."""
        held, self._held = self._held, self._held[:0]
        return [held] if len(held) else []


class EngineCuts:
    """Leaves the chunks as the engine cut them; only what no message holds is cut again.

    Args:
        longest: Samples in a chunk at most.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest

    def push(self, samples: Samples) -> list[Samples]:
        """Takes a piece that the engine made; returns it as chunks."""
        return [samples[start : start + self._longest] for start in range(0, len(samples), self._longest)]

    def flush(self) -> list[Samples]:
        """Nothing is ever held back."""
        return []
