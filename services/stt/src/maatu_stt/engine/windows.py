"""Where long speech is cut into windows that fit into Whisper's 30 seconds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maatu_runtime.audio.samples import Samples
from maatu_stt.engine.base import SAMPLE_RATE_HZ, Word

LONG_WINDOW = 10 * SAMPLE_RATE_HZ
"""Samples from which on committed words leave the window of a live stream."""
VERY_LONG_WINDOW = 20 * SAMPLE_RATE_HZ
"""Samples from which on the beginning leaves even if nothing is agreed on: a hum, a crowd."""
LONGEST_WINDOW = 25 * SAMPLE_RATE_HZ
"""Samples of the longest window: room for 5 s of silence after it."""
_SHORTEST_WINDOW = 15 * SAMPLE_RATE_HZ
_FRAME = SAMPLE_RATE_HZ // 50
_QUIET_FRAMES = 10
"""The cut is made in the middle of the 200 ms with the least energy."""
_SEARCH = SAMPLE_RATE_HZ // 10
"""How far around a boundary between words the quietest moment is looked for: what DTW times are worth."""
_BOUNDARY_FRAMES = 3
_SENTENCE_ENDS = tuple(".?!…。？！।॥؟")
_SENTENCE_BONUS = 0.05
"""The end of a sentence may be so many times louder than the quietest boundary and is preferred all the same."""


class SettlePoint(NamedTuple):
    """Where a window may lose its beginning."""

    words: int
    """Committed words before it."""
    position: int
    """In samples."""


def window_bounds(samples: Samples) -> list[tuple[int, int]]:
    """Start and end of each window of a long recording, in samples."""
    bounds = []
    start = 0
    while len(samples) - start > LONGEST_WINDOW:
        end = start + _SHORTEST_WINDOW + _quietest(samples[start + _SHORTEST_WINDOW : start + LONGEST_WINDOW])
        bounds.append((start, end))
        start = end
    bounds.append((start, len(samples)))
    return bounds


def settle_point(samples: Samples, committed: Sequence[Word]) -> SettlePoint | None:
    """Where a long window is best cut: between two committed words in its later part, at the end of a sentence or where
    it is quiet. The word after the cut is committed too, so that the next decode begins with it even if the cut took some
    of its sound.

    Args:
        samples: The window.
        committed: Its committed words.

    Returns:
        None where the window is short, or no word in it is certain and timed.
    """
    if len(samples) < LONG_WINDOW:
        return None
    starts = {
        count: round(word.start_s * SAMPLE_RATE_HZ)
        for count, word in enumerate(committed)
        if count and word.is_spoken and word.start_s
    }
    if not starts:
        return None
    late = max(starts.values()) // 2
    best = min(
        (_loudness(samples, start, committed[count - 1]), count, start)
        for count, start in starts.items()
        if start >= late
    )
    _, count, start = best
    around = max(start - _SEARCH, 0)
    return SettlePoint(count, around + _quietest(samples[around : start + _SEARCH], _BOUNDARY_FRAMES))


def last_resort(samples: Samples, words: Sequence[Word]) -> SettlePoint:
    """Where a window that must become shorter is cut: at the quietest moment of its third quarter.

    Args:
        samples: The window.
        words: What was decoded, timed.
    """
    begin = len(samples) // 2
    position = begin + _quietest(samples[begin : begin + len(samples) // 4])
    return SettlePoint(sum((word.start_s or 0.0) * SAMPLE_RATE_HZ < position for word in words), position)


def _loudness(samples: Samples, boundary: int, before: Word) -> float:
    """Energy of the quietest moment around a boundary, with a bonus where a sentence ended."""
    around = samples[max(boundary - _SEARCH, 0) : boundary + _SEARCH]
    energy = float(_energies(around, _BOUNDARY_FRAMES).min(initial=np.inf))
    return energy * _SENTENCE_BONUS if before.text.endswith(_SENTENCE_ENDS) else energy


def _quietest(samples: Samples, frames: int = _QUIET_FRAMES) -> int:
    """Position of the quietest moment."""
    energies = _energies(samples, frames)
    return (int(energies.argmin()) + frames // 2) * _FRAME if len(energies) else 0


def _energies(samples: Samples, frames: int) -> Samples:
    """Energy of each stretch of so many frames of 20 ms; none where there are fewer."""
    squares = np.square(samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)).sum(axis=1)
    if len(squares) < frames:
        return np.zeros(0, np.float32)
    summed: Samples = np.convolve(squares, np.ones(frames, np.float32), mode="valid")
    return summed
