"""Samples in memory: mono float32 in [-1, 1]."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
"""One-dimensional float32 array of mono audio in [-1, 1]."""


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """Rounds to 16 bits. What is too loud saturates and does not wrap around; what is not a number becomes silence."""
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    scaled: NDArray[np.float32] = np.rint(finite * np.float32(32768.0))
    return scaled.clip(-32768, 32767).astype(np.int16)


def from_int16(values: NDArray[np.int16]) -> Samples:
    """Scales 16-bit samples to [-1, 1)."""
    return values.astype(np.float32) / np.float32(32768.0)
