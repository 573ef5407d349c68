"""The transformer of Parler-TTS: from the columns so far to the scores of the next one.

A *column* is one token of each codebook. Self-attention sees the prompt (where the checkpoint prepends it) and the columns
before; cross-attention sees the description. Architecture and tensor names are those of the package parler_tts 0.2.3.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from maatu_runtime.errors import ModelNotInstalled
from maatu_tts.engine.parler.attention import decode_attention
from maatu_tts.engine.parler.cache import KeyValueCache, LayerCache, Rows
from maatu_tts.engine.parler.checkpoint import Checkpoint
from maatu_tts.engine.parler.config import DecoderConfig
from maatu_tts.engine.parler.linear import Matrix

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
}

MakeLinear = Callable[[Tensor], Matrix]


@dataclass(frozen=True)
class Where:
    """Which part of the cache one pass writes and reads. Made once a pass, used by every layer."""

    rows: Rows
    """Rows of the batch, to read."""
    step: bool
    """One input of each row, the column that goes in next; otherwise it is a prefill."""
    row_numbers: Tensor
    """[batch, 1], to write."""
    positions: Tensor
    """[batch, time] of the inputs."""
    context: int
    """Positions read: all up to the largest of `positions`."""
    lengths: Tensor
    """[batch] Positions that the last input of each row sees."""
    mask: Tensor | None
    """[batch, 1, time, context] added to scores: 0 for what is seen, -inf for the rest. None: each row reads its length."""
    cross_context: int
    """Positions of descriptions read."""
    cross_lengths: Tensor
    """[batch] Lengths of the descriptions."""
    cross_mask: Tensor | None
    """[batch, 1, 1, cross_context] alike."""
    rotation: tuple[Tensor, Tensor] | None
    """Cosine and sine, each [batch, time, 1, head size], with rotary positions."""


class _Layer(nn.Module):
    """Self-attention, cross-attention, feed-forward; each behind a norm and beside a residual."""

    def __init__(
        self, number: int, config: DecoderConfig, checkpoint: Checkpoint, make: MakeLinear, like: Tensor
    ) -> None:
        super().__init__()
        self._heads = config.heads
        self._key_value_heads = config.key_value_heads
        self._cross_key_value_heads = config.cross_key_value_heads
        self._head_size = config.head_size
        # Compared here: where shapes are symbols, torch.compile cannot pass on what comparing them gives.
        self._grouped = config.heads != config.key_value_heads
        self._cross_grouped = config.heads != config.cross_key_value_heads
        self._activation = _ACTIVATIONS[config.activation]
        prefix = f"decoder.model.decoder.layers.{number}"
        hidden, width, cross = (
            config.hidden,
            config.key_value_heads * config.head_size,
            config.cross_key_value_heads * config.head_size,
        )

        def take(name: str, outputs: int, inputs: int) -> Tensor:
            return checkpoint.take(f"{prefix}.{name}.weight", (outputs, inputs))

        own = [take(f"self_attn.{name}_proj", hidden if name == "q" else width, hidden) for name in "qkv"]
        self.query_key_value = make(torch.cat(own))
        self.out = make(take("self_attn.out_proj", hidden, hidden))
        self.cross_query = make(take("encoder_attn.q_proj", hidden, hidden))
        self.cross_key_value = make(torch.cat([take(f"encoder_attn.{name}_proj", cross, hidden) for name in "kv"]))
        self.cross_out = make(take("encoder_attn.out_proj", hidden, hidden))
        self.up = make(take("fc1", config.ffn, hidden))
        self.down = make(take("fc2", hidden, config.ffn))
        self.norm = _norm(checkpoint, f"{prefix}.self_attn_layer_norm", hidden, like)
        self.cross_norm = _norm(checkpoint, f"{prefix}.encoder_attn_layer_norm", hidden, like)
        self.final_norm = _norm(checkpoint, f"{prefix}.final_layer_norm", hidden, like)

    def forward(self, x: Tensor, cache: LayerCache, where: Where) -> Tensor:
        """[batch · time, hidden] → the same; writes this layer's part of the cache."""
        x = self.out.add(x, self._attend(self.norm(x), cache, where))
        x = self.cross_out.add(x, self._attend_description(self.cross_norm(x), cache, where))
        return self.down.add(x, self._activation(self.up(self.final_norm(x))))

    def _attend(self, x: Tensor, cache: LayerCache, where: Where) -> Tensor:
        shape = (*where.positions.shape, self._heads + 2 * self._key_value_heads, self._head_size)
        heads = self.query_key_value(x).view(shape)
        queries, keys_values = torch.split(heads, [self._heads, 2 * self._key_value_heads], dim=2)
        if where.rotation is not None:
            queries = _rotate(queries, where.rotation)
            keys, values = keys_values.chunk(2, dim=2)
            keys_values = torch.cat([_rotate(keys, where.rotation), values], dim=2)
        cache.write(where.row_numbers, where.positions, keys_values)
        if where.mask is None:
            return cast(Tensor, decode_attention(queries[:, 0], cache.own[where.rows], where.lengths, where.context))
        keys, values = cache.read(where.rows, where.context)
        return _attention(queries, keys, values, where.mask, grouped=self._grouped)

    def _attend_description(self, x: Tensor, cache: LayerCache, where: Where) -> Tensor:
        queries = self.cross_query(x).view(*where.positions.shape, self._heads, self._head_size)
        if where.rotation is not None:
            # The published models were trained so: here only the queries are rotated.
            queries = _rotate(queries, where.rotation)
        if where.cross_mask is None:
            # Descriptions are short: one program for each head.
            return cast(Tensor, decode_attention(queries[:, 0], cache.cross[where.rows], where.cross_lengths, 1))
        keys, values = cache.read_cross(where.rows, where.cross_context)
        return _attention(queries, keys, values, where.cross_mask, grouped=self._cross_grouped)

    def cross_keys_values(self, states: Tensor) -> Tensor:
        """[length, hidden] → [heads of keys then of values, length, head size]."""
        shape = (len(states), 2 * self._cross_key_value_heads, self._head_size)
        return self.cross_key_value(states).view(shape).transpose(0, 1)


class Decoder(nn.Module):
    """All layers, with the embeddings before and the heads after them.

    Args:
        config: Of the decoder.
        checkpoint: Its tensors.
        make: Makes its matrices.
        like: Says type and device of everything else.

    Attributes:
        by_lengths: A decode step's rows read each its own length of the cache, by a kernel for GPUs; otherwise all read the
            longest one's and mask it.

    Raises:
        ModelNotInstalled: The activation is unknown.
    """

    by_lengths = False

    embeddings: Tensor
    offsets: Tensor
    sinusoids: Tensor | None
    frequencies: Tensor

    def __init__(self, config: DecoderConfig, checkpoint: Checkpoint, make: MakeLinear, like: Tensor) -> None:
        super().__init__()
        if config.activation not in _ACTIVATIONS:
            raise ModelNotInstalled(
                f"the checkpoint's activation {config.activation!r} is not one of {[*_ACTIVATIONS]}"
            )
        self.config = config
        prefix = "decoder.model.decoder"
        # One entry more than the heads have: the checkpoints were made so.
        entries = config.vocabulary + 1
        tables = [
            checkpoint.take(f"{prefix}.embed_tokens.{book}.weight", (entries, config.hidden))
            for book in range(config.codebooks)
        ]
        self.register_buffer("embeddings", torch.cat(tables).to(like))
        self.register_buffer("offsets", torch.arange(config.codebooks, device=like.device) * entries)
        name = f"{prefix}.embed_positions.weights"
        sinusoids = None if config.rope else checkpoint.take(name, (config.positions, config.hidden)).to(like)
        self.register_buffer("sinusoids", sinusoids)
        steps = torch.arange(0, config.head_size, 2, dtype=torch.float32, device=like.device)
        self.register_buffer("frequencies", 1.0 / config.rope_theta ** (steps / config.head_size))
        self.layers = nn.ModuleList(_Layer(number, config, checkpoint, make, like) for number in range(config.layers))
        self.norm = _norm(checkpoint, f"{prefix}.layer_norm", config.hidden, like)
        self.heads = make(_heads(config, checkpoint))

    def embed(self, columns: Tensor) -> Tensor:
        """Columns of tokens [..., codebooks] → [..., hidden]."""
        return functional.embedding(columns + self.offsets, self.embeddings).sum(dim=-2)

    def where(
        self,
        rows: Rows,
        row_numbers: Tensor,
        positions: Tensor,
        context: int,
        cross_lengths: Tensor,
        cross_context: int,
        *,
        step: bool = False,
    ) -> Where:
        """Prepares a pass.

        Args:
            rows: Rows of the batch, to read.
            row_numbers: [batch], to write.
            positions: [batch, time] of the inputs.
            context: More than the largest of `positions`.
            cross_lengths: [batch] lengths of the descriptions.
            cross_context: At least the largest of them.
            step: It is a decode step.
        """
        device = positions.device
        rotation = None
        if self.config.rope:
            angles = positions[..., None].float() * self.frequencies
            angles = torch.cat([angles, angles], dim=-1)[:, :, None]
            rotation = angles.cos().to(self.embeddings.dtype), angles.sin().to(self.embeddings.dtype)
        masked = not (self.by_lengths and step)
        return Where(
            rows=rows,
            step=step,
            row_numbers=row_numbers[:, None],
            positions=positions,
            context=context,
            lengths=positions[:, -1] + 1,
            mask=self._added(torch.arange(context, device=device) <= positions[:, None, :, None]) if masked else None,
            cross_context=cross_context,
            cross_lengths=cross_lengths,
            cross_mask=self._added(torch.arange(cross_context, device=device) < cross_lengths[:, None, None, None])
            if masked
            else None,
            rotation=rotation,
        )

    def forward(self, inputs: Tensor, cache: KeyValueCache, where: Where) -> Tensor:
        """Runs the layers.

        Args:
            inputs: [batch, time, hidden]: prompt embeddings, or embedded columns.
            cache: Written at `where.positions`, read up to `where.context`.
            where: Rows and positions.

        Returns:
            [batch, time, hidden], normalised.
        """
        x = inputs if self.sinusoids is None else inputs + self.sinusoids[where.positions]
        x = x.flatten(0, 1)
        for layer, memory in zip(self.layers, cache.layers, strict=True):
            x = layer(x, memory, where)
        return cast(Tensor, self.norm(x)).view_as(inputs)

    def scores(self, hidden: Tensor) -> Tensor:
        """[batch, hidden] → the scores of each codebook's next token, [batch, codebooks, vocabulary]."""
        return self.heads(hidden).view(len(hidden), self.config.codebooks, self.config.vocabulary)

    def cross_keys_values(self, states: Tensor) -> Tensor:
        """Encoder states [length, hidden] → [layers, heads of keys then of values, length, head size]."""
        return torch.stack([cast(_Layer, layer).cross_keys_values(states) for layer in self.layers])

    def _added(self, seen: Tensor) -> Tensor:
        """A mask to add to attention's scores. Made once for all layers: attention would make it of bools each time."""
        return torch.zeros_like(seen, dtype=self.embeddings.dtype).masked_fill_(~seen, -torch.inf)


def _attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, *, grouped: bool) -> Tensor:
    """[batch, time, heads, head size] and the cache's keys and values → [batch · time, hidden].

    Grouped: there are fewer heads of keys than of queries.
    """
    attended = functional.scaled_dot_product_attention(queries.transpose(1, 2), keys, values, mask, enable_gqa=grouped)
    return attended.transpose(1, 2).flatten(2).flatten(0, 1)


def _rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions (Su et al. 2021), halves rotated against each other; x is [batch, time, heads, head size]."""
    cosine, sine = rotation
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-second, first], dim=-1) * sine


def _norm(checkpoint: Checkpoint, name: str, width: int, like: Tensor) -> nn.LayerNorm:
    norm = nn.LayerNorm(width, device="meta")
    norm.weight = nn.Parameter(checkpoint.take(f"{name}.weight", (width,)).to(like), requires_grad=False)
    norm.bias = nn.Parameter(checkpoint.take(f"{name}.bias", (width,)).to(like), requires_grad=False)
    return norm


def _heads(config: DecoderConfig, checkpoint: Checkpoint) -> Tensor:
    """One matrix for all codebooks; checkpoints hold one, or one for each."""
    if config.fused_heads:
        return checkpoint.take("decoder.lm_heads.weight", (config.codebooks * config.vocabulary, config.hidden))
    shape = (config.vocabulary, config.hidden)
    return torch.cat([checkpoint.take(f"decoder.lm_heads.{book}.weight", shape) for book in range(config.codebooks)])
