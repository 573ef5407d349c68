"""Families of models that are converted out of a checkpoint in the Hugging Face layout.

Each has a module of its name beside this one with `check(source)` and `convert(source, destination, quantization)`, which take
some of the fields of `Options` too, by keyword. A module is imported when it is used.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

from maatu_client.models import checkpoint
from maatu_client.models.trim import Vocabulary
from maatu_runtime.errors import Unsupported

_CONVERSION = ("ctranslate2", "torch", "transformers")
_DECODERS = ("gemma", "gemma2", "gemma3", "gemma3_text", "llama", "mistral", "phi3", "qwen2", "qwen3")


@dataclass(frozen=True)
class Options:
    """What some families need to know beside the checkpoint."""

    languages: Sequence[str] = ()
    """Tags of the languages that an NLLB-200 is to serve alone."""
    vocabulary: Vocabulary | None = None
    """What the vocabulary of a GGUF decoder or an NLLB-200 is trimmed to."""
    adapter: Path | None = None
    """What is merged into a GGUF decoder's weights."""
    tokenizer: Path | None = None
    """Directory of the tokenizer, for a Whisper that came without."""
    examples: Path | None = None
    """Table of translations that a prompted model is shown."""
    source_languages: Sequence[str] = ()
    """Codes of the languages that a Marian model reads, where its files name a group of them."""
    target_languages: Sequence[str] = ()
    """Codes of the languages that a Marian model is to write."""

    @property
    def given(self) -> dict[str, Any]:
        """Those that say anything, by name."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name))}


@dataclass(frozen=True)
class Family:
    """What has to be known of a family before its module is imported."""

    model_types: Sequence[str]
    """Values of model_type in the config.json of its checkpoints."""
    options: Sequence[str] = ()
    """Fields of `Options` that it takes."""
    required: Sequence[str] = ()
    """Those of them that it cannot do without."""
    packages: Sequence[str] = _CONVERSION
    """What the conversion imports."""


CHECKPOINTS = {
    "nllb": Family(
        ["m2m_100", "nllb-moe"], options=["languages", "vocabulary"], packages=[*_CONVERSION, "sentencepiece"]
    ),
    "m2m100": Family(["m2m_100"]),
    "marian": Family(
        ["marian"], options=["source_languages", "target_languages"], packages=[*_CONVERSION, "sentencepiece"]
    ),
    "madlad": Family(["t5"], packages=[*_CONVERSION, "sentencepiece"]),
    "indictrans2": Family(["IndicTrans"], packages=["ctranslate2", "safetensors", "torch"]),
    "prompted": Family(_DECODERS, options=["examples"], required=["examples"]),
    "whisper": Family(["whisper"], options=["tokenizer"]),
}
"""The families by name."""


def check(family: str, source: Path, options: Options) -> str:
    """Checks in a moment what would fail the conversion of a checkpoint.

    Returns:
        The family that the manifest names: that of the checkpoint, or for a prompted model its model_type.

    Raises:
        Unsupported: says what does not fit, and to which family the checkpoint belongs where that is another.
    """
    check_kind(family, source)
    import_module(f"maatu_client.models.{family}").check(source, **options.given)
    return _model_type(source) if family == "prompted" else family


def check_kind(family: str, source: Path) -> None:
    """Checks by its config.json alone that a directory is that of a family.

    Raises:
        Unsupported: it is of another kind; says which.
    """
    kinds = CHECKPOINTS[family].model_types
    if (model_type := _model_type(source)) not in kinds:
        fitting = [name for name, other in CHECKPOINTS.items() if model_type in other.model_types]
        try:
            checkpoint.check_kind(source, kinds, family)
        except Unsupported as error:
            hint = " or ".join(f"`maatu models convert {name}`" for name in fitting)
            raise Unsupported(error.message + (f": {hint} converts it" if fitting else "")) from None


def convert(family: str, source: Path, destination: Path, quantization: str, options: Options) -> None:
    """Converts a checkpoint into an existing directory; heavy.

    Raises:
        Unsupported: the checkpoint lacks something; says what.
    """
    import_module(f"maatu_client.models.{family}").convert(source, destination, quantization, **options.given)


def _model_type(source: Path) -> str:
    """As config.json says; empty where it cannot be read."""
    try:
        return str(json.loads((source / "config.json").read_bytes()).get("model_type") or "")
    except (OSError, ValueError, AttributeError):
        return ""
