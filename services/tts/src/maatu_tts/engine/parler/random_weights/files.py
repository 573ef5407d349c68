"""Random tensors and the safetensors files they go into."""

import json
import math
from pathlib import Path
from typing import Any

import torch

from maatu_tts.engine.parler.random_weights.tensors import Spec


class _Noise:
    """Normal deviates from one pool that tensors walk through in turn: many times quicker than drawing each anew."""

    def __init__(self, seed: int, specs: list[Spec]) -> None:
        generator = torch.Generator().manual_seed(seed)
        sizes = [math.prod(spec.shape) for spec in specs]
        # Not a power of two: tensors of the same shape must not get the same numbers.
        self._pool = torch.randn(min(sum(sizes), 2**24 - 3), generator=generator)
        self._at = 0
        # One place for each tensor in turn: fresh memory would cost more time than filling it.
        self._place = torch.empty(max(sizes))

    def draw(self, spec: Spec) -> torch.Tensor:
        """The tensor, in memory that the next one takes over."""
        flat = self._place[: math.prod(spec.shape)]
        filled = 0
        while filled < flat.numel():
            piece = self._pool[self._at : self._at + flat.numel() - filled]
            torch.mul(piece, spec.std, out=flat[filled : filled + piece.numel()])
            filled += piece.numel()
            self._at = (self._at + piece.numel()) % self._pool.numel()
        if spec.mean != 0.0:
            flat += spec.mean
        tensor = flat.view(spec.shape)
        return tensor if spec.edit is None else spec.edit(tensor)


def write_tensors(directory: Path, specs: list[Spec], *, seed: int, dtype: torch.dtype, shards: int) -> None:
    """Writes model.safetensors, or as many parts of it and their index."""
    noise = _Noise(seed, specs)
    if shards == 1:
        _write_safetensors(directory / "model.safetensors", specs, noise, dtype)
        return
    places: dict[str, str] = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = specs[shard * len(specs) // shards : (shard + 1) * len(specs) // shards]
        _write_safetensors(directory / name, part, noise, dtype)
        places |= {spec.name: name for spec in part}
    total = sum(math.prod(spec.shape) for spec in specs) * dtype.itemsize
    index = {"metadata": {"total_size": total}, "weight_map": places}
    write_json(directory / "model.safetensors.index.json", index)


def _write_safetensors(path: Path, specs: list[Spec], noise: _Noise, dtype: torch.dtype) -> None:
    """Writes tensor by tensor, so that no more than one is in memory: the library's own writer wants them all at once."""
    letters = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}[dtype]
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for spec in specs:
        start, end = end, end + math.prod(spec.shape) * dtype.itemsize
        header[spec.name] = {"dtype": letters, "shape": spec.shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for spec in specs:
            file.write(noise.draw(spec).to(dtype).flatten().view(torch.uint8).numpy().data)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file as people read it."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
