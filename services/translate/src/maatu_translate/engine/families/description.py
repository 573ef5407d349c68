"""translation.json, in which the conversion says what a family needs to know of a model."""

import json
from pathlib import Path
from typing import Any

from maatu_runtime.errors import ModelNotInstalled

NAME = "translation.json"


def read_description(directory: Path, **keys: type) -> dict[str, Any]:
    """Reads it.

    Args:
        directory: Of the model.
        keys: What it must say, each with its type.

    Raises:
        ModelNotInstalled: It is missing or damaged; says what is wrong.
    """
    path = directory / NAME
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for key, kind in keys.items():
            if not isinstance(description.get(key), kind):
                raise broken(path, f'its "{key}" is no {kind.__name__}')
    except (OSError, ValueError, AttributeError) as error:
        raise broken(path, error) from None
    return description


def broken(path: Path, defect: object) -> ModelNotInstalled:
    """The error for a file of a model that is missing or damaged."""
    return ModelNotInstalled(
        f"{path.name} of the model in {path.parent} cannot be used: {defect}. Convert the model anew: `maatu models convert`"
    )
