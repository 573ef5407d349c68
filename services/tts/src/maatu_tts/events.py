"""What speaking gives: Started, then for each clause ClauseBegan and its Chunks, then Summary."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """A place was found; audio follows."""


@dataclass(frozen=True)
class ClauseBegan:
    """The audio that follows speaks this clause."""

    index: int
    """Counted from 0."""
    text: str
    """The clause as it was written."""
    offset_ns: int
    """Where in the stream it begins."""


@dataclass(frozen=True)
class Chunk:
    """A piece of audio."""

    data: bytes
    """In the order's format."""
    sequence: int
    """Counted from 0."""
    offset_ns: int
    """Where in the stream it begins."""
    duration_ns: int
    """How long it plays; offset and duration of a chunk give the offset of the next one exactly."""


@dataclass(frozen=True)
class Summary:
    """All was spoken."""

    audio_ns: int
    """How long all audio plays."""
    compute_s: float
    """How long the engine worked."""
    first_chunk_s: float
    """From the first clause's being whole to the first chunk."""
    tokens: int = 0
    """Codec frames generated or taken from the cache; 0 for engines without codec tokens."""
    cached: bool = False
    """All audio came from the cache."""


Event = Started | ClauseBegan | Chunk | Summary
