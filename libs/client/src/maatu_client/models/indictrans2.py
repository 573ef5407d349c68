"""IndicTrans2: Hugging Face → CTranslate2. Run in a process of its own, for its memory.

Transformers has no class for this architecture: the checkpoints bring Python code along, written for the transformers of 2023,
that `trust_remote_code` would run with all rights of the person who converts. It is not run here. The tensors are read by their
names, and each has to be one of the architecture's and of its shape.

The architecture (Gala et al., 2023, "IndicTrans2"; modeling_indictrans.py in AI4Bharat/IndicTrans2): a transformer
with a vocabulary for each side, embeddings times the root of their width, sinusoidal positions from 2 on as in fairseq, layers
that normalise first. Models differ in their sizes, in whether they normalise the embeddings (the distilled ones do) and whether
they project with the decoder's embeddings; config.json says so.

Beside CTranslate2's files a converted model has model.SRC and model.TGT (SentencePiece) and translation.json:
    sources: the codes of the languages it reads, such as "kan_Knda", each a token of the source vocabulary;
    targets: those of the languages it writes. These too are tokens of the source, which names both.
"""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy

from maatu_client.models import checkpoint
from maatu_client.models.indictrans2_tensors import Tensors, weight_files
from maatu_runtime.errors import Unsupported

_SOURCE, _TARGET = "dict.SRC.json", "dict.TGT.json"
_PIECES = ("model.SRC", "model.TGT")
_SIZES = (
    "encoder_vocab_size", "decoder_vocab_size", "encoder_embed_dim", "decoder_embed_dim", "encoder_layers", "decoder_layers",
    "encoder_attention_heads", "decoder_attention_heads", "encoder_ffn_dim", "decoder_ffn_dim",
)  # fmt: skip
_DEFAULTS: Mapping[str, Any] = {
    "activation_function": "relu", "encoder_normalize_before": False, "decoder_normalize_before": False,
    "layernorm_embedding": False, "share_decoder_input_output_embed": False, "scale_embedding": True,
    "decoder_start_token_id": 2, "eos_token_id": 2,
}  # fmt: skip
"""What the checkpoints' own configuration class takes where config.json says nothing."""
_MARKS = ("<s>", "<pad>", "</s>", "<unk>")
_OFFSET = 2
"""Position of the first token: fairseq counts from the id of the padding, 1, plus one."""
_POSITIONS = 1024
"""Places in the position tables. They are sinusoids, which the checkpoints' own code extends at need and CTranslate2 cannot."""
_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
_ENGLISH = "eng_Latn"
_DEVANAGARI, _LATIN = re.compile(r"[\u0900-\u097f]"), re.compile(r"[A-Za-z]")


def check(source: Path) -> None:
    """Checks that a directory holds an IndicTrans2 model in the Hugging Face layout, before anything heavy is loaded.

    Raises:
        Unsupported: says what is missing or of another kind.
    """
    config = checkpoint.check(source, ("IndicTrans",), "indictrans2")
    checkpoint.check_files(source, (_SOURCE, _TARGET), "an IndicTrans2 model has a vocabulary for each side")
    checkpoint.check_files(source, _PIECES, "an IndicTrans2 model has a SentencePiece model for each side")
    weight_files(source)
    _settings(config)
    _languages(*(_tokens(source / name, config[size]) for name, size in _vocabularies()))


def convert(source: Path, destination: Path, quantization: str) -> None:
    """Converts an IndicTrans2 directory.

    Args:
        source: Directory in the Hugging Face layout.
        destination: Existing directory. Gets model.bin, config.json, source_vocabulary.json and target_vocabulary.json for
            ctranslate2, model.SRC, model.TGT and translation.json.
        quantization: A CTranslate2 type, for example "int8".

    Raises:
        Unsupported: a tensor is missing, unknown or of another shape, or a vocabulary is not that of the model; names it.
    """
    from ctranslate2.converters.converter import Converter

    check(source)
    config = _settings(checkpoint.check_kind(source, ("IndicTrans",), "indictrans2"))
    source_tokens, target_tokens = (_tokens(source / name, config[size]) for name, size in _vocabularies())
    sources, targets = _languages(source_tokens, target_tokens)

    class IndicTrans2Converter(Converter):  # type: ignore[misc]
        def _load(self) -> Any:
            spec = _spec(config, Tensors(source))
            spec.config.unk_token, spec.config.bos_token = "<unk>", "<s>"
            spec.config.eos_token = target_tokens[config["eos_token_id"]]
            spec.config.decoder_start_token = target_tokens[config["decoder_start_token_id"]]
            spec.register_source_vocabulary(source_tokens)
            spec.register_target_vocabulary(target_tokens)
            return spec

    work = destination / ".work"
    IndicTrans2Converter().convert(str(work), quantization=quantization)
    for path in work.iterdir():
        path.rename(destination / path.name)
    work.rmdir()
    for name in _PIECES:
        copyfile(source / name, destination / name)
    description = json.dumps({"sources": sources, "targets": targets}, indent=2)
    (destination / "translation.json").write_text(description + "\n", encoding="utf-8")


def _vocabularies() -> tuple[tuple[str, str], tuple[str, str]]:
    return (_SOURCE, "encoder_vocab_size"), (_TARGET, "decoder_vocab_size")


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What config.json says, completed by the defaults."""
    for name in _SIZES:
        if type(config.get(name)) is not int or config[name] < 1:
            raise Unsupported(f"the config.json of the model does not say its {name}")
    settings = {**_DEFAULTS, **config}
    if not (settings["encoder_normalize_before"] and settings["decoder_normalize_before"]):
        raise Unsupported("the layers of the model normalise last (config.json), those of IndicTrans2 normalise first")
    if settings["activation_function"] not in ("gelu", "relu"):
        raise Unsupported(f"the activation {settings['activation_function']} (config.json) is neither gelu nor relu")
    if settings["encoder_embed_dim"] != settings["decoder_embed_dim"]:
        raise Unsupported("encoder_embed_dim and decoder_embed_dim of the model (config.json) are not the same")
    return settings


def _tokens(path: Path, size: int) -> list[str]:
    """A vocabulary in the order of the ids; what the model has beyond it gets names that no text has, as in fairseq."""
    try:
        ids: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
        tokens = {number: token for token, number in ids.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise Unsupported(f"{path} cannot be read: {error}") from None
    if lacking := [mark for mark in _MARKS if mark not in ids]:
        raise Unsupported(f"{path} has no {lacking[0]}: it is not a vocabulary of IndicTrans2")
    if len(tokens) < len(ids):
        raise Unsupported(f"{path} gives one id to several tokens")
    if wrong := [token for token, number in ids.items() if type(number) is not int or not 0 <= number < size]:
        raise Unsupported(
            f"{path} is not that of the model, which has {size} tokens: it has {wrong[0]} at {ids[wrong[0]]}"
        )
    return [tokens.get(number, f"madeupword{number:04}") for number in range(size)]


def _languages(source_tokens: list[str], target_tokens: list[str]) -> tuple[list[str], list[str]]:
    """Codes of the languages that a model reads, and of those it writes.

    The source vocabulary has the codes of all of them. Which it reads and which it writes follows from the text in the two
    vocabularies: Indic, for the most part turned into Devanagari, or English.
    """
    codes = [token for token in source_tokens if _CODE.fullmatch(token)]
    # Fine-tunes may add Khasi and Mizo, in Latin letters, which indictranstoolkit 1.1.1 cannot prepare.
    indic = [code for code in codes if not code.endswith("_Latn")]
    sides = []
    for tokens in (source_tokens, target_tokens):
        devanagari, latin = (sum(bool(letter.search(token)) for token in tokens) for letter in (_DEVANAGARI, _LATIN))
        sides.append(indic if devanagari > latin else [_ENGLISH])
    if not indic or ([_ENGLISH] in sides and _ENGLISH not in codes):
        raise Unsupported(
            f"{_SOURCE} has no language codes such as {_ENGLISH} and kan_Knda: it is not that of IndicTrans2"
        )
    if sides == [[_ENGLISH], [_ENGLISH]]:
        raise Unsupported(f"neither {_SOURCE} nor {_TARGET} is made for Indic languages")
    return sides[0], sides[1]


def _spec(config: Mapping[str, Any], tensors: Tensors) -> Any:
    """The model as CTranslate2 describes it."""
    from ctranslate2.specs import common_spec, transformer_spec

    options = {
        "activation": common_spec.Activation[config["activation_function"].upper()],
        "layernorm_embedding": config["layernorm_embedding"],
    }
    encoder = transformer_spec.TransformerEncoderSpec(
        config["encoder_layers"], config["encoder_attention_heads"], **options
    )
    decoder = transformer_spec.TransformerDecoderSpec(
        config["decoder_layers"], config["decoder_attention_heads"], **options
    )
    for side, spec in (("encoder", encoder), ("decoder", decoder)):
        _fill_side(spec, f"model.{side}", config, side, tensors)
    shape = config["decoder_vocab_size"], config["decoder_embed_dim"]
    # A checkpoint with a projection of its own uses it, whatever its configuration says.
    shared = config["share_decoder_input_output_embed"] and "lm_head.weight" not in tensors
    decoder.projection.weight = decoder.embeddings.weight if shared else tensors.take("lm_head.weight", *shape)
    tensors.check_all_taken()
    return transformer_spec.TransformerSpec(encoder, decoder)


def _fill_side(spec: Any, prefix: str, config: Mapping[str, Any], side: str, tensors: Tensors) -> None:
    width, inner = config[f"{side}_embed_dim"], config[f"{side}_ffn_dim"]
    embeddings = spec.embeddings[0] if side == "encoder" else spec.embeddings
    embeddings.weight = tensors.take(f"{prefix}.embed_tokens.weight", config[f"{side}_vocab_size"], width)
    spec.scale_embeddings = math.sqrt(width) if config["scale_embedding"] else 1.0
    spec.position_encodings.encodings = _positions(width)
    if config["layernorm_embedding"]:
        _fill_norm(spec.layernorm_embedding, f"{prefix}.layernorm_embedding", width, tensors)
    _fill_norm(spec.layer_norm, f"{prefix}.layer_norm", width, tensors)
    for number, layer in enumerate(spec.layer):
        name = f"{prefix}.layers.{number}"
        _fill_attention(layer.self_attention, f"{name}.self_attn", width, tensors, ("q_proj", "k_proj", "v_proj"))
        _fill_norm(layer.self_attention.layer_norm, f"{name}.self_attn_layer_norm", width, tensors)
        if side == "decoder":
            _fill_attention(layer.attention, f"{name}.encoder_attn", width, tensors, ("q_proj",), ("k_proj", "v_proj"))
            _fill_norm(layer.attention.layer_norm, f"{name}.encoder_attn_layer_norm", width, tensors)
        _fill_linear(layer.ffn.linear_0, [f"{name}.fc1"], (inner, width), tensors)
        _fill_linear(layer.ffn.linear_1, [f"{name}.fc2"], (width, inner), tensors)
        _fill_norm(layer.ffn.layer_norm, f"{name}.final_layer_norm", width, tensors)


def _fill_attention(spec: Any, prefix: str, width: int, tensors: Tensors, *fused: tuple[str, ...]) -> None:
    for linear, names in zip(spec.linear, (*fused, ("out_proj",)), strict=True):
        _fill_linear(linear, [f"{prefix}.{name}" for name in names], (width, width), tensors)


def _fill_linear(spec: Any, names: list[str], shape: tuple[int, int], tensors: Tensors) -> None:
    """Layers that read the same are one to CTranslate2, one below the other."""
    spec.weight = numpy.concatenate([tensors.take(f"{name}.weight", *shape) for name in names])
    spec.bias = numpy.concatenate([tensors.take(f"{name}.bias", shape[0]) for name in names])


def _fill_norm(spec: Any, name: str, width: int, tensors: Tensors) -> None:
    spec.gamma = tensors.take(f"{name}.weight", width)
    spec.beta = tensors.take(f"{name}.bias", width)


def _positions(width: int) -> Any:
    """Sinusoids as in fairseq, first all sines and then all cosines: float32 of the shape (places, width)."""
    half = width // 2
    frequencies = numpy.exp(numpy.arange(half) * -(math.log(10_000) / (half - 1)))
    angles = numpy.arange(_OFFSET, _OFFSET + _POSITIONS)[:, None] * frequencies[None, :]
    table = numpy.concatenate([numpy.sin(angles), numpy.cos(angles)], axis=1)
    return numpy.pad(table, ((0, 0), (0, width % 2))).astype(numpy.float32)
