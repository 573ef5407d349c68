"""Recordings of utterances, and a store of them that is bounded in bytes."""

import struct
from collections import OrderedDict
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from maatu_runtime.audio.samples import from_int16
from maatu_tts.chunks import ramp
from maatu_tts.engine.base import EngineAudio, Utterance

_HEADER = struct.Struct("<4sII")
_MAGIC = b"MTR1"
_OVERHEAD_BYTES = 512
"""What an entry costs beside its samples: key, objects, places in two tables."""
_PROVEN_SHARE = 0.8


@dataclass(frozen=True)
class Recording:
    """The audio of one utterance, as the engine made it."""

    pcm: NDArray[np.int16]
    """All samples, mono."""
    sample_rate_hz: int
    """Of the voice."""
    tokens: int = 0
    """Codec frames it was decoded from; 0 for engines without codec tokens."""

    @property
    def size_bytes(self) -> int:
        """What it takes up in memory."""
        return self.pcm.nbytes + _OVERHEAD_BYTES

    async def play(self, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        """Yields it as the engine would speak the utterance: cut as its chunk settings say where it has codec tokens."""
        samples = from_int16(self.pcm)
        if not self.tokens or not utterance.streaming:
            yield EngineAudio(samples, 0.0, self.tokens)
            return
        count, done = len(samples), 0
        for length in ramp(utterance.chunks):
            end = min(done + length, self.tokens)
            yield EngineAudio(samples[done * count // self.tokens : end * count // self.tokens], 0.0, end - done)
            done = end
            if done == self.tokens:
                return

    def to_bytes(self) -> bytes:
        """Its form outside the process."""
        return _HEADER.pack(_MAGIC, self.sample_rate_hz, self.tokens) + self.pcm.astype("<i2", copy=False).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """Reads what `to_bytes` wrote; None where it is something else."""
        if len(data) < _HEADER.size or (len(data) - _HEADER.size) % 2:
            return None
        magic, sample_rate_hz, tokens = _HEADER.unpack_from(data)
        pcm = np.frombuffer(data, "<i2", offset=_HEADER.size).astype(np.int16, copy=False)
        if magic != _MAGIC or not len(pcm) or tokens > len(pcm):
            return None
        return cls(pcm, sample_rate_hz, tokens)


class RecordingStore:
    """Recordings in memory. The least recently used go first, those that were never used again before all others:
    most clauses are spoken once, and a thousand of them must not push out a greeting (segmented LRU).

    Args:
        capacity_bytes: Of all recordings.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._new: OrderedDict[str, Recording] = OrderedDict()
        self._proven: OrderedDict[str, Recording] = OrderedDict()
        self._proven_bytes = 0
        self.size_bytes = 0
        """What they take up."""

    def __len__(self) -> int:
        return len(self._new) + len(self._proven)

    def get(self, key: str) -> Recording | None:
        """The recording under a key, which is thereby proven useful."""
        recording = self._proven.get(key)
        if recording is not None:
            self._proven.move_to_end(key)
            return recording
        recording = self._new.pop(key, None)
        if recording is None:
            return None
        self._proven[key] = recording
        self._proven_bytes += recording.size_bytes
        while self._proven_bytes > self._capacity_bytes * _PROVEN_SHARE:
            demoted, other = self._proven.popitem(last=False)
            self._proven_bytes -= other.size_bytes
            self._new[demoted] = other
        return recording

    def put(self, key: str, recording: Recording) -> None:
        """Keeps a recording; the first one made under a key stays. One larger than all capacity is not kept."""
        if key in self._proven or key in self._new or recording.size_bytes > self._capacity_bytes:
            return
        self._new[key] = recording
        self.size_bytes += recording.size_bytes
        while self.size_bytes > self._capacity_bytes:
            if self._new:
                _, dropped = self._new.popitem(last=False)
            else:
                _, dropped = self._proven.popitem(last=False)
                self._proven_bytes -= dropped.size_bytes
            self.size_bytes -= dropped.size_bytes
