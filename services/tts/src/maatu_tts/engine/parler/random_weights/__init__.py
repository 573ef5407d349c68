"""Parler-TTS checkpoints of any size with random weights, laid out as the published ones are.

Tests and benchmarks need checkpoints, and speed does not depend on the weights' values. The tensors' names and shapes and the
fields of config.json are those of parler-tts-mini-v1 (codec `descript`) and of indic-parler-tts (codec `transformers`), so that
the `parler-tts` package loads what is written here with no key missing or left over.

The weights are scaled by their fan-in: activations stay near 1, the waveform is neither silent nor saturated, and greedy
decoding wanders instead of repeating one frame. No head ever prefers an id above end-of-speech: the codec has no such codes.
"""

from pathlib import Path

import torch

from maatu_tts.engine.parler.random_weights.codec import descript_codec, transformers_codec
from maatu_tts.engine.parler.random_weights.config import config, generation_config
from maatu_tts.engine.parler.random_weights.files import write_json, write_tensors
from maatu_tts.engine.parler.random_weights.size import LARGE, MINI, TINY, Codec, Size
from maatu_tts.engine.parler.random_weights.tensors import decoder, joints, text_encoder
from maatu_tts.engine.parler.random_weights.tokenizer import write_tokenizer

__all__ = ["LARGE", "MINI", "TINY", "Codec", "Size", "write_checkpoint"]


def write_checkpoint(
    directory: Path,
    size: Size,
    *,
    seed: int = 0,
    fused_heads: bool = False,
    prompt_cross_attention: bool = False,
    rope: bool = False,
    codec: Codec = "transformers",
    separate_description_tokenizer: bool = False,
    min_new_tokens: int = 10,
    mean_frames: int | None = None,
    dtype: torch.dtype = torch.float32,
    shards: int = 1,
) -> Path:
    """Writes a checkpoint with its configuration and tokenizers.

    Args:
        directory: Is made if it is not there.
        size: Dimensions.
        seed: Of the weights.
        fused_heads: One matrix for the heads of all codebooks.
        prompt_cross_attention: The prompt is cross-attended, not prepended.
        rope: Rotary positions instead of sinusoids.
        codec: Names of the codec's tensors: transformers' DacModel; or descript's with weight normalisation, in the names of
            torch's older (`weight_g`) or newer (`parametrizations`) form.
        separate_description_tokenizer: The indic layout: a tokenizer with a start token for the prompt, and the text encoder's
            own in description_tokenizer/.
        min_new_tokens: Columns before which nothing ends.
        mean_frames: About how many frames a greedy stream lasts; None: it never ends by itself.
        dtype: Of the stored tensors: float32, float16 or bfloat16.
        shards: Number of safetensors files.

    Returns:
        The directory.
    """
    directory.mkdir(parents=True, exist_ok=True)
    specs = [
        *text_encoder(size),
        *decoder(size, fused_heads=fused_heads, rope=rope, mean_frames=mean_frames),
        *joints(size, prompt_cross_attention=prompt_cross_attention),
        *(transformers_codec(size) if codec == "transformers" else descript_codec(size, codec)),
    ]
    write_tensors(directory, specs, seed=seed, dtype=dtype, shards=shards)
    layout = {"fused_heads": fused_heads, "prompt_cross_attention": prompt_cross_attention, "rope": rope}
    write_json(directory / "config.json", config(size, **layout, codec=codec, dtype=dtype))
    write_json(directory / "generation_config.json", generation_config(codec, min_new_tokens))
    if separate_description_tokenizer:
        write_tokenizer(directory, size.prompt_vocabulary, "llama")
        write_tokenizer(directory / "description_tokenizer", size.text_encoder_vocabulary, "t5")
    else:
        write_tokenizer(directory, min(size.prompt_vocabulary, size.text_encoder_vocabulary), "t5")
    return directory
