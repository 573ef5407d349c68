"""Names, shapes and scales of the audio codec's tensors."""

import math
from collections.abc import Iterator

from maatu_tts.engine.parler.random_weights.size import CODEBOOK_SIZE, UPSAMPLING, Codec, Size
from maatu_tts.engine.parler.random_weights.tensors import Spec


def _convolution(name: str, outputs: int, inputs: int, kernel: int, gain: float = 0.85) -> Iterator[Spec]:
    yield Spec(f"{name}.weight", (outputs, inputs, kernel), gain / math.sqrt(inputs * kernel))
    yield Spec(f"{name}.bias", (outputs,), 0.02)


def _transposed(name: str, inputs: int, outputs: int, stride: int) -> Iterator[Spec]:
    # Each output sample is met by two of the kernel's 2 · stride taps.
    yield Spec(f"{name}.weight", (inputs, outputs, 2 * stride), 0.85 / math.sqrt(inputs * 2))
    yield Spec(f"{name}.bias", (outputs,), 0.02)


def _snake(name: str, channels: int) -> Spec:
    return Spec(f"{name}.alpha", (1, channels, 1), 0.1, 1.0, edit=lambda noise: noise.clamp(min=0.5))


def _residual_units(names: tuple[str, str, str], layers: tuple[str, str, str, str], channels: int) -> Iterator[Spec]:
    snake1, conv1, snake2, conv2 = layers
    for name in names:
        yield _snake(f"{name}.{snake1}", channels)
        yield from _convolution(f"{name}.{conv1}", channels, channels, 7)
        yield _snake(f"{name}.{snake2}", channels)
        yield from _convolution(f"{name}.{conv2}", channels, channels, 1, 0.3)


def transformers_codec(size: Size) -> Iterator[Spec]:
    """The codec as transformers' DacModel names it."""
    latent = size.codec_encoder_hidden * 16
    units, layers = ("res_unit1", "res_unit2", "res_unit3"), ("snake1", "conv1", "snake2", "conv2")
    yield from _quantizers("audio_encoder.quantizer", size.codebooks, latent)
    root = "audio_encoder.encoder"
    yield from _convolution(f"{root}.conv1", size.codec_encoder_hidden, 1, 7)
    for index, stride in enumerate(reversed(UPSAMPLING)):
        block, channels = f"{root}.block.{index}", size.codec_encoder_hidden * 2**index
        yield from _residual_units(_under(block, units), layers, channels)
        yield _snake(f"{block}.snake1", channels)
        yield from _convolution(f"{block}.conv1", channels * 2, channels, 2 * stride)
    yield _snake(f"{root}.snake1", latent)
    yield from _convolution(f"{root}.conv2", latent, latent, 3)
    root, channels = "audio_encoder.decoder", size.codec_decoder_hidden
    yield from _convolution(f"{root}.conv1", channels, latent, 7)
    for index, stride in enumerate(UPSAMPLING):
        block = f"{root}.block.{index}"
        yield _snake(f"{block}.snake1", channels)
        yield from _transposed(f"{block}.conv_t1", channels, channels // 2, stride)
        channels //= 2
        yield from _residual_units(_under(block, units), layers, channels)
    yield _snake(f"{root}.snake1", channels)
    yield from _convolution(f"{root}.conv2", 1, channels, 7, 0.25)


def descript_codec(size: Size, codec: Codec) -> Iterator[Spec]:
    """The codec as descript's package names it, in its one published size."""
    latent, root, last = 1024, "audio_encoder.model", len(UPSAMPLING) + 1
    specs = [
        *_quantizers(f"{root}.quantizer", size.codebooks, latent),
        *_convolution(f"{root}.encoder.block.0", 64, 1, 7),
    ]
    layers = ("block.0", "block.1", "block.2", "block.3")
    for index, stride in enumerate(reversed(UPSAMPLING)):
        block, channels = f"{root}.encoder.block.{index + 1}.block", 64 * 2**index
        specs += _residual_units(_under(block, ("0", "1", "2")), layers, channels)
        specs += [_snake(f"{block}.3", channels), *_convolution(f"{block}.4", channels * 2, channels, 2 * stride)]
    specs += [_snake(f"{root}.encoder.block.{last}", latent)]
    specs += _convolution(f"{root}.encoder.block.{last + 1}", latent, latent, 3)
    channels = 1536
    specs += _convolution(f"{root}.decoder.model.0", channels, latent, 7)
    for index, stride in enumerate(UPSAMPLING):
        block = f"{root}.decoder.model.{index + 1}.block"
        specs += [_snake(f"{block}.0", channels), *_transposed(f"{block}.1", channels, channels // 2, stride)]
        channels //= 2
        specs += _residual_units(_under(block, ("2", "3", "4")), layers, channels)
    specs += [_snake(f"{root}.decoder.model.{last}", channels)]
    specs += _convolution(f"{root}.decoder.model.{last + 1}", 1, channels, 7, 0.25)
    for spec in specs:
        yield from _weight_normalised(spec, codec)


def _under(parent: str, names: tuple[str, str, str]) -> tuple[str, str, str]:
    first, second, third = names
    return f"{parent}.{first}", f"{parent}.{second}", f"{parent}.{third}"


def _quantizers(root: str, codebooks: int, latent: int) -> Iterator[Spec]:
    for codebook in range(codebooks):
        name = f"{root}.quantizers.{codebook}"
        yield from _convolution(f"{name}.in_proj", 8, latent, 1)
        yield from _convolution(f"{name}.out_proj", latent, 8, 1, codebooks**-0.5)
        yield Spec(f"{name}.codebook.weight", (CODEBOOK_SIZE, 8), 1.0)


def _weight_normalised(spec: Spec, codec: Codec) -> Iterator[Spec]:
    """A convolution's weight as a direction and, for each slice along the first dimension, a norm."""
    if len(spec.shape) != 3 or not spec.name.endswith(".weight"):
        yield spec
        return
    stem = spec.name.removesuffix("weight")
    norm, direction = ("weight_g", "weight_v")
    if codec == "descript-parametrized":
        norm, direction = ("parametrizations.weight.original0", "parametrizations.weight.original1")
    mean = spec.std * math.sqrt(math.prod(spec.shape[1:]))
    yield Spec(stem + norm, (spec.shape[0], 1, 1), 0.1 * mean, mean)
    yield Spec(stem + direction, spec.shape, 1.0)
