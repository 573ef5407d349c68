"""The models Maatu knows by name, and where each comes from.

Embedded models come inside Python packages, pinned by version and SHA-256, so that they can be had wherever packages can.
Hub models come from the Hugging Face hub, or from a directory that somebody filled with the same files.
"""

from collections.abc import Mapping, Sequence

from maatu_client.models.catalog_embedded import EMBEDDED
from maatu_client.models.catalog_hub import HUB
from maatu_client.models.entries import EmbeddedModel, HubModel
from maatu_client.profiles import load_profile, profile_names
from maatu_runtime.errors import NotFound

__all__ = ["EMBEDDED", "HUB", "MODELS", "resolve", "sets"]

MODELS: Mapping[str, EmbeddedModel | HubModel] = {**EMBEDDED, **HUB}


def sets() -> dict[str, list[str]]:
    """Names that stand for several models: each profile for all that it needs, and "embedded" for all embedded models."""
    by_name = {name: [*load_profile(name).requires.models] for name in profile_names()}
    return {**by_name, "embedded": list(EMBEDDED)}


def resolve(names: Sequence[str]) -> list[EmbeddedModel | HubModel]:
    """The models that names of models and of sets stand for, each once, in the order given.

    Raises:
        NotFound: a name is in neither list; the message shows both.
    """
    known_sets = sets()
    resolved: list[str] = []
    for name in names:
        if name not in MODELS and name not in known_sets:
            raise NotFound(
                f"there is no model or set {name!r}. Models: {', '.join(MODELS)}. Sets: {', '.join(known_sets)}. "
                "A model of your own comes in with `maatu models convert`",
                reason="MODEL_NOT_INSTALLED",
            )
        resolved += known_sets.get(name, [name])
    return [MODELS[name] for name in dict.fromkeys(resolved)]
