"""Decoder-only language models: GGUF → Hugging Face → CTranslate2. Run in a process of its own, for its memory."""

import shutil
import struct
from functools import cache
from pathlib import Path
from typing import BinaryIO

from maatu_client.models import adapter as adapters
from maatu_client.models import trim
from maatu_client.models.trim import Vocabulary
from maatu_runtime.errors import Unsupported

ARCHITECTURES = ("gemma3", "llama")
"""Values of a GGUF file's general.architecture that are converted."""

_MAGIC = b"GGUF"
_STRING_TYPE = 8


def architecture_of(path: Path) -> str:
    """Reads the architecture out of a GGUF file's header, where every writer puts it first.

    Raises:
        Unsupported: it is no GGUF file, or the architecture is not among `ARCHITECTURES`.
    """
    with open(path, "rb") as file:
        if file.read(4) != _MAGIC:
            raise Unsupported(f"{path} is not a GGUF file")
        file.seek(struct.calcsize("<IQQ"), 1)  # version, number of tensors, number of metadata entries
        try:
            key = _read_string(file)
            (kind,) = struct.unpack("<I", file.read(4))
            architecture = _read_string(file) if (key, kind) == ("general.architecture", _STRING_TYPE) else ""
        except (struct.error, UnicodeDecodeError):
            architecture = ""
    if architecture not in ARCHITECTURES:
        raise Unsupported(
            f"{path} holds a model of the architecture {architecture or 'unknown'}; those converted are {', '.join(ARCHITECTURES)}"
        )
    return architecture


def convert(
    source: Path,
    destination: Path,
    quantization: str,
    vocabulary: Vocabulary | None = None,
    adapter: Path | None = None,
) -> None:
    """Converts a GGUF file into a CTranslate2 generator.

    Args:
        source: The GGUF file.
        destination: Existing directory. Gets model.bin, config.json and vocabulary.json for ctranslate2, tokenizer.json for
            tokenizers, and tokenizer_config.json, generation_config.json and, where the model has one, chat_template.jinja.
        quantization: A CTranslate2 type, for example "int8".
        vocabulary: Trims the vocabulary to this; None keeps all of it.
        adapter: Is merged into the weights.

    Raises:
        Unsupported: the adapter is not one for this model.
    """
    from ctranslate2.converters import TransformersConverter

    work = destination / ".work"
    to_huggingface(source, work / "huggingface", vocabulary, adapter)
    TransformersConverter(str(work / "huggingface")).convert(str(work / "ctranslate2"), quantization=quantization)

    for path in (work / "ctranslate2").iterdir():
        path.rename(destination / path.name)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"):
        if (work / "huggingface" / name).is_file():
            (work / "huggingface" / name).rename(destination / name)
    shutil.rmtree(work)


def to_huggingface(
    source: Path, destination: Path, vocabulary: Vocabulary | None = None, adapter: Path | None = None
) -> None:
    """Writes a GGUF file as a directory in the Hugging Face layout, float32. Arguments and errors are those of `convert`."""
    import gguf
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # transformers reads the header once each for the configuration, the weights and the tokenizer: 10 s a time with 262k
    # vocabulary entries. This process reads one file and ends.
    gguf.GGUFReader = cache(gguf.GGUFReader)  # type: ignore[assignment, misc]

    model = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
    # The loaded model counts as quantised, so it refuses to be saved; one made anew from the same configuration does not.
    settings = model.config.to_dict()
    settings.pop("quantization_config", None)
    weights = model.state_dict()
    generation = model.generation_config.to_dict()
    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(destination)
    if vocabulary is not None:
        rows = trim.trim_file(destination / "tokenizer.json", vocabulary)
        settings, generation = trim.trim_settings(settings, rows), trim.trim_settings(generation, rows)
        weights = trim.trim_weights(weights, rows)
    if adapter is not None:
        weights = adapters.merge(weights, adapter)
    fresh = type(model)(type(model.config).from_dict(settings))
    fresh.load_state_dict(weights)
    fresh.tie_weights()
    fresh.generation_config = type(model.generation_config).from_dict(generation)
    del model, weights
    fresh.save_pretrained(destination)


def _read_string(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    return file.read(min(length, 256)).decode("utf-8")
