"""Runs a vocoder on windows of frames so that the windows' samples, joined, are those of one run over all frames.

A vocoder of convolutions looks a fixed number of frames to either side. A window is decoded with so many more frames on both
sides, and their samples are thrown away. At the ends of an utterance there are none, as in the whole run. For the HiFi-GAN of
Piper's medium voices the context is 11 frames (128 ms), with which windows differ from the whole by less than 1e-6; with 8
frames they differ by 4e-4, with 4 by 5e-3.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maatu_runtime.audio import Samples
from maatu_tts.engine.piper_split import NotSplittable

Latents: TypeAlias = Mapping[str, NDArray[np.float32]]
"""What a vocoder is given, by name: arrays [1, channels, frames], and others that hold for all frames."""
Decode: TypeAlias = Callable[[Latents], Samples]
"""Runs a vocoder."""

FIRST_WINDOW_FRAMES = 12
"""139 ms: enough to hold the first sound after the 4 or 5 silent frames that voices begin with."""
LARGEST_WINDOW_FRAMES = 96
"""1.1 s, the work of 38 ms on one core: as long as another utterance may have to wait."""
_GROWTH = 4
"""Each window is so many times the one before: a core makes 30 seconds of sound in one, so playback stays ahead."""
_TOLERANCE = 1e-4
"""By how much a window's samples may differ from those of the whole run."""


class Part(NamedTuple):
    """Samples of an utterance, in order."""

    samples: Samples
    """Mono float32."""
    is_last: bool
    """Nothing comes after them."""


class WindowedVocoder:
    """A vocoder and how far it looks.

    Args:
        context: Frames that it looks to either side.
        hop: Samples that it makes of a frame.
    """

    def __init__(self, context: int, hop: int) -> None:
        self.context = context
        self.hop = hop

    def run(self, latents: Latents, decode: Decode, *, streaming: bool = True) -> Iterator[Part]:
        """Decodes window after window; each `next` decodes one.

        Args:
            latents: Of a whole utterance.
            decode: Called with those of one window and its context.
            streaming: Begin with a small window; otherwise all are large.
        """
        frames = _frames(latents)
        size = FIRST_WINDOW_FRAMES if streaming else LARGEST_WINDOW_FRAMES
        begin = 0
        while begin < frames:
            # A rest shorter than the context costs more as a window than as a part of this one.
            end = begin + size if frames - begin - size > self.context else frames
            left = max(0, begin - self.context)
            samples = decode(_cut(latents, left, min(frames, end + self.context)))
            yield Part(samples[(begin - left) * self.hop : (end - left) * self.hop], end == frames)
            begin, size = end, min(size * _GROWTH, LARGEST_WINDOW_FRAMES)


def measure(latents: Latents, decode: Decode) -> WindowedVocoder:
    """Finds out how far a vocoder looks, and proves on real frames that windows give what the whole gives.

    One frame in the middle is changed; the samples that change tell how far it is seen.

    Args:
        latents: Of an utterance of some seconds.
        decode: Runs the vocoder.

    Raises:
        NotSplittable: It looks too far, or its windows do not give what the whole gives.
    """
    whole = decode(latents)
    frames, middle = _frames(latents), _frames(latents) // 2
    hop = len(whole) // frames
    if hop * frames != len(whole):
        raise NotSplittable(f"it makes {len(whole)} samples of {frames} frames")
    changed = {name: array.copy() for name, array in latents.items()}
    for array in changed.values():
        if _is_sequence(array):
            array[:, :, middle] += 1.0
    [reached] = np.nonzero(decode(changed) != whole)
    if not len(reached):
        raise NotSplittable("its samples do not depend on its frames")
    context = int(max(middle - reached[0] // hop, reached[-1] // hop - middle))
    if 2 * context + FIRST_WINDOW_FRAMES > frames:
        raise NotSplittable(f"a sample depends on {context} frames to either side, perhaps on all")
    vocoder = WindowedVocoder(context, hop)
    joined = np.concatenate([part.samples for part in vocoder.run(latents, decode)])
    error = float(np.abs(joined - whole).max())
    if not error <= _TOLERANCE:
        raise NotSplittable(f"its windows differ from the whole by {error:.1e}")
    return vocoder


def _is_sequence(array: NDArray[Any]) -> bool:
    return array.ndim == 3 and array.shape[-1] > 1


def _frames(latents: Latents) -> int:
    return max((array.shape[-1] for array in latents.values() if _is_sequence(array)), default=1)


def _cut(latents: Latents, begin: int, end: int) -> Latents:
    return {name: array[:, :, begin:end] if _is_sequence(array) else array for name, array in latents.items()}
