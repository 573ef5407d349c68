"""Whisper: Hugging Face → the CTranslate2 layout that faster-whisper loads. Run in a process of its own, for its memory.

The converter of CTranslate2 is made for OpenAI's own checkpoints. What fine-tunes lack is completed here, and what would give a
model that recognises nothing is refused.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from maatu_client.models import checkpoint
from maatu_client.models.alignment_heads import alignment_heads
from maatu_runtime.errors import Unsupported

_LANGUAGE_TOKEN = re.compile(r"<\|[a-z]{2,3}\|>")
_TOKENIZERS = {51_864: "openai/whisper-tiny.en", 51_865: "openai/whisper-tiny", 51_866: "openai/whisper-large-v3"}
"""A model of OpenAI that has the tokenizer for a size of the vocabulary; all models of one size share it."""
_TOKENS_AFTER_NOTIMESTAMPS = 1_501
"""The timestamps, 0.00 to 30.00 s in steps of 0.02 s: in OpenAI's vocabularies the last tokens."""
_MARKERS = ("<|startoftranscript|>", "<|translate|>", "<|notimestamps|>")
_SETTINGS = ("suppress_ids", "suppress_ids_begin")


def check(source: Path, tokenizer: Path | None = None) -> None:
    """Checks that a directory holds a Whisper model in the Hugging Face layout, before anything heavy is loaded.

    Args:
        source: The directory.
        tokenizer: Directory of a tokenizer to be used instead of the model's own.

    Raises:
        Unsupported: says what is missing or of another kind.
    """
    check_kind(source)
    checkpoint.check_weights(source)
    check_tokenizer(tokenizer or source, source)


def check_kind(source: Path) -> None:
    """Checks by its small files that a directory is that of a Whisper checkpoint.

    Raises:
        Unsupported: it is of another kind; says which.
    """
    checkpoint.check_kind(
        source, ("whisper",), "whisper", if_converted="`maatu models pull ORG/NAME --from DIR` installs it as it is"
    )


def check_tokenizer(directory: Path, source: Path) -> None:
    """Checks that a directory has the files of a tokenizer for the checkpoint in `source`.

    Raises:
        Unsupported: names a model that has the right one.
    """
    if not any(
        all((directory / name).is_file() for name in names)
        for names in (("tokenizer.json",), ("vocab.json", "merges.txt"))
    ):
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        raise Unsupported(
            f"{directory} has no tokenizer: expected tokenizer.json, or vocab.json and merges.txt. {_other_tokenizer(config)}"
        )


def convert(source: Path, destination: Path, quantization: str, tokenizer: Path | None = None) -> None:
    """Converts a Whisper directory.

    Args:
        source: Directory in the Hugging Face layout.
        destination: Existing directory. Gets model.bin, config.json, vocabulary.json, tokenizer.json and
            preprocessor_config.json, so that faster-whisper needs nothing from the hub.
        quantization: A CTranslate2 type, for example "int8".
        tokenizer: Directory of the tokenizer; None: the model's own.

    Raises:
        Unsupported: tensors are missing, or the tokenizer is not that of the model.
    """
    from ctranslate2.converters import TransformersConverter
    from transformers import WhisperTokenizer

    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    words = WhisperTokenizer.from_pretrained(tokenizer or source)
    vocabulary: dict[str, int] = words.get_vocab()
    _check_vocabulary(tokenizer or source, config, vocabulary)

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_model(self, model_class: Any, model_name_or_path: str, **options: Any) -> Any:
            return checkpoint.all_tensors(model_class, model_name_or_path, **options)

        def load_tokenizer(self, *_: Any, **__: Any) -> Any:
            return words

    work = destination / ".work"
    Converter(str(source)).convert(str(work), quantization=quantization)
    for path in work.iterdir():
        path.rename(destination / path.name)
    work.rmdir()
    words.backend_tokenizer.save(str(destination / "tokenizer.json"))
    _complete_config(destination / "config.json", source, config, vocabulary)
    # The number of mel bands, 128 since large-v3; faster-whisper assumes 80 without this file, and fine-tunes often lack it.
    (destination / "preprocessor_config.json").write_text(
        json.dumps({"feature_size": config["num_mel_bins"]}) + "\n", encoding="utf-8"
    )


def _other_tokenizer(config: Mapping[str, Any]) -> str:
    """A sentence on which tokenizer would fit."""
    known = _TOKENIZERS.get(config.get("vocab_size", 0))
    example = f", such as {known}" if known else ""
    return f"Name the model it is a fine-tune of{example}, or a directory with its tokenizer.json: --tokenizer"


def _check_vocabulary(directory: Path, config: Mapping[str, Any], vocabulary: Mapping[str, int]) -> None:
    """That the tokenizer numbers tokens as the model does; fine-tunes lost their special tokens, or mixed up versions."""
    size = config["vocab_size"]
    lacking = [token for token in _MARKERS if vocabulary.get(token, size) >= size]
    place = vocabulary.get("<|notimestamps|>")
    if lacking or (size in _TOKENIZERS and place != size - _TOKENS_AFTER_NOTIMESTAMPS - 1):
        defect = f"no {lacking[0]}" if lacking else f"<|notimestamps|> at {place}"
        raise Unsupported(
            f"the tokenizer in {directory} is not that of the model, which has {size} tokens: it has {defect}. "
            f"{_other_tokenizer(config)}"
        )


def _complete_config(path: Path, source: Path, config: Mapping[str, Any], vocabulary: Mapping[str, int]) -> None:
    """Puts right what CTranslate2 is told beside the weights.

    The converter leaves the languages out for models without `lang_to_id`, as fine-tunes of 2022 and 2023 are, and CTranslate2
    then detects none. It takes the alignment heads from what transformers reads, which drops them where the generation_config.json
    says `_from_model_config`. And it passes on ids out of range, which end the process that decodes.
    """
    converted = json.loads(path.read_text(encoding="utf-8"))
    generation = source / "generation_config.json"
    generation_config = json.loads(generation.read_text(encoding="utf-8")) if generation.is_file() else {}
    if heads := alignment_heads(config, generation_config):
        converted["alignment_heads"] = [list(head) for head in heads]
    converted["lang_ids"] = _language_ids(vocabulary)
    for setting in _SETTINGS:
        converted[setting] = [number for number in converted.get(setting) or () if 0 <= number < config["vocab_size"]]
    path.write_text(json.dumps(converted, indent=2) + "\n", encoding="utf-8")


def _language_ids(vocabulary: Mapping[str, int]) -> list[int]:
    """Ids of the language tokens, which stand between the start of the transcript and the tasks."""
    first, last = vocabulary["<|startoftranscript|>"], vocabulary["<|translate|>"]
    languages: Iterable[int] = (id_ for token, id_ in vocabulary.items() if _LANGUAGE_TOKEN.fullmatch(token))
    return sorted(id_ for id_ in languages if first < id_ < last)
