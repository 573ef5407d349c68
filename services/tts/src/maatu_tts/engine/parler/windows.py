"""Decoding chunks of many streams at once: each as a window of new frames with context on either side."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maatu_tts.engine.parler.codec import CONTEXT_FRAMES, Codec

Samples = NDArray[np.float32]

_BUCKET_FRAMES = 10
"""Windows are filled up to a multiple of this, so that those of several streams have one length."""


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

    @property
    def length(self) -> int:
        """Frames to decode. The end of a stream is heard, so only other windows are filled up."""
        frames = self.codes.shape[1]
        return frames if self.ends else -(-frames // _BUCKET_FRAMES) * _BUCKET_FRAMES


def decode(codec: Codec, windows: Sequence[Window], device: torch.device) -> list[Samples]:
    """Decodes windows, those of one length together.

    Returns:
        For each window the samples of its new frames.
    """
    batches: defaultdict[int, list[int]] = defaultdict(list)
    for index, window in enumerate(windows):
        batches[window.length].append(index)
    samples: list[Samples] = [np.zeros(0, np.float32)] * len(windows)
    hop = codec.config.hop
    for length, indices in batches.items():
        codes = torch.stack([_fill(windows[index].codes, length) for index in indices])
        decoded = codec(codes.to(device)).float().cpu().numpy()
        for row, index in enumerate(indices):
            window = windows[index]
            samples[index] = decoded[row, window.skip * hop : (window.skip + window.take) * hop]
    return samples


def _fill(codes: Tensor, length: int) -> Tensor:
    """Repeats the last frame. It lies beyond the context, so nothing of it is heard."""
    missing = length - codes.shape[1]
    return torch.cat([codes, codes[:, -1:].expand(-1, missing)], dim=1) if missing else codes
