"""MADLAD-400, a T5 for some 450 languages: Hugging Face → CTranslate2. Run in a process of its own, for its memory.

Beside CTranslate2's files a converted model has its tokenizer, spiece.model or tokenizer.json, and translation.json:
    targets: the token that asks for each language, by its BCP-47 tag: {"es": "<2es>", "zh-Hant": "<2zh_Hant>"}. The model reads
        all of them.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

from maatu_client.models import checkpoint
from maatu_client.models.language_tags import tags
from maatu_runtime.errors import Unsupported

_PIECES, _TOKENIZER = "spiece.model", "tokenizer.json"
_TARGET_TOKEN = re.compile(r"<2(.+)>")
_SENTINEL = re.compile(r"<extra_id_\d+>|<pad>")


def check(source: Path) -> None:
    """Checks that a directory holds a MADLAD-400 model, before anything heavy is loaded.

    Raises:
        Unsupported: says what is missing or of another kind.
    """
    checkpoint.check(source, ("t5",), "madlad")
    _tokenizer(source)


def convert(source: Path, destination: Path, quantization: str) -> None:
    """Converts a MADLAD-400 directory.

    The tokenizer is read here and not by transformers: version 5 takes token 2 of every T5 for the unknown one and adds a hundred
    sentinels, but in MADLAD-400 token 2 is the end of the text, and its vocabulary is full.

    Args:
        source: Directory in the Hugging Face layout; of a tokenizer, spiece.model or tokenizer.json is enough.
        destination: Existing directory; gets the files.
        quantization: A CTranslate2 type, for example "int8".

    Raises:
        Unsupported: tensors are missing, or the tokenizer is not that of the model.
    """
    from ctranslate2.converters import TransformersConverter
    from ctranslate2.specs import model_spec

    name, ids = _tokenizer(source)
    config = checkpoint.check_kind(source, ("t5",), "madlad")
    vocabulary = _Vocabulary(source / name, ids, config)

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_model(self, model_class: Any, model_name_or_path: str, **options: Any) -> Any:
            model = checkpoint.all_tensors(model_class, model_name_or_path, **options)
            # Transformers takes the embedding for an output layer that is not there.
            if config.get("tie_word_embeddings") is False and model.lm_head.weight is model.shared.weight:
                raise Unsupported("the checkpoint lacks lm_head.weight, though its config.json says that it has one")
            self.scales_outputs = model.config.scale_decoder_outputs
            return model

        def load_tokenizer(self, *_: Any, **__: Any) -> Any:
            return vocabulary

        def _load(self) -> Any:
            spec = super()._load()
            # Only the first T5 scales them. CTranslate2 tells it by `tie_word_embeddings`, which transformers 5 always sets.
            if not self.scales_outputs:
                spec.decoder.scale_outputs = model_spec.OPTIONAL
            return spec

    work = destination / ".work"
    Converter(str(source)).convert(str(work), quantization=quantization)
    for path in work.iterdir():
        path.rename(destination / path.name)
    work.rmdir()
    copyfile(source / name, destination / name)
    description = json.dumps({"targets": _targets(vocabulary.tokens)}, indent=2)
    (destination / "translation.json").write_text(description + "\n", encoding="utf-8")


def _tokenizer(source: Path) -> tuple[str, dict[str, int]]:
    """The file of the tokenizer to be used, and the ids of its tokens.

    That is spiece.model, which the model was trained with and which knows byte pieces, unless a fine-tune has languages in its
    tokenizer.json that spiece.model lacks.

    Raises:
        Unsupported: There is none, it cannot be read, or it has no languages.
    """
    found = {
        name: read(source / name)
        for name, read in ((_PIECES, _piece_ids), (_TOKENIZER, _token_ids))
        if (source / name).is_file()
    }
    if not found:
        raise Unsupported(f"{source} has no tokenizer: expected {_PIECES} or {_TOKENIZER}")
    languages = {name: set(_targets(ids).values()) for name, ids in found.items()}
    name = next(iter(found))
    if languages.get(_TOKENIZER, set()) - languages[name]:
        name = _TOKENIZER
    if not languages[name]:
        raise Unsupported(
            f"{source} holds a T5 whose {name} has no tokens for languages, such as <2es>: it is no MADLAD-400. The family madlad "
            "is for that only"
        )
    return name, found[name]


def _piece_ids(path: Path) -> dict[str, int]:
    import sentencepiece

    try:
        pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise Unsupported(f"{path} cannot be read: {error}") from None
    return {pieces.id_to_piece(id_): id_ for id_ in range(pieces.get_piece_size())}


def _token_ids(path: Path) -> dict[str, int]:
    import tokenizers

    try:
        ids: dict[str, int] = tokenizers.Tokenizer.from_file(str(path)).get_vocab()
    except Exception as error:  # the package raises nothing narrower
        raise Unsupported(f"{path} cannot be read: {error}") from None
    return ids


def _targets(ids: Sequence[str] | dict[str, int]) -> dict[str, str]:
    """The token for each language. Others name a script or a region (<2Knda>, <2CA>) or a task (<2transliterate>)."""
    codes = tags(match[1] for token in ids if (match := _TARGET_TOKEN.fullmatch(token)))
    return {tag: f"<2{code}>" for tag, code in codes.items()}


class _Vocabulary:
    """What CTranslate2's converter asks of a tokenizer.

    Args:
        path: Of the tokenizer, for errors.
        ids: Of its tokens.
        config: The model's. It may have rows in its embedding for which there is no token.

    Raises:
        Unsupported: The tokenizer is not that of the model.
    """

    unk_token = "<unk>"

    def __init__(self, path: Path, ids: dict[str, int], config: dict[str, Any]) -> None:
        size: int = config["vocab_size"]
        # Transformers gives every T5 sentinels and a padding, after the last token where the vocabulary lacks them.
        token_of = {id_: token for token, id_ in ids.items() if id_ < size or not _SENTINEL.fullmatch(token)}
        if max(token_of) >= size:
            raise Unsupported(f"{path} is not the tokenizer of the model: it has {len(ids)} tokens, the model {size}")
        self.tokens = [token_of.get(id_, f"<unused_{id_}>") for id_ in range(size)]
        self.eos_token = self.tokens[config.get("eos_token_id", 1)]
        self.pad_token = self.tokens[config.get("pad_token_id", 0)]
        if self.eos_token != "</s>" or self.unk_token not in ids:
            raise Unsupported(
                f"{path} is not the tokenizer of the model: it has {self.eos_token} where the model's </s> is, or no <unk>"
            )

    def get_vocab(self) -> dict[str, int]:
        return {token: id_ for id_, token in enumerate(self.tokens)}

    def convert_ids_to_tokens(self, id_: int) -> str:
        return self.tokens[id_]
