"""Makes the engine of an installed model: its manifest says of which family it is."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from maatu_runtime.errors import ConfigurationError
from maatu_runtime.models import Manifest, ModelStore
from maatu_translate.engine.base import Engine
from maatu_translate.engine.families.base import Family
from maatu_translate.engine.prompted import PromptedEngine
from maatu_translate.engine.seq2seq import Seq2SeqEngine

_SEQ2SEQ: Mapping[str, tuple[str, str]] = {
    "nllb": ("nllb", "Nllb"),
    "m2m100": ("m2m100", "M2M100"),
    "marian": ("marian", "Marian"),
    "madlad": ("madlad", "Madlad"),
    "indictrans2": ("indictrans2", "IndicTrans2"),
}
"""Module and class of each family."""
_OTHER = ("whisper", "parler", "piper", "smart-turn")
"""Families that translate nothing."""


@dataclass(frozen=True)
class EngineSettings:
    """How models run."""

    device: str = "cpu"
    """"cpu" or "cuda"."""
    compute_type: str = "default"
    """As CTranslate2 calls it."""
    workers: int = 1
    """Batches at once."""
    threads: int = 1
    """Threads for each."""
    beam_size: int = 1
    """Hypotheses of sequence-to-sequence models."""


def make_engine(store: ModelStore, name: str, settings: EngineSettings) -> tuple[Engine, str]:
    """The engine of a model, which it loads later, and the model's version: its name with a fingerprint of its files.

    Raises:
        ModelNotInstalled: The model is not in the model directory, or is damaged.
        ConfigurationError: It is a model of another kind.
    """
    # A file that was changed since it was installed is read and compared; others cost nothing.
    manifest = store.verify(name, only_touched=True)
    options: dict[str, Any] = {
        "device": settings.device,
        "compute_type": settings.compute_type,
        "workers": settings.workers,
        "threads": settings.threads,
    }
    engine: Engine
    if manifest.family in _OTHER:
        raise ConfigurationError(
            f"MAATU_TRANSLATE_MODELS: {name} is a model of the family {manifest.family}, which translates nothing"
        )
    if manifest.family in _SEQ2SEQ:
        engine = Seq2SeqEngine(store, name, _family(manifest.family), beam_size=settings.beam_size, **options)
    else:
        engine = PromptedEngine(store, name, **options)
    return engine, f"{name} {_fingerprint(manifest)}"


def _family(name: str) -> Callable[[Path], Family]:
    """A family's class, imported only where it is used: IndicTrans2 needs packages that not every installation has."""
    module, class_name = _SEQ2SEQ[name]
    try:
        family: Callable[[Path], Family] = getattr(
            import_module(f"maatu_translate.engine.families.{module}"), class_name
        )
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"models of the family {name} need the package {error.name}: install maatu-translate with the extra `{name}`, and "
            "`pip install --no-deps indictranstoolkit indic-nlp-library-itt`"
        ) from None
    return family


def _fingerprint(manifest: Manifest) -> str:
    digests = [f"{path} {file.sha256}" for path, file in sorted(manifest.files.items())]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]
