"""What a Parler-TTS checkpoint says of itself: config.json and generation_config.json."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from maatu_runtime.errors import ModelNotInstalled


@dataclass(frozen=True)
class DecoderConfig:
    """The transformer that predicts codec tokens."""

    vocabulary: int
    """Entries of each codebook's head: the codes, then special ids."""
    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    """Heads of self-attention's keys and values; fewer than `heads` with grouped queries."""
    cross_key_value_heads: int
    """Heads of cross-attention's keys and values."""
    ffn: int
    codebooks: int
    positions: int
    """Longest sequence: prompt and columns together."""
    bos: int
    """Fills the columns of a codebook before its first code."""
    eos: int
    """Ends a codebook; fills the columns after its last code too."""
    activation: str
    """Of the feed-forward layers: "gelu"."""
    rope: bool
    """Rotary positions; otherwise sinusoids are added."""
    rope_theta: float
    fused_heads: bool
    """The heads of all codebooks are one matrix."""

    @property
    def head_size(self) -> int:
        """Width of a head."""
        return self.hidden // self.heads


@dataclass(frozen=True)
class CodecConfig:
    """The codec (DAC) that turns tokens into samples."""

    codebook_size: int
    """Codes of each codebook."""
    codebook_width: int
    """Width of a code before its projection."""
    latent: int
    """Width of what the decoder is given."""
    channels: int
    """Of the decoder's first layer; each block halves them."""
    upsampling: tuple[int, ...]
    """Factor of each block; their product is the hop."""
    sample_rate_hz: int

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        hop = 1
        for factor in self.upsampling:
            hop *= factor
        return hop

    @property
    def frame_rate(self) -> float:
        """Frames of a second."""
        return self.sample_rate_hz / self.hop


@dataclass(frozen=True)
class SamplingConfig:
    """How the checkpoint's authors sample."""

    temperature: float
    top_k: int
    """0: all."""
    top_p: float
    min_new_tokens: int
    """Columns before which nothing ends."""
    max_length: int
    """Columns at most."""


@dataclass(frozen=True)
class ParlerConfig:
    """All of it.

    `text_encoder` is what transformers' T5Config takes.
    """

    decoder: DecoderConfig
    codec: CodecConfig
    sampling: SamplingConfig
    text_encoder: dict[str, Any]
    prompt_vocabulary: int
    prompt_cross_attention: bool
    """The prompt joins the description in cross-attention; otherwise it stands before the first column."""

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Reads the configuration of a checkpoint.

        Raises:
            ModelNotInstalled: A file is missing or broken, a field is missing, or it is no Parler-TTS checkpoint.
        """
        config = _json(directory / "config.json")
        generation_file = directory / "generation_config.json"
        generation = _json(generation_file) if generation_file.exists() else {}
        if config.get("model_type") != "parler_tts":
            raise ModelNotInstalled(f"{directory} holds a {config.get('model_type')!r}, not a Parler-TTS checkpoint")
        try:
            return cls(
                decoder=_decoder(config["decoder"]),
                codec=_codec(config["audio_encoder"]),
                sampling=_sampling(generation),
                text_encoder=config["text_encoder"],
                prompt_vocabulary=config["vocab_size"],
                prompt_cross_attention=config.get("prompt_cross_attention", False),
            )
        except KeyError as error:
            raise ModelNotInstalled(f"{directory / 'config.json'} lacks the field {error}") from error
        except (TypeError, AttributeError) as error:
            raise ModelNotInstalled(f"{directory / 'config.json'} has a field of a wrong type: {error}") from error


def _decoder(fields: dict[str, Any]) -> DecoderConfig:
    heads = fields["num_attention_heads"]
    key_value_heads = fields.get("num_key_value_heads") or heads
    return DecoderConfig(
        vocabulary=fields["vocab_size"],
        hidden=fields["hidden_size"],
        layers=fields["num_hidden_layers"],
        heads=heads,
        key_value_heads=key_value_heads,
        cross_key_value_heads=fields.get("num_cross_attention_key_value_heads") or key_value_heads,
        ffn=fields["ffn_dim"],
        codebooks=fields["num_codebooks"],
        positions=fields.get("max_position_embeddings", 2048),
        bos=fields["bos_token_id"],
        eos=fields["eos_token_id"],
        activation=fields.get("activation_function", "gelu"),
        rope=fields.get("rope_embeddings", False),
        rope_theta=fields.get("rope_theta", 10_000.0),
        fused_heads=fields.get("use_fused_lm_heads", False),
    )


def _codec(fields: dict[str, Any]) -> CodecConfig:
    """Two layouts: transformers' own DAC says all of its sizes; the package descript-audio-codec has them as defaults."""
    return CodecConfig(
        codebook_size=fields.get("codebook_size", 1024),
        codebook_width=fields.get("codebook_dim", 8),
        latent=fields.get("latent_dim") or fields.get("hidden_size") or 1024,
        channels=fields.get("decoder_hidden_size", 1536),
        upsampling=tuple(fields.get("upsampling_ratios") or (8, 8, 4, 2)),
        sample_rate_hz=fields.get("sampling_rate", 44_100),
    )


def _sampling(fields: dict[str, Any]) -> SamplingConfig:
    """Fields left out have the values that transformers gives them."""
    return SamplingConfig(
        temperature=fields.get("temperature", 1.0) or 0.0,
        top_k=50 if fields.get("top_k") is None else fields["top_k"],
        top_p=1.0 if fields.get("top_p") is None else fields["top_p"],
        min_new_tokens=fields.get("min_new_tokens") or 0,
        max_length=fields.get("max_length") or 2580,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelNotInstalled(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ModelNotInstalled(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ModelNotInstalled(f"{path} holds no object")
    return content
