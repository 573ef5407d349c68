"""What CTranslate2's model.bin says of itself: which kind of model it is, its types, and whether it is whole.

The layout is that of `ctranslate2.specs.model_spec` since version 4 of the format; Whisper came with version 6. Only the
descriptions of the tensors are read, in a few milliseconds, so a broken file is named before gigabytes are loaded.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

WHISPER = "WhisperSpec"
"""The kind of all Whisper models."""
_OLDEST_VERSION = 4
_TYPES = ("float32", "int8", "int16", "int32", "float16", "bfloat16")
"""In the order of CTranslate2's enumeration."""
_LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class WeightsFile:
    """A model.bin that is whole."""

    kind: str
    """Name of the specification, for example "WhisperSpec", or "TransformerSpec" for translation."""
    compute_type: str
    """The compute type that uses the weights as they are stored, for example "int8_float32"."""
    decoder_layers: int
    """Layers of the decoder."""


def read_weights_file(path: Path) -> WeightsFile:
    """Reads the descriptions and compares the length of the file with them.

    Raises:
        ValueError: what is wrong with the file, as the end of a sentence that begins with its name.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise ValueError("is a pointer of Git LFS and not the file it points to: `git lfs pull` gets that")
        file.seek(0)
        try:
            (version,) = _unpack(file, "I")
            kind = _string(file) if version >= _OLDEST_VERSION else ""
        except (struct.error, UnicodeDecodeError):
            kind = ""
        if not kind.endswith("Spec"):
            raise ValueError("is not a CTranslate2 model")
        try:
            types = _types(file)
        except (struct.error, UnicodeDecodeError, IndexError):
            raise ValueError(f"is damaged, or only the beginning of a file ({size} bytes)") from None
    layers = {name.split("/")[1] for name in types if name.startswith("decoder/layer_") and name.count("/") > 2}
    return WeightsFile(kind, _compute_type(types), len(layers))


def _types(file: BinaryIO) -> dict[str, str]:
    """The type of each tensor by its name. Reads on to the end, where CTranslate2 lists tensors that have two names."""
    _, count = _unpack(file, "II")
    types = {}
    for _ in range(count):
        name = _string(file)
        (rank,) = _unpack(file, "B")
        _unpack(file, f"{rank}I")
        type_index, length = _unpack(file, "=BI")
        types[name] = _TYPES[type_index]
        file.seek(length, 1)
    (aliases,) = _unpack(file, "I")
    for _ in range(2 * aliases):
        _string(file)
    return types


def _compute_type(types: dict[str, str]) -> str:
    """Integer weights are named together with the type of what is never quantised, such as norms."""
    weights = types.get("decoder/embeddings/weight", "float32")
    others = types.get("decoder/layer_norm/gamma", "float32")
    return f"{weights}_{others}" if weights == "int8" else weights


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "H")
    if len(content := file.read(length)) < length:
        raise struct.error("the file ends in a name")
    return content.rstrip(b"\0").decode()


def _unpack(file: BinaryIO, layout: str) -> tuple[int, ...]:
    """Numbers; struct.error where the file ends before them."""
    return struct.unpack(layout, file.read(struct.calcsize(layout)))
