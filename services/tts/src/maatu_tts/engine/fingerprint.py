"""What tells one model from another of the same name."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

_BLOCK_BYTES = 64 * 1024
_BLOCKS = 64
"""Read of each file, spread evenly: all of a small one. Training moves every weight, and to read 3.5 GB would delay the start."""


def fingerprint(files: Iterable[Path], *settings: str | float | None) -> str:
    """Of a model's files, by their names, sizes and contents, and of what else its audio depends on.

    Not of their times: pods that fetched the same files share recordings.

    Args:
        files: In any order.
        settings: How the model runs.
    """
    parts = [json.dumps(settings), *(f"{file.name} {_sample(file)}" for file in sorted(files))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _sample(file: Path) -> str:
    size = file.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    step = max(_BLOCK_BYTES, size // _BLOCKS)
    with file.open("rb") as content:
        for start in range(0, size, step):
            content.seek(start)
            digest.update(content.read(_BLOCK_BYTES))
    return digest.hexdigest()
