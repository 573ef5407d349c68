"""config.json and generation_config.json, with the fields and types the published ones have."""

import math
from typing import Any

import torch

from maatu_tts.engine.parler.random_weights.size import (
    CODEBOOK_SIZE,
    END_OF_SPEECH,
    PAD,
    SAMPLE_RATE,
    START_OF_SPEECH,
    UPSAMPLING,
    VOCABULARY,
    Codec,
    Size,
)


def config(
    size: Size, *, fused_heads: bool, prompt_cross_attention: bool, rope: bool, codec: Codec, dtype: torch.dtype
) -> dict[str, Any]:
    """Content of config.json."""
    transformers_codec = {
        "architectures": ["DacModel"],
        "codebook_dim": 8,
        "codebook_size": CODEBOOK_SIZE,
        "decoder_hidden_size": size.codec_decoder_hidden,
        "downsampling_ratios": list(reversed(UPSAMPLING)),
        "encoder_hidden_size": size.codec_encoder_hidden,
        "hidden_size": size.codec_encoder_hidden * 16,
        "hop_length": math.prod(UPSAMPLING),
        "model_type": "dac",
        "n_codebooks": size.codebooks,
        "sampling_rate": SAMPLE_RATE,
        "upsampling_ratios": list(UPSAMPLING),
    }
    descript_codec = {
        "architectures": ["DACModel"],
        "codebook_size": CODEBOOK_SIZE,
        "frame_rate": 86,
        "latent_dim": 1024,
        "model_bitrate": 8,
        "model_type": "dac",
        "num_codebooks": size.codebooks,
        "sampling_rate": SAMPLE_RATE,
    }
    return {
        "architectures": ["ParlerTTSForConditionalGeneration"],
        "audio_encoder": transformers_codec if codec == "transformers" else descript_codec,
        "decoder": {
            "activation_dropout": 0.0,
            "activation_function": "gelu",
            "architectures": ["ParlerTTSForCausalLM"],
            "attention_dropout": 0.0,
            "bos_token_id": START_OF_SPEECH,
            "cross_attention_implementation_strategy": None,
            "dropout": 0.1,
            "eos_token_id": END_OF_SPEECH,
            "ffn_dim": size.ffn,
            "hidden_size": size.hidden,
            "initializer_factor": 0.02,
            "is_decoder": True,
            "layerdrop": 0.0,
            "max_position_embeddings": size.positions,
            "model_type": "parler_tts_decoder",
            "num_attention_heads": size.heads,
            "num_codebooks": size.codebooks,
            "num_cross_attention_key_value_heads": size.cross_attention_heads,
            "num_hidden_layers": size.layers,
            "num_key_value_heads": size.self_attention_heads,
            "pad_token_id": PAD,
            "rope_embeddings": rope,
            "rope_theta": 10000.0,
            "scale_embedding": False,
            "tie_word_embeddings": False,
            "use_cache": True,
            "use_fused_lm_heads": fused_heads,
            "vocab_size": VOCABULARY,
        },
        "decoder_start_token_id": START_OF_SPEECH,
        "is_encoder_decoder": True,
        "model_type": "parler_tts",
        "pad_token_id": PAD,
        "prompt_cross_attention": prompt_cross_attention,
        "text_encoder": {
            "_name_or_path": "google/flan-t5-large",
            "architectures": ["T5ForConditionalGeneration"],
            "d_ff": size.text_encoder_ffn,
            "d_kv": size.text_encoder_head_size,
            "d_model": size.text_encoder_hidden,
            "decoder_start_token_id": 0,
            "dense_act_fn": "gelu_new",
            "dropout_rate": 0.1,
            "eos_token_id": 1,
            "feed_forward_proj": "gated-gelu",
            "initializer_factor": 1.0,
            "is_encoder_decoder": True,
            "is_gated_act": True,
            "layer_norm_epsilon": 1e-06,
            "model_type": "t5",
            "n_positions": 512,
            "num_decoder_layers": size.text_encoder_layers,
            "num_heads": size.text_encoder_heads,
            "num_layers": size.text_encoder_layers,
            "pad_token_id": 0,
            "relative_attention_max_distance": 128,
            "relative_attention_num_buckets": 32,
            "tie_word_embeddings": False,
            "use_cache": True,
            "vocab_size": size.text_encoder_vocabulary,
        },
        "torch_dtype": str(dtype).removeprefix("torch."),
        # The reference package takes the codec's class from the version that wrote the file.
        "transformers_version": _version(codec),
        "vocab_size": size.prompt_vocabulary,
    }


def generation_config(codec: Codec, min_new_tokens: int) -> dict[str, Any]:
    """Content of generation_config.json."""
    return {
        "_from_model_config": True,
        "bos_token_id": START_OF_SPEECH,
        "decoder_start_token_id": START_OF_SPEECH,
        "do_sample": True,
        "eos_token_id": END_OF_SPEECH,
        "guidance_scale": 1,
        "max_length": 2580,
        "min_new_tokens": min_new_tokens,
        "pad_token_id": PAD,
        "transformers_version": _version(codec),
    }


def _version(codec: Codec) -> str:
    return "4.46.1" if codec == "transformers" else "4.43.0.dev0"
