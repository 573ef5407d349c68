"""Decoding chunks of many streams at once: each as a window of new frames with context on either side."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maatu_tts.engine.parler.codec import CONTEXT_FRAMES, Codec

log = logging.getLogger(__name__)

Samples = NDArray[np.float32]

_BUCKET_FRAMES = 10
"""Windows are filled up to a multiple of this, so that those of several streams have one length."""
_GPU_LENGTHS = (20, 40, 70, 80)
"""On a GPU to one of these, where they are no longer: first chunks, those that grow, those of 50 frames with their context. More
lengths would be more runs of the codec, which cost a GPU more than a few frames do; a CPU pays for each frame."""
_BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Windows decoded together on a GPU, filled up to one of these."""


@dataclass(frozen=True)
class Window:
    """New frames of one stream, to be decoded to what decoding the whole stream would give for them."""

    codes: Tensor
    """[codebooks, frames] of the new frames and those around them, on the CPU."""
    skip: int
    """Frames of context before the new ones: CONTEXT_FRAMES, or fewer at the stream's start."""
    take: int
    """New frames."""
    ends: bool
    """The stream ends with these codes; otherwise CONTEXT_FRAMES follow the new ones."""

    @classmethod
    def cut(cls, codes: Tensor, begin: int, end: int, *, ends: bool) -> "Window":
        """Cuts out of a stream's codes what decoding frames `begin` to `end` needs.

        Args:
            codes: [codebooks, frames] known so far.
            begin: First new frame.
            end: Past the last new frame.
            ends: The codes are all of the stream, and `end` is their end.
        """
        start = max(0, begin - CONTEXT_FRAMES)
        stop = end if ends else end + CONTEXT_FRAMES
        return cls(codes[:, start:stop], begin - start, end - begin, ends)

    def length(self, device: torch.device) -> int:
        """Frames to decode on a device. The end of a stream is heard, so only other windows are filled up."""
        frames = self.codes.shape[1]
        if self.ends:
            return frames
        bucket = -(-frames // _BUCKET_FRAMES) * _BUCKET_FRAMES
        if device.type == "cpu":
            return bucket
        return next((length for length in _GPU_LENGTHS if length >= frames), bucket)


def decode(codec: Codec, windows: Sequence[Window], device: torch.device) -> list[Samples]:
    """Decodes windows, those of one length together.

    Returns:
        For each window the samples of its new frames.
    """
    batches: defaultdict[int, list[int]] = defaultdict(list)
    for index, window in enumerate(windows):
        batches[window.length(device)].append(index)
    samples: list[Samples] = [np.zeros(0, np.float32)] * len(windows)
    hop = codec.config.hop
    for length, indices in batches.items():
        for start in range(0, len(indices), _BATCHES[-1]):
            some = indices[start : start + _BATCHES[-1]]
            codes = torch.stack([_fill(windows[index].codes, length) for index in some])
            decoded = codec(_rung(codes, device).to(device)).float().cpu().numpy()
            for row, index in enumerate(some):
                window = windows[index]
                samples[index] = decoded[row, window.skip * hop : (window.skip + window.take) * hop]
    return samples


def warm_up(codec: Codec, codebooks: int, device: torch.device, longest: int, frames: int) -> None:
    """Lets cuDNN choose how to compute each shape that `decode` makes; it takes tens of milliseconds for a new one.

    Without memory for a shape the rest is left out: they are chosen for when they come.

    Args:
        codec: What decodes.
        codebooks: Tokens of a frame.
        device: A GPU.
        longest: Frames of a window at most, for which it is ready.
        frames: Of all windows that are given to `decode` at once, at most.
    """
    # The end of a stream may have any length.
    shapes = [(1, length) for length in range(1, longest + 1)]
    shapes += [
        (batch, length)
        for below, batch in pairwise(_BATCHES)
        for length in _GPU_LENGTHS
        # Fewer windows are filled up to this batch, but no fewer than these.
        if length <= longest and (below + 1) * length <= frames
    ]
    for batch, length in shapes:
        try:
            codec(torch.zeros(batch, codebooks, length, dtype=torch.long, device=device))
        except torch.OutOfMemoryError:
            log.warning("no memory to warm up for %d windows of %d frames", batch, length)
            torch.cuda.empty_cache()
            return


def _fill(codes: Tensor, length: int) -> Tensor:
    """Repeats the last frame. It lies beyond the context, so nothing of it is heard."""
    missing = length - codes.shape[1]
    return torch.cat([codes, codes[:, -1:].expand(-1, missing)], dim=1) if missing else codes


def _rung(codes: Tensor, device: torch.device) -> Tensor:
    """Fills a batch up to one of few sizes where each new one costs time."""
    if device.type != "cuda":
        return codes
    missing = next(batch for batch in _BATCHES if batch >= len(codes)) - len(codes)
    return torch.cat([codes, codes[:1].expand(missing, -1, -1)]) if missing else codes
