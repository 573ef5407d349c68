"""Low-rank adapters (Hu et al., 2021, "LoRA"): what training changed in a model's linear layers, small enough to come with Maatu.

An adapter is a safetensors file. For a weight W [out, in] named "model.layers.0.self_attn.q_proj.weight" it has the tensors
"model.layers.0.self_attn.q_proj.a" [rank, in] and "….b" [out, rank]; the adapted weight is W + scale · b · a. Its metadata says the
scale.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maatu_runtime.errors import Unsupported


def merge(weights: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Adds an adapter to a model's weights.

    Args:
        weights: The model's tensors by name.
        path: The adapter.

    Returns:
        All weights, those that the adapter is for changed.

    Raises:
        Unsupported: the adapter is not one for this model; names the first tensor that does not fit.
    """
    from safetensors import SafetensorError, safe_open

    merged = dict(weights)
    try:
        with safe_open(path, framework="pt") as file:
            scale = float((file.metadata() or {})["scale"])
            for name in sorted(key.removesuffix(".a") for key in file.keys() if key.endswith(".a")):  # noqa: SIM118 — no mapping
                a, b = file.get_tensor(f"{name}.a").float(), file.get_tensor(f"{name}.b").float()
                weight = weights.get(f"{name}.weight")
                if weight is None or weight.shape != (b.shape[0], a.shape[1]):
                    found = "not in the model" if weight is None else f"{tuple(weight.shape)} in the model"
                    raise Unsupported(f"the adapter {path.name} changes {name}.weight, which is {found}")
                merged[f"{name}.weight"] = weight + (scale * (b @ a)).to(weight.dtype)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise Unsupported(f"the adapter {path} cannot be read: {error}") from error
    return merged
