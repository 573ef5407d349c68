"""Whether a directory holds a whole Whisper model in faster-whisper's layout, found out before anything heavy is loaded.

CTranslate2 and faster-whisper look at little: half a vocabulary, the tokenizer of another model or a config.json of "{}" load
well. Then words come out wrong, word times fail, or a number out of range ends the process with a segmentation fault.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tokenizers
from pydantic import BaseModel, Field, ValidationError

from maatu_runtime.errors import ConfigurationError
from maatu_runtime.models import hub_id, installed_name
from maatu_stt.engine.weights_file import WHISPER, WeightsFile, read_weights_file

_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
_CHECKPOINTS = ("*.safetensors", "pytorch_model*.bin")
_MARKERS = ("<|endoftext|>", "<|startoftranscript|>", "<|startofprev|>", "<|transcribe|>", "<|notimestamps|>")
"""Tokens that every Whisper vocabulary has, those for English only too."""
_ENGLISH_ONLY_TOKENS = 51_864
_PATH_STARTS = ("/", "./", "../", "~")

_Index = Annotated[int, Field(ge=0)]


class _Config(BaseModel):
    """What CTranslate2 reads out of config.json."""

    suppress_ids: list[_Index] | None
    suppress_ids_begin: list[_Index] | None
    lang_ids: list[_Index] | None
    alignment_heads: list[tuple[_Index, _Index]] = Field(min_length=1)


def is_path(name: str) -> bool:
    """Whether a model is named by its directory instead of by its name or hub id."""
    return name.startswith(_PATH_STARTS)


def how_to_get(name: str) -> str:
    """A sentence on where a whole model comes from."""
    if is_path(name):
        return "Put the files of a whole faster-whisper model there"
    return f"Get it again: `maatu models pull {hub_id(installed_name(name))}`"


def check_directory(name: str, directory: Path) -> str:
    """Checks all files of a model.

    Returns:
        The compute type that the weights are stored in.

    Raises:
        ConfigurationError: names the file, what is wrong with it and what to do.
    """
    weights = _check_weights(name, directory)
    missing = [file for file in ("config.json", "tokenizer.json") if not (directory / file).is_file()]
    vocabulary = next((directory / file for file in _VOCABULARIES if (directory / file).is_file()), None)
    if vocabulary is None:
        raise _incomplete(name, directory, [*missing, " or ".join(_VOCABULARIES)])
    if missing:
        raise _incomplete(name, directory, missing)
    preprocessor = directory / "preprocessor_config.json"
    if preprocessor.is_file() and not isinstance(_json(name, preprocessor), dict):
        raise _broken(name, preprocessor, "is no JSON object")
    tokens = _tokens(name, vocabulary)
    _check_tokenizer(name, directory / "tokenizer.json", vocabulary.name, tokens)
    _check_config(name, directory / "config.json", len(tokens), weights.decoder_layers)
    return weights.compute_type


def _check_weights(name: str, directory: Path) -> WeightsFile:
    path = directory / "model.bin"
    if not path.is_file():
        found = [file.name for pattern in _CHECKPOINTS for file in sorted(directory.glob(pattern))]
        if found:
            raise ConfigurationError(
                f"the model {name} in {directory} is a Hugging Face checkpoint ({found[0]}) that is not converted. Convert it: "
                f"`maatu models convert whisper --from {directory} --name NAME`, and name NAME in MAATU_STT_MODELS"
            )
        raise _incomplete(name, directory, ["model.bin"])
    try:
        weights = read_weights_file(path)
    except (OSError, ValueError) as error:
        raise _broken(name, path, str(error)) from None
    if weights.kind != WHISPER:
        raise ConfigurationError(
            f"the model {name} is no Whisper model: {path} is a {weights.kind}. Name a model of the family whisper in "
            "MAATU_STT_MODELS; `maatu models list` shows them"
        )
    return weights


def _check_tokenizer(name: str, path: Path, vocabulary: str, tokens: Sequence[str]) -> None:
    """That the tokenizer and the model number tokens alike; they differ between English, multilingual and large-v3."""
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # what the library raises has no type of its own
        raise _broken(name, path, f"is no tokenizer ({error})") from None
    for marker in _MARKERS:
        number = tokenizer.token_to_id(marker)
        if number is None or number >= len(tokens) or tokens[number] != marker:
            raise _broken(name, path, f"is not the tokenizer of this model: {vocabulary} has {marker} elsewhere")


def _check_config(name: str, path: Path, tokens: int, layers: int) -> None:
    remedy = (
        "Convert its checkpoint with `maatu models convert whisper`, which fills it in, or copy it out of the config.json of the "
        "Whisper model that it is made from"
    )
    parsed = _json(name, path)
    if not isinstance(parsed, dict):
        raise _broken(name, path, "is no JSON object")
    try:
        config = _Config.model_validate(parsed)
    except ValidationError as error:
        field = error.errors()[0]["loc"][0]
        raise ConfigurationError(f"the model {name} does not load: {path} has no usable {field}. {remedy}") from None
    wrong = [
        field
        for field in ("suppress_ids", "suppress_ids_begin", "lang_ids")
        if any(number >= tokens for number in getattr(config, field) or ())
    ]
    wrong += ["alignment_heads"] * any(layer >= layers for layer, _ in config.alignment_heads)
    wrong += ["lang_ids"] * (tokens > _ENGLISH_ONLY_TOKENS and not config.lang_ids)
    if wrong:
        raise ConfigurationError(f"the model {name} does not load: {path} has no usable {wrong[0]}. {remedy}")


def _tokens(name: str, path: Path) -> Sequence[str]:
    """The vocabulary by number."""
    if path.suffix == ".txt":
        try:
            return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        except ValueError as error:
            raise _broken(name, path, f"is no text ({error})") from None
    tokens = _json(name, path)
    if not isinstance(tokens, list):
        raise _broken(name, path, "is no JSON list")
    return tokens


def _json(name: str, path: Path) -> object:
    try:
        parsed: object = json.loads(path.read_bytes())
    except ValueError as error:
        raise _broken(name, path, f"is no JSON ({error})") from None
    return parsed


def _incomplete(name: str, directory: Path, missing: Sequence[str]) -> ConfigurationError:
    return ConfigurationError(
        f"the model {name} is not complete: {directory} has no {', '.join(missing)}. {how_to_get(name)}"
    )


def _broken(name: str, path: Path, defect: str) -> ConfigurationError:
    return ConfigurationError(f"the model {name} does not load: {path} {defect}. {how_to_get(name)}")
