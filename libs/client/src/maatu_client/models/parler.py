"""Parler-TTS: whether the published files are whole, before gigabytes are copied and an engine trips over them."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maatu_runtime.errors import ModelNotInstalled

_SUBMODELS = ("text_encoder", "audio_encoder", "decoder")
_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER_BYTES = 100_000_000
"""What the safetensors library allows."""
_LFS_POINTER = b"version https://git-lfs"


def check(directories: Mapping[str, Path]) -> None:
    """Checks what can be checked without the hub: the configuration, the extent of the weights, the tokenizers.

    Args:
        directories: Where the model's files are ("."), and those of each further tokenizer.

    Raises:
        ModelNotInstalled: names the file and what is wrong with it.
    """
    for directory in directories.values():
        _check_tokenizer(directory)
    model = directories["."]
    config = _read_object(model / "config.json")
    if config.get("model_type") != "parler_tts":
        raise _defect(model / "config.json", f"is of the type {config.get('model_type') or 'unknown'}, not parler_tts")
    if lacking := [name for name in _SUBMODELS if not isinstance(config.get(name), dict)]:
        raise _defect(model / "config.json", f"does not describe {', '.join(lacking)}")
    _read_object(model / "generation_config.json")
    _check_weights(model)


def _check_tokenizer(directory: Path) -> None:
    tokenizer = _read_object(directory / "tokenizer.json")
    if not isinstance(tokenizer.get("model"), dict) or not tokenizer["model"].get("vocab"):
        raise _defect(directory / "tokenizer.json", "has no vocabulary")
    _read_object(directory / "tokenizer_config.json")


def _check_weights(directory: Path) -> None:
    """One file, or several with an index that says which tensor is in which."""
    single = directory / "model.safetensors"
    if single.is_file():
        _tensor_names(single)
        return
    index = directory / "model.safetensors.index.json"
    places = _read_object(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise _defect(index, "has no weight_map")
    for file in sorted(set(places.values())):
        if not (directory / file).is_file():
            raise _defect(index, f"names {file}, which is not in {directory}")
        names = _tensor_names(directory / file)
        if lacking := [name for name, place in places.items() if place == file and name not in names]:
            raise _defect(directory / file, f"lacks {len(lacking)} tensors that {index.name} names, {lacking[0]} first")


def _tensor_names(path: Path) -> set[str]:
    """The tensors of a safetensors file, whose header says how long the file is."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(_LENGTH.size)
        if (start + file.read(len(_LFS_POINTER))).startswith(_LFS_POINTER):
            raise _defect(path, "is a pointer of Git LFS and not the file it points to: `git lfs pull` gets that")
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else 0
        if not 2 <= length <= min(_LONGEST_HEADER_BYTES, size):
            raise _defect(path, "is no safetensors file, or only the beginning of one")
        file.seek(_LENGTH.size)
        tensors = _parse_object(path, file.read(length), "has a header that")
    tensors.pop("__metadata__", None)
    try:
        end = max(int(tensor["data_offsets"][1]) for tensor in tensors.values())
    except (ValueError, KeyError, IndexError, TypeError):
        raise _defect(path, "has a header that does not say where its tensors are") from None
    expected = _LENGTH.size + length + end
    if size != expected:
        raise _defect(path, f"has {size} bytes, but its header speaks of {expected}")
    return set(tensors)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        return _parse_object(path, path.read_bytes(), "")
    except OSError as error:
        raise _defect(path, f"cannot be read: {error.strerror}") from None


def _parse_object(path: Path, content: bytes, where: str) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise _defect(path, f"{where} is no JSON ({error})".lstrip()) from None
    if not isinstance(parsed, dict):
        raise _defect(path, f"{where} is no JSON object".lstrip())
    return parsed


def _defect(path: Path, defect: str) -> ModelNotInstalled:
    return ModelNotInstalled(f"{path} {defect}. Remove it and get it again")
