"""NLLB-200: Hugging Face → CTranslate2. Run in a process of its own, for its memory.

Beside CTranslate2's files a converted model has tokenizer.json and translation.json:
    languages: the codes of the model's languages, such as "kan_Knda", each a token.

The vocabulary is for 200 languages, and the output layer over it is 60 % of the weights that the 600M model reads for a token. It
can be trimmed to some languages: see `maatu_client.models.trim`.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

from maatu_client.models import checkpoint, language_tags, trim
from maatu_client.models.m2m100 import convert_weights, tokenizer_settings, write_languages
from maatu_runtime.errors import Unsupported

_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
_PIECES = "sentencepiece.bpe.model"


def check(source: Path, languages: Sequence[str] = (), vocabulary: trim.Vocabulary | None = None) -> None:
    """Checks that a directory holds an NLLB-200 model, before anything heavy is loaded. Arguments are those of `convert`.

    Raises:
        Unsupported: says what is missing or of another kind, or that one language is too few.
    """
    _check_number(languages)
    config = checkpoint.check_kind(source, ("m2m_100", "nllb-moe"), "nllb")
    if config["model_type"] == "nllb-moe":
        raise Unsupported(
            f"{source} holds a mixture of experts, which CTranslate2 cannot run: take a dense model, such as "
            "facebook/nllb-200-distilled-600M, -distilled-1.3B or facebook/nllb-200-3.3B"
        )
    checkpoint.check_weights(source)
    if (source / "vocab.json").is_file() and not (source / "tokenizer.json").is_file():
        raise Unsupported(
            f"{source} holds a model with the tokenizer of M2M-100 and not that of NLLB-200: "
            "`maatu models convert m2m100` converts it"
        )
    if not any((source / name).is_file() for name in ("tokenizer.json", _PIECES)):
        raise Unsupported(f"{source} has no tokenizer: expected tokenizer.json or {_PIECES}")
    if tokenizer_settings(source).get("legacy_behaviour"):
        raise Unsupported(
            f"{source} was trained with the language after the text (legacy_behaviour in tokenizer_config.json), which is "
            "not how NLLB-200 was trained"
        )


def convert(
    source: Path,
    destination: Path,
    quantization: str,
    languages: Sequence[str] = (),
    vocabulary: trim.Vocabulary | None = None,
) -> None:
    """Converts an NLLB-200 directory.

    Args:
        source: Directory in the Hugging Face layout, with tokenizer.json or only the SentencePiece model of the tokenizer.
        destination: Existing directory; gets the files.
        quantization: A CTranslate2 type, for example "int8".
        languages: Tags of the languages to serve; none: all.
        vocabulary: What the vocabulary is trimmed to, for `languages`; None keeps all of it.

    Raises:
        Unsupported: tensors are missing, the tokenizer is not that of the model, the model does not have a language, or its
            vocabulary cannot be trimmed so.
    """
    check(source, languages)
    path = destination / "tokenizer.json"
    if (source / path.name).is_file():
        copyfile(source / path.name, path)
    else:
        _from_sentencepiece(source).save(str(path))
    ids = _ids(path, source)
    codes = sorted((token for token in ids if _CODE.fullmatch(token)), key=ids.__getitem__)
    if not codes:
        raise Unsupported(
            f"the tokenizer in {source} has no language codes such as kan_Knda: it is not that of NLLB-200"
        )
    rows = None
    if languages:
        served = language_tags.tags(codes)
        chosen = {tag: served[language_tags.named([tag], served)[0]] for tag in languages}
        codes = list(dict.fromkeys(chosen.values()))
        _check_number(codes)
        if vocabulary is not None:
            script = {tag: code.partition("_")[2] for tag, code in chosen.items()}
            unlisted = {script[tag] for tag in languages if tag not in vocabulary.word_lists}
            rows = trim.trim_file(path, vocabulary, scripts=set(script.values()), unlisted=unlisted)
            ids = _ids(path, source)
    convert_weights(source, destination, quantization, ids, rows)
    write_languages(destination, codes)


def _check_number(languages: Sequence[str]) -> None:
    """Refuses a single language."""
    if len(languages) == 1:
        raise Unsupported(f"with {languages[0]} alone there is nothing to translate: name two languages or more")


def _ids(path: Path, source: Path) -> dict[str, int]:
    """The tokens of a tokenizer.json with their ids. `source` is the checkpoint that it is of."""
    import tokenizers

    try:
        ids: dict[str, int] = tokenizers.Tokenizer.from_file(str(path)).get_vocab()
    except Exception as error:  # the package raises nothing narrower
        raise Unsupported(f"{source / path.name} cannot be read: {error}") from None
    return ids


def _from_sentencepiece(source: Path) -> Any:
    """A tokenizer of the SentencePiece model alone. Transformers makes all of it but the language codes, which have the ids after
    the pieces, and "<mask>" the one after them."""
    import tokenizers
    from transformers import NllbTokenizer

    made = json.loads(NllbTokenizer.from_pretrained(source).backend_tokenizer.to_str())
    marks = [token for token in made["added_tokens"] if token["id"] < len(made["model"]["vocab"])]
    (mask,) = (token for token in made["added_tokens"] if token["content"] == "<mask>")
    codes = [{**marks[0], "content": code} for code in _codes(source)]
    first = len(made["model"]["vocab"])
    made["added_tokens"] = marks + [{**token, "id": first + place} for place, token in enumerate([*codes, mask])]
    return tokenizers.Tokenizer.from_str(json.dumps(made))


def _codes(source: Path) -> list[str]:
    """The language codes in the order of their ids: those that the tokenizer was saved with, else those of NLLB-200."""
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    added, special = source / "added_tokens.json", source / "special_tokens_map.json"
    saved: list[Any] = []
    if added.is_file():
        ids: dict[str, int] = json.loads(added.read_text(encoding="utf-8"))
        saved = sorted(ids, key=ids.__getitem__)
    elif special.is_file():
        saved = json.loads(special.read_text(encoding="utf-8")).get("additional_special_tokens", [])
    codes = [code for code in saved if isinstance(code, str) and _CODE.fullmatch(code)]
    return codes or list(FAIRSEQ_LANGUAGE_CODES)
