"""The tensors of a checkpoint in the Hugging Face layout, taken one by one and accounted for."""

import json
import pickle
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from maatu_client.models.checkpoint import WEIGHTS
from maatu_runtime.errors import Unsupported

_NO_WEIGHT = re.compile(r"(.*\.)?(version|_float_tensor|embed_positions\.weights)")
"""What fairseq and old versions of transformers save besides: versions, and tables that are computed."""


class Tensors:
    """The tensors of a checkpoint: safetensors or PyTorch's format, in one file or several. Each is read when it is taken.

    Args:
        source: The directory.

    Raises:
        Unsupported: A file is missing or cannot be read; names it.
    """

    def __init__(self, source: Path) -> None:
        self._readers: dict[str, Callable[[], Any]] = {}
        for path in weight_files(source):
            self._readers |= _open(path)
        self._readers = {name: read for name, read in self._readers.items() if not _NO_WEIGHT.fullmatch(name)}

    def __contains__(self, name: str) -> bool:
        return name in self._readers

    def take(self, name: str, *shape: int) -> Any:
        """A tensor as an array of float32; it counts as taken.

        Raises:
            Unsupported: The checkpoint lacks it, or it is of another shape.
        """
        if name not in self._readers:
            raise Unsupported(f"the checkpoint lacks the tensor {name}")
        tensor = self._readers.pop(name)()
        if tuple(tensor.shape) != shape:
            raise Unsupported(
                f"the tensor {name} has the shape {list(tensor.shape)}, where the configuration says {list(shape)}"
            )
        return tensor.float().numpy()

    def check_all_taken(self) -> None:
        """Checks that nothing is left.

        Raises:
            Unsupported: names the first tensor that is not one of the architecture's.
        """
        if self._readers:
            raise Unsupported(
                f"the checkpoint has {len(self._readers)} tensors that are none of this architecture's, "
                f"{min(self._readers)} first"
            )


def weight_files(source: Path) -> list[Path]:
    """The files that hold the weights of a checkpoint, which has some.

    Raises:
        Unsupported: One that the index lists is missing, or the index cannot be read; names it.
    """
    path = next(source / name for name in WEIGHTS if (source / name).is_file())
    if path.suffix != ".json":
        return [path]
    try:
        names = sorted({*json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()})
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Unsupported(f"{path} cannot be read: {error!r}") from None
    if missing := [name for name in names if not (source / name).is_file()]:
        raise Unsupported(f"{source} has no {missing[0]}, which {path.name} lists")
    return [source / name for name in names]


def _open(path: Path) -> dict[str, Callable[[], Any]]:
    """For each tensor in a file, what reads it."""
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        if path.suffix == ".safetensors":
            file: Any = safe_open(path, framework="pt")
            return {name: partial(file.get_tensor, name) for name in file.keys()}  # noqa: SIM118
        # Without weights_only a pickle runs whatever code it holds.
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        return {name: partial(_same, tensor) for name, tensor in tensors.items()}
    except (
        OSError,
        RuntimeError,
        ValueError,
        AttributeError,
        EOFError,
        pickle.UnpicklingError,
        SafetensorError,
    ) as error:
        raise Unsupported(f"{path} cannot be read: {error}") from None


def _same(tensor: Any) -> Any:
    return tensor
