"""Keys and values of attention for all rows of the batch, in one fixed place.

A row belongs to one stream at a time. Nothing is ever allocated or freed while streams come and go, which is what CUDA graphs need.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from maatu_tts.engine.parler.config import DecoderConfig

Rows = slice | Tensor
"""Rows of the batch: a slice, read in place, or a LongTensor of rows, which reading copies."""


@dataclass(frozen=True)
class CacheSize:
    """How much a cache holds."""

    rows: int
    """Streams at once."""
    positions: int
    """Longest sequence of a stream: prompt and columns."""
    cross_positions: int
    """Longest description, in tokens; with a cross-attended prompt, both together."""

    def bytes(self, config: DecoderConfig, dtype: torch.dtype) -> int:
        """Memory it takes."""
        self_width = self.positions * config.key_value_heads
        cross_width = self.cross_positions * config.cross_key_value_heads
        return 2 * config.layers * self.rows * (self_width + cross_width) * config.head_size * dtype.itemsize


@dataclass(frozen=True)
class LayerCache:
    """What one layer remembers: [rows, heads of keys then of values, positions, head size]."""

    own: Tensor
    """Of self-attention."""
    cross: Tensor
    """Of cross-attention."""

    def write(self, rows: Tensor, positions: Tensor, keys_values: Tensor) -> None:
        """Stores keys and values.

        Args:
            rows: [batch, 1]
            positions: [batch, time]
            keys_values: [batch, time, heads of keys then of values, head size]
        """
        self.own.transpose(1, 2)[rows, positions] = keys_values

    def read(self, rows: Rows, context: int) -> tuple[Tensor, ...]:
        """Keys and values up to a position: each [batch, heads, context, head size]."""
        return self.own[rows, :, :context].chunk(2, dim=1)

    def read_cross(self, rows: Rows, context: int) -> tuple[Tensor, ...]:
        """Keys and values of the descriptions: each [batch, heads, context, head size]."""
        return self.cross[rows, :, :context].chunk(2, dim=1)


class KeyValueCache:
    """The memory of attention, zeros at first.

    What lies beyond a row's position is left over from earlier streams. It is finite, and masked by whoever reads.

    Args:
        config: Of the decoder.
        size: How much it holds.
        dtype: Of keys and values.
        device: Where it lies.
    """

    def __init__(self, config: DecoderConfig, size: CacheSize, dtype: torch.dtype, device: torch.device) -> None:
        own = (config.layers, size.rows, 2 * config.key_value_heads, size.positions, config.head_size)
        cross = (config.layers, size.rows, 2 * config.cross_key_value_heads, size.cross_positions, config.head_size)
        self.size = size
        self._own = torch.zeros(own, dtype=dtype, device=device)
        self._cross = torch.zeros(cross, dtype=dtype, device=device)
        self.layers = [LayerCache(*pair) for pair in zip(self._own, self._cross, strict=True)]
        # A row that sees nothing at all would attend to not-a-number.
        self.cross_lengths = torch.ones(size.rows, dtype=torch.long, device=device)

    def set_cross(self, row: int, keys_values: Tensor) -> None:
        """Gives a row its description's keys and values: [layers, heads of keys then of values, length, head size]."""
        length = keys_values.shape[2]
        self._cross[:, row, :, :length] = keys_values
        self.cross_lengths[row] = length

    def move(self, source: int, target: int, length: int, cross_length: int) -> None:
        """Copies what a row holds to another: `length` positions and `cross_length` of its description."""
        self._own[:, target, :, :length] = self._own[:, source, :, :length]
        self._cross[:, target, :, :cross_length] = self._cross[:, source, :, :cross_length]
        self.cross_lengths[target] = self.cross_lengths[source]
