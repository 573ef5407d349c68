"""Choosing the next column out of its scores."""

from dataclasses import dataclass

import torch
from torch import Tensor

_MASK_32 = 0xFFFF_FFFF


@dataclass(frozen=True)
class SamplerSettings:
    """What is the same for all streams."""

    top_k: int = 50
    """Only the k likeliest tokens; 0: all."""
    top_p: float = 1.0
    """Of those, the likeliest that together reach this probability."""


def allowed(codebook_size: int, eos: int, vocabulary: int, device: torch.device) -> Tensor:
    """Which ids a codebook may emit, [vocabulary] bool: codes and the end. The heads have rows for ids that mean nothing."""
    ids = torch.arange(vocabulary, device=device)
    return (ids < codebook_size) | (ids == eos)


def choose(
    scores: Tensor,
    temperature: Tensor,
    seeds: Tensor,
    columns: Tensor,
    settings: SamplerSettings,
    *,
    greedy: bool = False,
) -> Tensor:
    """Chooses a token for each codebook: the likeliest at temperature 0, else a sample.

    A sample depends on the scores, the seed and the column, and on nothing else: the same stream sounds the same alone, in
    any batch and on any row.

    Args:
        scores: [batch, codebooks, vocabulary]; what must not be chosen is -inf.
        temperature: [batch]
        seeds: [batch] int64
        columns: [batch] int64, number of the column chosen.
        settings: Same for all.
        greedy: All temperatures are 0: nothing needs to be drawn.

    Returns:
        [batch, codebooks] int64
    """
    likeliest = scores.argmax(dim=-1)
    if greedy:
        return likeliest
    scaled = scores.float() / temperature.clamp_min(1e-5)[:, None, None].float()
    vocabulary = scaled.shape[-1]
    candidates, ids = scaled.topk(min(settings.top_k or vocabulary, vocabulary), dim=-1)
    if settings.top_p < 1.0:
        probabilities = candidates.softmax(dim=-1)
        # The likeliest token stays, however unlikely.
        before = probabilities.cumsum(dim=-1) - probabilities
        candidates = candidates.masked_fill(before >= settings.top_p, -torch.inf)
    # Gumbel-max: adding Gumbel noise to log-probabilities and taking the largest is a sample (Gumbel 1954).
    drawn = (candidates - (-_uniform(seeds, columns, ids).log()).log()).argmax(dim=-1, keepdim=True)
    sampled = ids.gather(-1, drawn)[..., 0]
    return torch.where((temperature > 0)[:, None], sampled, likeliest)


def _uniform(seeds: Tensor, columns: Tensor, ids: Tensor) -> Tensor:
    """Numbers in (0, 1) that are a function of seed, column, codebook and id, [batch, codebooks, candidates] float32."""
    books = torch.arange(ids.shape[1], device=ids.device)[None, :, None]
    state = _scramble(seeds & _MASK_32)
    state = _scramble(state ^ (seeds >> 32 & _MASK_32))
    state = _scramble(state ^ columns)[:, None, None]
    state = _scramble(state ^ (books << 16) ^ ids)
    # The half keeps both ends out, and takes one of the 24 bits that float32 holds.
    return ((state >> 9).float() + 0.5) / (1 << 23)


def _scramble(x: Tensor) -> Tensor:
    """A hash of 32-bit numbers held in int64 (lowbias32, Chris Wellons, "Prospecting for Hash Functions")."""
    x = (x ^ (x >> 16)) * 0x7FEB_352D & _MASK_32
    x = (x ^ (x >> 15)) * 0x846C_A68B & _MASK_32
    return x ^ (x >> 16)
