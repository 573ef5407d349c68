"""Cuts long utterances into windows that fit into Whisper's 30 seconds."""

import numpy as np

from maatu_runtime.audio.samples import Samples
from maatu_stt.engine.base import SAMPLE_RATE_HZ

LONGEST_WINDOW = 25 * SAMPLE_RATE_HZ
"""Samples of the longest window: room for 5 s of silence after it."""
_SHORTEST_WINDOW = 15 * SAMPLE_RATE_HZ
_FRAME = SAMPLE_RATE_HZ // 50
_QUIET_FRAMES = 10
"""The cut is made in the middle of the 200 ms with the least energy."""


def window_bounds(samples: Samples) -> list[tuple[int, int]]:
    """Start and end of each window of an utterance, in samples.

    All windows but the last stay the same when samples are added, so what they say can be kept.
    """
    bounds = []
    start = 0
    while len(samples) - start > LONGEST_WINDOW:
        end = start + _SHORTEST_WINDOW + _quietest(samples[start + _SHORTEST_WINDOW : start + LONGEST_WINDOW])
        bounds.append((start, end))
        start = end
    bounds.append((start, len(samples)))
    return bounds


def _quietest(samples: Samples) -> int:
    """Position of the quietest moment."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    energy = np.convolve(np.square(frames).sum(axis=1), np.ones(_QUIET_FRAMES), mode="valid")
    return (int(energy.argmin()) + _QUIET_FRAMES // 2) * _FRAME
