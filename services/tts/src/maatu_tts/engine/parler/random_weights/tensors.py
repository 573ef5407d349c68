"""Names, shapes and scales of the text encoder's and the decoder's tensors."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from maatu_tts.engine.parler.random_weights.ending import HEAD_GAIN, Edit, mark_ending_codes, set_ending_rows, steady
from maatu_tts.engine.parler.random_weights.size import VOCABULARY, Size


@dataclass(frozen=True)
class Spec:
    """One tensor: normally distributed, then changed by `edit`, which may need more than one number says."""

    name: str
    shape: tuple[int, ...]
    std: float
    mean: float = 0.0
    edit: Edit | None = None


def _linear(name: str, outputs: int, inputs: int, gain: float = 1.0) -> Spec:
    return Spec(f"{name}.weight", (outputs, inputs), gain / math.sqrt(inputs))


def _layer_norm(name: str, width: int) -> Iterator[Spec]:
    yield Spec(f"{name}.weight", (width,), 0.1, 1.0)
    yield Spec(f"{name}.bias", (width,), 0.1)


def text_encoder(size: Size) -> Iterator[Spec]:
    """T5's encoder."""
    hidden, inner = size.text_encoder_hidden, size.text_encoder_heads * size.text_encoder_head_size
    residual_gain = 1 / math.sqrt(2 * size.text_encoder_layers)
    yield Spec("text_encoder.shared.weight", (size.text_encoder_vocabulary, hidden), 1.0)
    for layer in range(size.text_encoder_layers):
        block = f"text_encoder.encoder.block.{layer}"
        attention = f"{block}.layer.0.SelfAttention"
        # T5 does not divide the scores by the root of the head's size: the queries carry it.
        yield _linear(f"{attention}.q", inner, hidden, size.text_encoder_head_size**-0.5)
        yield _linear(f"{attention}.k", inner, hidden)
        yield _linear(f"{attention}.v", inner, hidden)
        yield _linear(f"{attention}.o", hidden, inner, residual_gain)
        if layer == 0:
            yield Spec(f"{attention}.relative_attention_bias.weight", (32, size.text_encoder_heads), 1.0)
        yield Spec(f"{block}.layer.0.layer_norm.weight", (hidden,), 0.1, 1.0)
        yield _linear(f"{block}.layer.1.DenseReluDense.wi_0", size.text_encoder_ffn, hidden)
        yield _linear(f"{block}.layer.1.DenseReluDense.wi_1", size.text_encoder_ffn, hidden)
        yield _linear(f"{block}.layer.1.DenseReluDense.wo", hidden, size.text_encoder_ffn, residual_gain)
        yield Spec(f"{block}.layer.1.layer_norm.weight", (hidden,), 0.1, 1.0)
    yield Spec("text_encoder.encoder.final_layer_norm.weight", (hidden,), 0.1, 1.0)


def decoder(size: Size, *, fused_heads: bool, rope: bool, mean_frames: int | None) -> Iterator[Spec]:
    """Codebooks' embeddings, transformer and heads."""
    hidden, head_size = size.hidden, size.hidden // size.heads
    residual_gain = 1 / math.sqrt(size.layers)
    key_values = {"self_attn": size.self_attention_heads, "encoder_attn": size.cross_attention_heads}
    prefix = "decoder.model.decoder"
    for codebook in range(size.codebooks):
        # One row more than the vocabulary, as published. The embeddings of all codebooks add up to a deviation near 1.
        name = f"{prefix}.embed_tokens.{codebook}.weight"
        edit = mark_ending_codes(mean_frames) if codebook == 0 and mean_frames is not None else None
        yield Spec(name, (VOCABULARY + 1, hidden), size.codebooks**-0.5, edit=edit)
    if not rope:
        yield _positions(f"{prefix}.embed_positions.weights", size)
    for layer in range(size.layers):
        block = f"{prefix}.layers.{layer}"
        for attention, heads in key_values.items():
            yield _linear(f"{block}.{attention}.k_proj", heads * head_size, hidden)
            yield _linear(f"{block}.{attention}.v_proj", heads * head_size, hidden)
            yield _linear(f"{block}.{attention}.q_proj", hidden, hidden)
            yield _linear(f"{block}.{attention}.out_proj", hidden, hidden, residual_gain)
            yield from _layer_norm(f"{block}.{attention}_layer_norm", hidden)
        yield _linear(f"{block}.fc1", size.ffn, hidden)
        yield _linear(f"{block}.fc2", hidden, size.ffn, residual_gain)
        yield from _layer_norm(f"{block}.final_layer_norm", hidden)
    weight, bias = _layer_norm(f"{prefix}.layer_norm", hidden)
    yield weight
    yield Spec(bias.name, bias.shape, bias.std, edit=steady)
    matrices: dict[str, tuple[int, ...]] = {f"{codebook}.": (codebook,) for codebook in range(size.codebooks)}
    if fused_heads:
        matrices = {"": tuple(range(size.codebooks))}
    for name, codebooks in matrices.items():
        rows = len(codebooks) * VOCABULARY
        ending = set_ending_rows(codebooks, mean_frames)
        yield Spec(f"decoder.lm_heads.{name}weight", (rows, hidden), HEAD_GAIN * hidden**-0.5, edit=ending)


def joints(size: Size, *, prompt_cross_attention: bool) -> Iterator[Spec]:
    """What joins the decoder to the text encoder and the prompt."""
    if size.text_encoder_hidden != size.hidden:
        yield _linear("enc_to_dec_proj", size.hidden, size.text_encoder_hidden)
        yield Spec("enc_to_dec_proj.bias", (size.hidden,), 0.1)
    yield Spec("embed_prompts.weight", (size.prompt_vocabulary, size.hidden), 1.0)
    if prompt_cross_attention:
        yield _positions("embed_positions.weights", size)


def _positions(name: str, size: Size) -> Spec:
    """Sinusoids: cosines in the first half of the channels, sines in the second. The checkpoints hold them as a tensor."""
    half = size.hidden // 2

    def sinusoids(noise: torch.Tensor) -> torch.Tensor:
        frequencies = torch.exp(torch.arange(half).float() * (-math.log(10000) / (half - 1)))
        angles = torch.arange(size.positions).float()[:, None] * frequencies
        return torch.cat([angles.cos(), angles.sin()], dim=1)

    return Spec(name, (size.positions, size.hidden), 0.0, edit=sinusoids)
