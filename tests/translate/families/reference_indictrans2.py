"""IndicTrans2's architecture in torch, with random weights, out of the modules of transformers' M2M-100; and its files.

The two differ in little: IndicTrans2 has a vocabulary for each side, may normalise the embeddings, and its layers use gelu.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from sentencepiece import SentencePieceProcessor
from torch import nn
from transformers import M2M100Config, M2M100ForConditionalGeneration
from transformers.models.m2m_100.modeling_m2m_100 import M2M100ScaledWordEmbedding

WIDTH, HEADS, LAYERS, INNER = 32, 4, 2, 64
START, PADDING, END, UNKNOWN = 0, 1, 2, 3
MARKS = ("<s>", "<pad>", "</s>", "<unk>")
UNUSED = 3
"""Rows of the embeddings that stand for no token; fairseq fills up to a round number."""


@dataclass(frozen=True)
class Kind:
    """One of the published kinds of model."""

    name: str
    layernorm_embedding: bool
    shared: bool
    """The projection is the decoder's embeddings."""


def dictionary(pieces: Path, codes: Sequence[str] = ()) -> dict[str, int]:
    """The ids of fairseq: four marks, then a code, the pieces, the other codes."""
    model = SentencePieceProcessor(model_file=str(pieces))
    words = [model.id_to_piece(number) for number in range(3, model.get_piece_size())]
    return {token: number for number, token in enumerate([*MARKS, *codes[:1], *words, *codes[1:]])}


def build(kind: Kind, source_size: int, target_size: int, seed: int = 0) -> Any:
    """The model, for evaluation. Weights are so large that what it writes varies."""
    torch.set_num_threads(1)
    config = M2M100Config(
        vocab_size=target_size,
        d_model=WIDTH,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=INNER,
        decoder_ffn_dim=INNER,
        activation_function="gelu",
        scale_embedding=True,
        max_position_embeddings=256,
        pad_token_id=PADDING,
        bos_token_id=START,
        eos_token_id=END,
        decoder_start_token_id=END,
        tie_word_embeddings=False,
    )
    model: Any = M2M100ForConditionalGeneration(config)
    model.model.encoder.embed_tokens = M2M100ScaledWordEmbedding(source_size, WIDTH, PADDING, embed_scale=WIDTH**0.5)
    if kind.layernorm_embedding:
        for side in (model.model.encoder, model.model.decoder):
            _normalise_embeddings(side)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:  # not the identity, so that one that is forgotten shows
                parameter.normal_(1.0 if name.endswith("weight") else 0.0, 0.3, generator=generator)
            else:  # the layers outweigh the token that goes in, which a shared projection would give out again
                parameter.normal_(0.0, 0.7 if ".layers." in name else 0.2, generator=generator)
        # So the padding, which no trained model writes, is never the best token.
        model.model.decoder.embed_tokens.weight[PADDING] = 0.0
        model.lm_head.weight[PADDING] = 0.0
        if kind.shared:
            model.lm_head.weight = model.model.decoder.embed_tokens.weight
    return model.eval()


def _normalise_embeddings(side: Any) -> None:
    norm = side.layernorm_embedding = nn.LayerNorm(WIDTH)
    side.layers[0].register_forward_pre_hook(lambda _, arguments: (norm(arguments[0]), *arguments[1:]))


def tensors(model: Any) -> dict[str, torch.Tensor]:
    """The tensors under the names they have in an IndicTrans2 checkpoint, each of its own storage."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items() if name != "model.shared.weight"}


def save(directory: Path, kind: Kind, model: Any, source: dict[str, int], target: dict[str, int]) -> None:
    """Writes config.json, the dictionaries and model.safetensors into a directory that has model.SRC and model.TGT."""
    config = {
        "model_type": "IndicTrans",
        "architectures": ["IndicTransForConditionalGeneration"],
        "auto_map": {"AutoModelForSeq2SeqLM": "modeling_indictrans.IndicTransForConditionalGeneration"},
        "encoder_vocab_size": model.model.encoder.embed_tokens.num_embeddings,
        "decoder_vocab_size": model.lm_head.out_features,
        "activation_function": "gelu",
        "encoder_normalize_before": True,
        "decoder_normalize_before": True,
        "layernorm_embedding": kind.layernorm_embedding,
        "share_decoder_input_output_embed": kind.shared,
        "scale_embedding": True,
        "max_source_positions": 256,
        "max_target_positions": 256,
        "bos_token_id": START,
        "pad_token_id": PADDING,
        "eos_token_id": END,
        "decoder_start_token_id": END,
    }
    for side in ("encoder", "decoder"):
        config |= {
            f"{side}_embed_dim": WIDTH,
            f"{side}_layers": LAYERS,
            f"{side}_attention_heads": HEADS,
            f"{side}_ffn_dim": INNER,
        }
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "dict.SRC.json").write_text(json.dumps(source))
    (directory / "dict.TGT.json").write_text(json.dumps(target))
    save_file(tensors(model), directory / "model.safetensors", metadata={"format": "pt"})


def generate(model: Any, source: Sequence[int], longest: int) -> list[int]:
    """What the model writes for a source, greedily and never the unknown token: ids without the marks of start and end."""
    ids = model.generate(
        input_ids=torch.tensor([source]),
        num_beams=1,
        do_sample=False,
        max_new_tokens=longest,
        suppress_tokens=[UNKNOWN],
    )[0].tolist()
    return [number for number in ids[1:] if number != END]
