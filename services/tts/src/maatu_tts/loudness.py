"""How loud speech is: one level for all voices, kept over the clauses of a stream, and no sample beyond full scale."""

import numpy as np
from numpy.typing import NDArray

from maatu_runtime.audio import Samples

TARGET_RMS = 0.15
"""Root mean square of voiced speech that every voice is brought to: 16.5 dB below full scale, which leaves its peaks (about 12
dB higher) room."""

_BLOCK_MS = 20
"""Loudness is measured over this: longer than a period of the lowest voice (70 Hz), shorter than a phoneme."""
_GATE_RMS = 0.01
"""Blocks below it (-40 dB) are pauses and breath. They are no measure of the voice, and the gain stays during them."""
_CLAUSE_BLOCKS = 100
"""Voiced blocks (2 s) that the measure of a clause remembers: many syllables, so that their rise and fall moves the gain little."""
_STREAM_BLOCKS = 1_000
"""Voiced blocks (20 s) that the measure of the whole stream remembers: many clauses."""
_TRUST_BLOCKS = 8
"""A measure begins as if it had heard this many voiced blocks (0.16 s) of what is expected: one soft consonant proves little."""
_LARGEST_GAIN = 10 ** (12 / 20)
"""12 dB either way. A voice that is further off is broken, and more would raise its noise."""
_RISE_PER_BLOCK = 10 ** (0.24 / 20)
"""12 dB per second, too slow to be heard as pumping within a word."""
_FALL_PER_BLOCK = 10 ** (0.6 / 20)
"""30 dB per second: too loud is worse than too soft."""

_KNEE = 0.8
"""Amplitude from which `limit` bends."""
_CEILING = 0.98
"""Amplitude that `limit` never reaches: resampling overshoots by some hundredths."""


def limit(samples: Samples) -> Samples:
    """Bends amplitudes above 0.8 so that none reaches 0.98. Smaller ones stay as they are, to the bit.

    Each sample by itself, so that it does not matter how a stream is cut. The bend has no corner, which would ring.
    """
    beyond = np.abs(samples) - np.float32(_KNEE)
    if not len(samples) or beyond.max() <= 0:
        return samples
    room = np.float32(_CEILING - _KNEE)
    bent = np.float32(_KNEE) + room * np.tanh(beyond / room)
    limited: Samples = np.where(beyond > 0, np.copysign(bent, samples), samples)
    return limited


class _Measure:
    """Mean level of the last so many voiced blocks.

    The mean is of root mean squares, not of squares: a few loud vowels would outweigh a soft clause otherwise.

    Args:
        expected: Root mean square that is expected before anything was heard.
        memory: Blocks that it remembers.
    """

    def __init__(self, expected: float, memory: int) -> None:
        self.level = expected
        self._weight = _TRUST_BLOCKS
        self._memory = memory

    def add(self, level: float) -> None:
        """Hears a block of this root mean square."""
        self._weight = min(self._weight + 1, self._memory)
        self.level += (level - self.level) / self._weight


class Leveller:
    """Keeps one stream of speech at one loudness, over clauses that a sampling model makes louder and softer.

    Samples come out as many as went in, at once: the gain of a block follows from the blocks before it. Within a clause the gain
    changes slowly (12 dB per second up, 30 down), so that words keep their shape; between clauses it goes back to what is right
    for the stream so far. It never jumps from one sample to the next, so that nothing clicks. Blocks are counted from the start
    of the stream, so that it does not matter, to the bit, how the stream was cut into pushes.

    Args:
        sample_rate_hz: Rate of the samples.
        target_rms: Root mean square that voiced speech is brought to.
    """

    def __init__(self, sample_rate_hz: int, target_rms: float = TARGET_RMS) -> None:
        self._length = sample_rate_hz * _BLOCK_MS // 1_000
        self._ramp: NDArray[np.float32] = np.arange(1, self._length + 1, dtype=np.float32) / np.float32(self._length)
        self._target = target_rms
        self._block = np.zeros(self._length, np.float32)
        self._filled = 0
        self._stream = _Measure(target_rms, _STREAM_BLOCKS)
        self._clause = _Measure(target_rms, _CLAUSE_BLOCKS)
        # Gain at the start and at the end of the block that is being filled.
        self._from = 1.0
        self._to = 1.0
        self._between_clauses = False

    def push(self, samples: Samples) -> Samples:
        """Takes the next samples and returns them levelled, as many."""
        levelled = np.empty(len(samples), np.float32)
        done = 0
        while done < len(samples):
            taken = samples[done : done + self._length - self._filled]
            ramp = self._ramp[self._filled : self._filled + len(taken)]
            self._block[self._filled : self._filled + len(taken)] = taken
            gain = np.float32(self._from) + np.float32(self._to - self._from) * ramp
            levelled[done : done + len(taken)] = taken * gain
            done += len(taken)
            self._filled += len(taken)
            if self._filled == self._length:
                self._filled = 0
                self._follow(float(np.sqrt(np.mean(np.square(self._block, dtype=np.float64)))))
        return limit(levelled)

    def next_clause(self) -> None:
        """Says that a clause ended. The next one is expected to be as loud as the stream was so far, not as the last clause."""
        self._clause = _Measure(self._stream.level, _CLAUSE_BLOCKS)
        self._between_clauses = True

    def _follow(self, level: float) -> None:
        """Hears a block and sets where the gain goes in the next one."""
        self._from = self._to
        voiced = level >= _GATE_RMS
        if voiced:
            self._stream.add(level)
            self._clause.add(level)
        wanted = min(max(self._target / self._clause.level, 1 / _LARGEST_GAIN), _LARGEST_GAIN)
        if self._between_clauses:
            # There is a pause: the gain goes where it belongs within one block.
            self._to, self._between_clauses = wanted, False
        elif voiced:
            self._to = min(max(wanted, self._from / _FALL_PER_BLOCK), self._from * _RISE_PER_BLOCK)
