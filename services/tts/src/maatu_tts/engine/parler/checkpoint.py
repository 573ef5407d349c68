"""Tensors of a checkpoint, by name, each checked against the shape that the configuration calls for."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from maatu_runtime.errors import ModelNotInstalled

_NAMED_IN_ERRORS = 8


class Checkpoint:
    """Reads the safetensors files of a directory, one or several with an index.

    What is missing or has a wrong shape is gathered while the model is built and told all at once by `check`: until then such
    a tensor is all zeros.

    Args:
        directory: Holds model.safetensors, or model.safetensors.index.json and the files that it names.

    Raises:
        ModelNotInstalled: There are no such files, or one of them is broken.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._problems: list[str] = []
        self._files = ExitStack()
        self._where: dict[str, Any] = {}
        for path in _files(directory):
            try:
                file = self._files.enter_context(safe_open(path, framework="pt"))
            except (SafetensorError, OSError) as error:
                self._files.close()
                raise ModelNotInstalled(
                    f"{path} is broken ({error}): fetch it again with `maatu models pull`"
                ) from error
            self._where |= dict.fromkeys(file.keys(), file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def __contains__(self, name: str) -> bool:
        return name in self._where

    def names(self, prefix: str) -> list[str]:
        """The tensors whose names begin so."""
        return [name for name in self._where if name.startswith(prefix)]

    def take(self, name: str, shape: Sequence[int]) -> Tensor:
        """A tensor as it is stored; zeros where it is missing or has another shape, which `check` will tell."""
        if name not in self._where:
            self._problems.append(f"{name} is missing")
            return torch.zeros(*shape)
        stored = tuple(self._where[name].get_slice(name).get_shape())
        if stored != tuple(shape):
            self._problems.append(f"{name} is {list(stored)}, not {list(shape)}")
            return torch.zeros(*shape)
        tensor: Tensor = self._where[name].get_tensor(name)
        return tensor

    def convolution(self, name: str, shape: Sequence[int]) -> Tensor:
        """The weight of a convolution. Training keeps it as direction and length (weight norm), under one of two namings."""
        for length, direction in (
            (f"{name}.weight_g", f"{name}.weight_v"),
            (f"{name}.parametrizations.weight.original0", f"{name}.parametrizations.weight.original1"),
        ):
            if length in self or direction in self:
                vector = self.take(direction, shape).float()
                scale = self.take(length, (shape[0], *[1] * (len(shape) - 1))).float()
                norm = vector.flatten(1).norm(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
                weight: Tensor = vector * (scale / norm.view_as(scale))
                return weight
        return self.take(f"{name}.weight", shape)

    def check(self) -> None:
        """Tells what did not fit.

        Raises:
            ModelNotInstalled: Tensors were missing or had wrong shapes; the message names them.
        """
        if self._problems:
            more = len(self._problems) - _NAMED_IN_ERRORS
            named = "; ".join(self._problems[:_NAMED_IN_ERRORS]) + (f"; and {more} more" if more > 0 else "")
            raise ModelNotInstalled(
                f"the checkpoint in {self._directory} does not fit its config.json: {named}. "
                "Fetch it again with `maatu models pull`"
            )


def _files(directory: Path) -> list[Path]:
    single = directory / "model.safetensors"
    index = directory / "model.safetensors.index.json"
    if single.exists():
        return [single]
    if not index.exists():
        raise ModelNotInstalled(
            f"no model.safetensors in {directory}: fetch a checkpoint with `maatu models pull parler-mini`"
        )
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelNotInstalled(f"{index} is broken: fetch it again with `maatu models pull`") from error
    missing = sorted(name for name in names if not (directory / name).exists())
    if missing:
        raise ModelNotInstalled(f"{', '.join(missing)} missing in {directory}: fetch again with `maatu models pull`")
    return [directory / name for name in sorted(names)]
