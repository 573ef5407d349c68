"""The decoder of the codec (DAC, Kumar et al. 2023): from tokens to samples.

Two namings of the same tensors exist: that of the package descript-audio-codec, wrapped by parler_tts ("descript"), and that of
transformers' DacModel. The encoder and the projections into the codebooks are not loaded: nothing is encoded here.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from maatu_tts.engine.parler.checkpoint import Checkpoint
from maatu_tts.engine.parler.config import CodecConfig

CONTEXT_FRAMES = 10
"""Frames on either side that a frame's samples depend on. A window with as many around it decodes to what the whole would: at the
published size the largest error is 2e-6 with 10, 7e-6 with 9, and 4e-3 with 8, which cuts the receptive field (random weights)."""

_DILATIONS = (1, 3, 9)
_KERNEL = 7


@dataclass(frozen=True)
class _Names:
    """Where a checkpoint keeps its tensors; {} stands for numbers."""

    root: str
    first: str
    block_snake: str
    block_up: str
    unit: str
    unit_parts: tuple[str, str, str, str]
    last_snake: str
    last: str

    @classmethod
    def of(cls, checkpoint: Checkpoint, blocks: int) -> "_Names":
        """Finds out which naming a checkpoint uses."""
        if checkpoint.names("audio_encoder.model."):
            return cls(
                root="audio_encoder.model.",
                first="decoder.model.0",
                block_snake="decoder.model.{}.block.0",
                block_up="decoder.model.{}.block.1",
                unit="decoder.model.{}.block.{}",
                unit_parts=(".block.0", ".block.1", ".block.2", ".block.3"),
                last_snake=f"decoder.model.{blocks + 1}",
                last=f"decoder.model.{blocks + 2}",
            )
        return cls(
            root="audio_encoder.",
            first="decoder.conv1",
            block_snake="decoder.block.{}.snake1",
            block_up="decoder.block.{}.conv_t1",
            unit="decoder.block.{}.res_unit{}",
            unit_parts=(".snake1", ".conv1", ".snake2", ".conv2"),
            last_snake="decoder.snake1",
            last="decoder.conv2",
        )

    @property
    def is_descript(self) -> bool:
        """It is the package's naming, whose blocks and units are counted from other numbers."""
        return self.root == "audio_encoder.model."


class _Snake(nn.Module):
    """x + sin²(αx)/α (Liu et al. 2020), α for each channel."""

    alpha: Tensor
    inverse: Tensor

    def __init__(self, alpha: Tensor, like: Tensor) -> None:
        super().__init__()
        self.register_buffer("alpha", alpha.to(like))
        self.register_buffer("inverse", (1.0 / (alpha.to(like.device).float() + 1e-9)).to(like))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(x, self.inverse, torch.sin(self.alpha * x).square_())


class _Convolution(nn.Module):
    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, like: Tensor, *, dilation: int = 1) -> None:
        super().__init__()
        self.register_buffer("weight", weight.to(like))
        self.register_buffer("bias", bias.to(like))
        self._dilation = dilation
        self._padding = (weight.shape[-1] - 1) * dilation // 2

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv1d(x, self.weight, self.bias, padding=self._padding, dilation=self._dilation)


class _Upsampling(nn.Module):
    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, like: Tensor, *, factor: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight.to(like))
        self.register_buffer("bias", bias.to(like))
        self._factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv_transpose1d(
            x, self.weight, self.bias, stride=self._factor, padding=math.ceil(self._factor / 2)
        )


class _Residual(nn.Module):
    """x plus what a dilated convolution makes of it."""

    def __init__(self, first: _Snake, wide: _Convolution, second: _Snake, narrow: _Convolution) -> None:
        super().__init__()
        self.first, self.wide, self.second, self.narrow = first, wide, second, narrow

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(self.second(self.wide(self.first(x))))  # type: ignore[no-any-return]


class Codec(nn.Module):
    """Decodes frames of tokens.

    Args:
        config: Of the codec.
        checkpoint: Its tensors.
        codebooks: Tokens in a frame.
        like: Says the type it computes in, and the device.
    """

    tables: Tensor
    offsets: Tensor

    def __init__(self, config: CodecConfig, checkpoint: Checkpoint, codebooks: int, like: Tensor) -> None:
        super().__init__()
        self.config = config
        names = _Names.of(checkpoint, len(config.upsampling))
        self._dtype = like.dtype

        def convolution(name: str, outputs: int, inputs: int, kernel: int, *, dilation: int = 1) -> _Convolution:
            weight = checkpoint.convolution(f"{names.root}{name}", (outputs, inputs, kernel))
            bias = checkpoint.take(f"{names.root}{name}.bias", (outputs,))
            return _Convolution(weight, bias, like, dilation=dilation)

        def snake(name: str, channels: int) -> _Snake:
            return _Snake(checkpoint.take(f"{names.root}{name}.alpha", (1, channels, 1)), like)

        tables = []
        for book in range(codebooks):
            name = f"{names.root}quantizer.quantizers.{book}"
            codes = checkpoint.take(f"{name}.codebook.weight", (config.codebook_size, config.codebook_width)).float()
            project = checkpoint.convolution(f"{name}.out_proj", (config.latent, config.codebook_width, 1)).float()
            tables.append(
                codes @ project[..., 0].T + checkpoint.take(f"{name}.out_proj.bias", (config.latent,)).float()
            )
        offsets = torch.arange(codebooks, device=like.device)[:, None] * config.codebook_size
        self.register_buffer("tables", torch.cat(tables).to(like.device))
        self.register_buffer("offsets", offsets)

        layers: list[nn.Module] = [convolution(names.first, config.channels, config.latent, _KERNEL)]
        inputs = config.channels
        for block, factor in enumerate(config.upsampling):
            number = block + 1 if names.is_descript else block
            outputs = inputs // 2
            up = f"{names.root}{names.block_up.format(number)}"
            layers += [
                snake(names.block_snake.format(number), inputs),
                _Upsampling(
                    checkpoint.convolution(up, (inputs, outputs, 2 * factor)),
                    checkpoint.take(f"{up}.bias", (outputs,)),
                    like,
                    factor=factor,
                ),
            ]
            for unit, dilation in enumerate(_DILATIONS):
                unit_name = names.unit.format(number, unit + (2 if names.is_descript else 1))
                parts = [unit_name + part for part in names.unit_parts]
                layers.append(
                    _Residual(
                        snake(parts[0], outputs),
                        convolution(parts[1], outputs, outputs, _KERNEL, dilation=dilation),
                        snake(parts[2], outputs),
                        convolution(parts[3], outputs, outputs, 1),
                    )
                )
            inputs = outputs
        layers += [snake(names.last_snake, inputs), convolution(names.last, 1, inputs, _KERNEL)]
        self.layers = nn.Sequential(*layers)

    def forward(self, codes: Tensor) -> Tensor:
        """Decodes windows of one length.

        Args:
            codes: [batch, codebooks, frames] int64 below the codebook size.

        Returns:
            Samples in [-1, 1], [batch, frames · hop] float32 (float64 if it computes so).
        """
        latent = functional.embedding(codes + self.offsets, self.tables).sum(dim=1).transpose(1, 2)
        samples = self.layers(latent.to(self._dtype))[:, 0]
        return torch.tanh(samples if samples.dtype == torch.float64 else samples.float())
