"""Whisper: Hugging Face → the CTranslate2 layout that faster-whisper loads. Run in a process of its own, for its memory."""

import json
import re
import shutil
from pathlib import Path

from maatu_runtime.errors import Unsupported

_LANGUAGE_TOKEN = re.compile(r"<\|[a-z]{2,3}\|>")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def check(source: Path) -> None:
    """Checks that a directory holds a Whisper model in the Hugging Face layout, before anything heavy is loaded.

    Raises:
        Unsupported: says what is missing or of another kind.
    """
    try:
        model_type = json.loads((source / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError) as error:
        raise Unsupported(
            f"{source} is not a Hugging Face model directory: its config.json cannot be read ({error})"
        ) from None
    if model_type is None and (source / "model.bin").is_file():
        raise Unsupported(
            f"{source} holds a model that is converted already; `maatu models convert` takes the Hugging Face layout"
        )
    if model_type != "whisper":
        raise Unsupported(f"{source} holds a model of the type {model_type or 'unknown'}, not whisper")
    if not any((source / name).is_file() for name in _WEIGHTS):
        raise Unsupported(f"{source} has no weights: expected one of {', '.join(_WEIGHTS)}")
    if not any((source / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise Unsupported(f"{source} has no tokenizer: expected tokenizer.json, or vocab.json and merges.txt")


def convert(source: Path, destination: Path, quantization: str) -> None:
    """Converts a Whisper directory.

    Args:
        source: Directory in the Hugging Face layout.
        destination: Existing directory. Gets model.bin, config.json, vocabulary.json, tokenizer.json and
            preprocessor_config.json, so that faster-whisper needs nothing from the hub.
        quantization: A CTranslate2 type, for example "int8".
    """
    from ctranslate2.converters import TransformersConverter
    from transformers import AutoTokenizer

    work = destination / ".work"
    TransformersConverter(str(source)).convert(str(work), quantization=quantization)
    for path in work.iterdir():
        path.rename(destination / path.name)
    work.rmdir()

    tokenizer = AutoTokenizer.from_pretrained(source).backend_tokenizer
    tokenizer.save(str(destination / "tokenizer.json"))
    _complete_language_ids(destination / "config.json", tokenizer.get_vocab())
    _write_preprocessor_config(source, destination)


def _complete_language_ids(config_path: Path, vocabulary: dict[str, int]) -> None:
    """Fills in the ids of the language tokens, which the converter leaves empty for models without `lang_to_id`.

    Fine-tuned models of 2022 and 2023 lack it. Without the ids, CTranslate2 cannot tell languages apart.
    """
    config = json.loads(config_path.read_text(encoding="utf-8"))
    if not config.get("lang_ids"):
        config["lang_ids"] = sorted(id_ for token, id_ in vocabulary.items() if _LANGUAGE_TOKEN.fullmatch(token))
        config_path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _write_preprocessor_config(source: Path, destination: Path) -> None:
    """The number of mel bands, 128 since large-v3; faster-whisper assumes 80 without this file."""
    target = destination / "preprocessor_config.json"
    if (source / target.name).is_file():
        shutil.copyfile(source / target.name, target)
    else:
        bands = json.loads((source / "config.json").read_text(encoding="utf-8"))["num_mel_bins"]
        target.write_text(json.dumps({"feature_size": bands}) + "\n", encoding="utf-8")
