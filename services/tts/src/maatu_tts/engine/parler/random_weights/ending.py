"""How a stream of a random-weight checkpoint ends: what makes end-of-speech win, and how often.

Two fixed directions of the hidden space carry it, whatever the other weights are:
- Some of the first codebook's codes, one in `mean_frames`, have an embedding far along the first direction, and its row of
  end-of-speech points there: the first codebook ends right after such a code.
- The last layer norm's bias points along the second direction, and so do the other codebooks' rows: they nearly always win. Only
  the rule that a codebook may end after those below it keeps them from it, so they end one step after another, as in a
  trained model, with a gap now and then.
"""

import math
from collections.abc import Callable

import torch

from maatu_tts.engine.parler.random_weights.size import CODEBOOK_SIZE, END_OF_SPEECH, VOCABULARY

HEAD_GAIN = 4.0
"""Standard deviation of the logits: a few candidates compete at each step, as in a trained model."""
_CODE_STRENGTH = 2.0
"""Of an ending code's embedding along its direction, in units of the deviation of all codebooks' embeddings together."""
_BIAS = 3.0

Edit = Callable[[torch.Tensor], torch.Tensor]


def mark_ending_codes(mean_frames: int) -> Edit:
    """Edit of the first codebook's embeddings."""

    def edit(embeddings: torch.Tensor) -> torch.Tensor:
        hidden = embeddings.shape[1]
        embeddings[mean_frames // 2 : CODEBOOK_SIZE : mean_frames] += (
            _CODE_STRENGTH * math.sqrt(hidden) * _first(hidden)
        )
        return embeddings

    return edit


def steady(bias: torch.Tensor) -> torch.Tensor:
    """Edit of the last layer norm's bias."""
    direction = _second(bias.shape[0])
    return bias - direction * (bias @ direction - _BIAS)


def set_ending_rows(codebooks: tuple[int, ...], mean_frames: int | None) -> Edit:
    """Edit of the heads of these codebooks: end-of-speech as said above, or never; ids above it never win."""

    def edit(weights: torch.Tensor) -> torch.Tensor:
        hidden = weights.shape[1]
        heads = weights.view(len(codebooks), VOCABULARY, hidden)
        heads[:, END_OF_SPEECH:] = 0.0
        if mean_frames is not None:
            for head, codebook in zip(heads, codebooks, strict=True):
                # An ending code's embedding is shrunk by the layer norm; what is left of 7 is about 5 deviations of the logits.
                after_code = 7 * HEAD_GAIN / math.sqrt(hidden) * _first(hidden)
                head[END_OF_SPEECH] = after_code if codebook == 0 else 1.5 * HEAD_GAIN * _second(hidden)
        return weights

    return edit


def _first(hidden: int) -> torch.Tensor:
    return torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(hidden // 4) / math.sqrt(hidden)


def _second(hidden: int) -> torch.Tensor:
    return torch.tensor([1.0, -1.0, 1.0, -1.0]).repeat(hidden // 4) / math.sqrt(hidden)
