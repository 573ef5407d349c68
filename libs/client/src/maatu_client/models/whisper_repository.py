"""A Whisper model of the hub by its id: what its repository holds, and which of its files make the model.

People publish Whisper models in two layouts: converted for CTranslate2, which faster-whisper loads as they are, and as Hugging
Face checkpoints, which most fine-tunes are and which are converted on the way. What a repository holds is found out from
its small files, then from the names of its weights, so that not one gigabyte is fetched for nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maatu_client.models import hub, whisper
from maatu_client.models import repository as repository_files
from maatu_client.models.entries import HubFiles, HubModel
from maatu_runtime.errors import Unsupported
from maatu_runtime.models import installed_name

CONVERTED = "ctranslate2"
"""Format of a model that is installed as it comes."""
_CONVERTED_FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.json or vocabulary.txt")
_TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "added_tokens.json"),
    *("special_tokens_map.json", "normalizer.json"),
)
_SMALL_FILES = (
    *("config.json", "generation_config.json", "preprocessor_config.json", "adapter_config.json", "README.md"),
    *("vocabulary.json", "vocabulary.txt", *_TOKENIZER_FILES),
)
_HEADER_BYTES = 32
_QUANTIZATION = "int8"


def describe(
    repository: str,
    *,
    name: str = "",
    revision: str | None = None,
    directory: Path | None = None,
    quantization: str = _QUANTIZATION,
    brings_tokenizer: bool = True,
    endpoint: str | None = None,
    progress: hub.Progress = lambda done, total: None,
) -> HubModel:
    """Looks at a repository, and fetches what was looked at; `hub.locate` fetches the rest.

    Args:
        repository: Hub id.
        name: Under which it is installed; none: that of `installed_name`.
        revision: Commit, branch or tag; None: the newest.
        directory: Where the files lie already; None asks the hub.
        quantization: Of a checkpoint, when it is converted.
        brings_tokenizer: Whether the tokenizer is to be one of the files.
        endpoint: Address of a mirror of the hub; None takes the usual one.
        progress: Called while files are fetched.

    Raises:
        ModelNotInstalled: the hub cannot be reached or refuses.
        Unsupported: the repository holds no Whisper model.
    """
    unknown = _entry(repository, name, _CONVERTED_FILES, revision=revision)

    def fetch(patterns: Sequence[str], pinned: str | None = revision) -> Path:
        return directory or hub.download(unknown, HubFiles(repository, patterns, revision=pinned), endpoint, progress)

    small = fetch(_SMALL_FILES)
    commit = revision if directory else small.name
    details = {"revision": commit, "licence": repository_files.licence_of(small)}
    config = repository_files.read_object(small / "config.json")
    if (small / "config.json").is_file() and not {"model_type", "architectures"} & config.keys():
        vocabulary = next((file for file in ("vocabulary.json", "vocabulary.txt") if (small / file).is_file()), None)
        files = ["config.json", "model.bin", *["tokenizer.json"] * brings_tokenizer, vocabulary or _CONVERTED_FILES[-1]]
        return _entry(repository, name, files, optional_files=["preprocessor_config.json"], **details)
    whisper.check_kind(small)
    if brings_tokenizer:
        whisper.check_tokenizer(small, small)
    weights = repository_files.weights_of(lambda patterns: fetch(patterns, commit))
    return _entry(
        repository,
        name,
        ["config.json", *weights],
        optional_files=_SMALL_FILES,
        format=f"ctranslate2-{quantization}",
        converter="whisper",
        **details,
    )


def download_tokenizer(repository: str, endpoint: str | None = None) -> Path:
    """Fetches the tokenizer of a repository, such as that of the model which a fine-tune began from.

    Raises:
        ModelNotInstalled: the hub cannot be reached or refuses.
    """
    return hub.download(
        _entry(repository, "", ("tokenizer.json",)),
        HubFiles(repository, _TOKENIZER_FILES),
        endpoint,
        lambda done, total: None,
    )


def check_converted(directory: Path) -> None:
    """Checks that a directory's model.bin is a Whisper model in CTranslate2's format.

    Raises:
        Unsupported: it is something else.
    """
    with open(directory / "model.bin", "rb") as file:
        if b"WhisperSpec" not in file.read(_HEADER_BYTES):
            raise Unsupported(
                f"{directory / 'model.bin'} is no Whisper model in CTranslate2's format; only Whisper models are pulled by id"
            )


def _entry(repository: str, name: str, files: Sequence[str], **details: Any) -> HubModel:
    """What the catalogue would say of a repository that it does not list."""
    return HubModel(
        name=name or installed_name(repository),
        family="whisper",
        summary="recognition",
        repository=repository,
        files=files,
        **{"format": CONVERTED, "licence": repository_files.LICENCE_UNKNOWN, **details},
    )
