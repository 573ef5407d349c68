"""Dimensions of a random-weight checkpoint, and the constants that every published checkpoint shares."""

from dataclasses import dataclass
from typing import Literal

Codec = Literal["transformers", "descript", "descript-parametrized"]

CODEBOOK_SIZE = 1024
END_OF_SPEECH = PAD = 1024
START_OF_SPEECH = 1025
VOCABULARY = 1088
SAMPLE_RATE = 44100
UPSAMPLING = (8, 8, 4, 2)


@dataclass(frozen=True)
class Size:
    """Dimensions of a checkpoint. Those not given are parler-tts-mini-v1's."""

    hidden: int = 1024
    layers: int = 24
    heads: int = 16
    ffn: int = 4096
    key_value_heads: int | None = None
    """Of self-attention; None: as many as heads."""
    cross_key_value_heads: int | None = None
    """Of cross-attention; None: as many as key_value_heads."""
    codebooks: int = 9
    positions: int = 4096
    """Longest sequence: prompt and frames together."""
    prompt_vocabulary: int = 32128
    text_encoder_hidden: int = 1024
    text_encoder_layers: int = 24
    """A bench that measures decoding may shrink these: each takes 12.6 M parameters at mini's size."""
    text_encoder_heads: int = 16
    text_encoder_head_size: int = 64
    text_encoder_ffn: int = 2816
    text_encoder_vocabulary: int = 32128
    codec_encoder_hidden: int = 64
    """The codec's latent has 16 times as many channels. The `descript` codecs always have the published size."""
    codec_decoder_hidden: int = 1536

    @property
    def self_attention_heads(self) -> int:
        """Key and value heads of self-attention."""
        return self.key_value_heads or self.heads

    @property
    def cross_attention_heads(self) -> int:
        """Key and value heads of cross-attention."""
        return self.cross_key_value_heads or self.self_attention_heads


TINY = Size(
    hidden=64,
    layers=2,
    heads=4,
    ffn=128,
    positions=1024,
    prompt_vocabulary=384,
    text_encoder_hidden=64,
    text_encoder_layers=2,
    text_encoder_heads=4,
    text_encoder_head_size=16,
    text_encoder_ffn=128,
    text_encoder_vocabulary=384,
    codec_encoder_hidden=4,
    codec_decoder_hidden=64,
)
"""For tests: 7 MB in float32 with the `transformers` codec."""
MINI = Size()
"""parler-tts-mini-v1: 877.8 M parameters, 3.5 GB in float32."""
LARGE = Size(hidden=1536, layers=30, heads=24, ffn=6144)
"""The size parler-tts's own script for a large model gives (helpers/model_init_scripts/init_large_model.py)."""
