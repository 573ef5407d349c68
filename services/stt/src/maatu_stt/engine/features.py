"""What Whisper hears: log-mel features, no longer than they have to be."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from maatu_runtime.audio.samples import Samples
from maatu_stt.engine.base import SAMPLE_RATE_HZ

FULL = 30 * SAMPLE_RATE_HZ
"""Samples that Whisper hears at most, and was trained on."""
HOP = 160
"""Samples from one frame of features to the next."""
_STEP = SAMPLE_RATE_HZ
"""Features come in multiples of so many samples. oneDNN compiles and keeps code for each shape it meets: with lengths to the
frame the service grew by 180 MiB in half an hour, with half seconds by 40."""
_SILENT_TAIL = 4 * HOP
"""Samples of silence whose last frame shows what silence looks like in the features."""


def padded_length(samples: int, margin: int) -> int:
    """Samples to encode for speech of that length and a margin of silence after it; FULL at most."""
    return min(-(-(samples + margin) // _STEP) * _STEP, FULL)


def log_mel(extract: Callable[..., NDArray[np.float32]], samples: Samples, length: int) -> NDArray[np.float32]:
    """Features of samples with silence after them, shape (mel bands, length / HOP).

    What silence looks like is found at the end of the samples and repeated: computing it takes longer than the speech.

    Args:
        extract: faster-whisper's feature extractor.
        samples: At SAMPLE_RATE_HZ.
        length: In samples, the silence included.
    """
    frames = length // HOP // 2 * 2  # the encoder halves them
    heard = extract(np.pad(samples, (0, _SILENT_TAIL)), padding=0)[:, :frames]
    features = np.repeat(heard[:, -1:], frames, axis=1)
    features[:, : heard.shape[1]] = heard
    return features
