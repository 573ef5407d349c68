"""Checkpoints in the Hugging Face layout: what can be found wrong with one before anything heavy is loaded."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from maatu_runtime.errors import Unsupported

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
"""The files of which one holds or lists the weights."""
_LFS_POINTER = b"version https://git-lfs"


def check(source: Path, model_types: Collection[str], family: str) -> dict[str, Any]:
    """Checks that a directory holds a checkpoint of a family.

    Args:
        source: The directory.
        model_types: Values of its config.json's model_type that fit.
        family: What the family is called, in errors.

    Returns:
        Its configuration.

    Raises:
        Unsupported: says what is missing or of another kind.
    """
    config = check_kind(source, model_types, family)
    check_weights(source)
    return config


def check_kind(source: Path, model_types: Collection[str], family: str, *, if_converted: str = "") -> dict[str, Any]:
    """Checks by its config.json that a directory is that of a checkpoint of a family, and returns it.

    Args:
        source: The directory.
        model_types: Values of model_type that fit.
        family: What the family is called, in errors.
        if_converted: What to do with a model in CTranslate2's layout; a sentence for the error.

    Raises:
        Unsupported: it is of another kind; says which.
    """
    try:
        config: dict[str, Any] = json.loads((source / "config.json").read_text(encoding="utf-8"))
        model_type = config.get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        if (source / "adapter_config.json").is_file():
            raise Unsupported(
                f"{source} holds an adapter (LoRA) and not a model: merge it into the model that it belongs to "
                "(`merge_and_unload()` of the package peft), save that with its tokenizer, and convert the result"
            ) from None
        raise Unsupported(
            f"{source} is not a Hugging Face model directory: its config.json cannot be read ({error})"
        ) from None
    if model_type is None and (source / "model.bin").is_file():
        raise Unsupported(
            f"{source} holds a model that is converted already; `maatu models convert` takes the Hugging Face layout. "
            f"{if_converted}".rstrip(". ")
        )
    if model_type not in model_types:
        raise Unsupported(f"{source} holds a model of the type {model_type or 'unknown'}, not {family}")
    return config


def check_weights(source: Path) -> None:
    """Checks that the weights are there, and not only a pointer to them.

    Raises:
        Unsupported: says what is missing.
    """
    weights = [source / name for name in WEIGHTS if (source / name).is_file()]
    if not weights:
        raise Unsupported(f"{source} has no weights: expected one of {', '.join(WEIGHTS)}")
    with open(weights[0], "rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise Unsupported(
                f"{weights[0]} is a pointer of Git LFS and not the file it points to: `git lfs pull` gets that"
            )


def check_files(source: Path, names: Collection[str], what: str) -> None:
    """Checks that files are there.

    Raises:
        Unsupported: names the first that is not, and what it is for.
    """
    for name in names:
        if not (source / name).is_file():
            raise Unsupported(f"{source} has no {name}: {what}")


def all_tensors(model_class: Any, source: str, **options: Any) -> Any:
    """Loads a model with transformers, which fills what a checkpoint lacks with random numbers, and refuses one that lacks any.

    Raises:
        Unsupported: names the first tensor that is missing.
    """
    model, info = model_class.from_pretrained(source, output_loading_info=True, **options)
    if lacking := sorted(info["missing_keys"]):
        raise Unsupported(f"the checkpoint lacks {len(lacking)} of the model's tensors, {lacking[0]} first")
    return model
