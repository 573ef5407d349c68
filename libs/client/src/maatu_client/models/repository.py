"""What is found in any repository of the hub: its id, its weights, its licence."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from maatu_runtime.models import installed_name

LICENCE_UNKNOWN = "not stated"
WEIGHTS = (
    ("model.safetensors", "model.safetensors.index.json", "model-?????-of-?????.safetensors"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-?????-of-?????.bin"),
)
"""Each way in which a checkpoint's weights are stored: one file; or the index of several, and these."""


def is_hub_id(name: str) -> bool:
    """Whether a name is one that a repository of the hub can have: "org/name"."""
    return installed_name(name) != name and "--" not in name and ".." not in name


def weights_of(fetch: Callable[[Sequence[str]], Path]) -> list[str]:
    """Fetches the weights of a checkpoint in the first way that it has them, and names the files."""
    for single, index, part in WEIGHTS:
        directory = fetch([single, index, part])
        if (directory / single).is_file():
            return [single]
        if (directory / index).is_file():
            return [index, *sorted(set(read_object(directory / index).get("weight_map", {}).values()))]
    return [WEIGHTS[0][0]]


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object, empty where the file holds none; the checks before a conversion name the defect."""
    try:
        parsed = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def licence_of(directory: Path) -> str:
    """As the model card's front matter names it."""
    try:
        _, front, _ = (directory / "README.md").read_text(encoding="utf-8").split("---", 2)
        licence = yaml.safe_load(front).get("license")
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return LICENCE_UNKNOWN
    return str(licence) if licence else LICENCE_UNKNOWN
