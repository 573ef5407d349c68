"""M2M-100: Hugging Face → CTranslate2. Run in a process of its own, for its memory.

Beside CTranslate2's files a converted model has sentencepiece.bpe.model and translation.json:
    languages: the codes of the model's languages, such as "en"; its token is "__en__".
"""

import json
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

from maatu_client.models import checkpoint
from maatu_runtime.errors import Unsupported

_LANGUAGES = {
    "m2m100": (
        "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr ht hu hy id "
        "ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru sd si "
        "sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu"
    ),
    "wmt21": "en ha is ja cs ru zh de",
}
"""The codes in the order of their ids, which follow those of vocab.json: of the 100 languages (Fan et al., 2020, "Beyond
English-Centric Multilingual Machine Translation") and of the same architecture's models for WMT 2021."""
_PIECES = "sentencepiece.bpe.model"
_MARKS = ("<s>", "<pad>", "</s>", "<unk>")
"""The first four tokens of M2M-100 and NLLB-200."""


def check(source: Path) -> None:
    """Checks that a directory holds an M2M-100 model, before anything heavy is loaded.

    Raises:
        Unsupported: says what is missing or of another kind.
    """
    checkpoint.check(source, ("m2m_100",), "m2m100")
    settings = tokenizer_settings(source)
    if not (source / "vocab.json").is_file() and any((source / name).is_file() for name in (_PIECES, "tokenizer.json")):
        raise Unsupported(
            f"{source} holds a model with the tokenizer of NLLB-200 and not that of M2M-100 (it has no vocab.json): "
            "`maatu models convert nllb` converts it"
        )
    checkpoint.check_files(source, ("vocab.json", _PIECES), "M2M-100 needs it to read and write text")
    if (kind := settings.get("tokenizer_class", "M2M100Tokenizer")).removesuffix("Fast") != "M2M100Tokenizer":
        raise Unsupported(f"{source} has a {kind}, which marks languages otherwise than M2M-100 does")
    if settings.get("language_codes", "m2m100") not in _LANGUAGES:
        raise Unsupported(f"{source} has languages of its own: {settings['language_codes']!r} (tokenizer_config.json)")


def convert(source: Path, destination: Path, quantization: str) -> None:
    """Converts an M2M-100 directory.

    Args:
        source: Directory in the Hugging Face layout.
        destination: Existing directory; gets the files.
        quantization: A CTranslate2 type, for example "int8".

    Raises:
        Unsupported: tensors are missing, or the tokenizer is not that of the model.
    """
    check(source)
    languages = _LANGUAGES[tokenizer_settings(source).get("language_codes", "m2m100")].split()
    ids: dict[str, int] = json.loads((source / "vocab.json").read_text(encoding="utf-8"))
    ids |= {f"__{language}__": len(ids) + index for index, language in enumerate(languages)}
    convert_weights(source, destination, quantization, ids)
    copyfile(source / _PIECES, destination / _PIECES)
    write_languages(destination, languages)


def tokenizer_settings(source: Path) -> dict[str, Any]:
    """What tokenizer_config.json says; nothing where there is none.

    Raises:
        Unsupported: it cannot be read.
    """
    path = source / "tokenizer_config.json"
    if not path.is_file():
        return {}
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unsupported(f"{path} cannot be read: {error}") from None
    return settings


def convert_weights(
    source: Path, destination: Path, quantization: str, ids: dict[str, int], rows: Sequence[int] | None = None
) -> None:
    """Converts weights and vocabulary of a model of this architecture, which NLLB-200 shares.

    Args:
        source: Directory in the Hugging Face layout.
        destination: Existing directory. Gets model.bin, config.json and shared_vocabulary.json.
        quantization: A CTranslate2 type.
        ids: All tokens of the tokenizer. The model may have a few more, which it never learnt.
        rows: Where the tokenizer was trimmed, the row of the model's embedding for each token; None: as they are.

    Raises:
        Unsupported: tensors are missing, or the tokenizer is not that of the model.
    """
    from ctranslate2.converters import TransformersConverter

    size = len(rows or ()) or json.loads((source / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    tokens = sorted(ids, key=ids.__getitem__)
    misplaced = next((token for place, token in enumerate(tokens) if ids[token] != place), None)
    if misplaced is None:
        misplaced = next((mark for mark, token in zip(_MARKS, tokens, strict=False) if mark != token), None)
    if misplaced is not None or len(tokens) > size:
        defect = f"{len(tokens)} tokens" if misplaced is None else f"{misplaced} at {ids.get(misplaced)}"
        raise Unsupported(
            f"the tokenizer in {source} is not that of the model, which has {size} tokens: it has {defect}"
        )

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_model(self, model_class: Any, model_name_or_path: str, **options: Any) -> Any:
            model = checkpoint.all_tensors(model_class, model_name_or_path, **options)
            return _with_rows(model, rows) if rows else model

        def load_tokenizer(self, *_: Any, **__: Any) -> Any:
            return _Vocabulary(tokens, size - len(tokens))

    work = destination / ".work"
    Converter(str(source)).convert(str(work), quantization=quantization)
    for path in work.iterdir():
        path.rename(destination / path.name)
    work.rmdir()


def _with_rows(model: Any, rows: Sequence[int]) -> Any:
    """The model with these rows of its embeddings and of its output layer, which mostly are one and the same."""
    layers = (model.model.shared, model.model.encoder.embed_tokens, model.model.decoder.embed_tokens, model.lm_head)
    for weight in {id(layer.weight): layer.weight for layer in layers}.values():
        weight.data = weight.data[list(rows)]
    model.config.vocab_size = len(rows)
    return model


def write_languages(destination: Path, languages: Sequence[str]) -> None:
    """Writes translation.json."""
    text = json.dumps({"languages": languages}, indent=2)
    (destination / "translation.json").write_text(text + "\n", encoding="utf-8")


class _Vocabulary:
    """What CTranslate2's converter asks of a tokenizer. Those of transformers 5 leave out language codes, or number them anew."""

    bos_token, eos_token, unk_token = "<s>", "</s>", "<unk>"
    unk_token_id = _MARKS.index("<unk>")
    special_tokens_map: dict[str, list[str]] = {}  # noqa: RUF012 - read only

    def __init__(self, tokens: list[str], num_madeup_words: int) -> None:
        self._tokens = tokens
        self.num_madeup_words = num_madeup_words

    def get_vocab(self) -> dict[str, int]:
        return {token: place for place, token in enumerate(self._tokens)}

    def convert_ids_to_tokens(self, place: int) -> str:
        return self._tokens[place]
