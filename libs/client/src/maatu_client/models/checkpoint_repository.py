"""A checkpoint of the hub that is to be converted, of any family: which files of its repository make it, and they themselves.

What a repository holds is found out from its small files, then from the names of its weights, so that not one gigabyte is fetched
for nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maatu_client.models import families, hub, repository, whisper_repository
from maatu_client.models.entries import HubFiles, HubModel
from maatu_runtime.errors import Unsupported
from maatu_runtime.models import installed_name

_SMALL_FILES = ("*.json", "*.model", "*.spm", "*.txt", "*.jinja", "*.SRC", "*.TGT", "README.md")
"""Everything but weights: settings, vocabularies, SentencePiece models, the model card."""


def fetch_checkpoint(
    name: str,
    family: str,
    *,
    revision: str | None = None,
    brings_tokenizer: bool = True,
    endpoint: str | None = None,
    progress: hub.Progress = lambda done, total: None,
) -> tuple[Path, str, str]:
    """Fetches a checkpoint that is to be converted.

    Args:
        name: Hub id.
        family: One of `families.CHECKPOINTS`.
        revision: Commit, branch or tag; None: the newest.
        brings_tokenizer: Whether the tokenizer is to be one of the files.
        endpoint: Address of a mirror of the hub; None takes the usual one.
        progress: Called while files are fetched.

    Returns:
        Its directory, its licence as the model card names it, and its id with the commit.

    Raises:
        ModelNotInstalled: the hub cannot be reached or refuses.
        Unsupported: there is nothing to convert, or it is of another family.
    """
    if family == "whisper":
        model = whisper_repository.describe(
            name, revision=revision, brings_tokenizer=brings_tokenizer, endpoint=endpoint, progress=progress
        )
        if model.converter is None:
            raise Unsupported(f"{name} is converted already: `maatu models pull {name}` installs it as it is")
    else:
        model = _describe(name, family, revision=revision, endpoint=endpoint, progress=progress)
    located = hub.locate(model, None, endpoint, progress)
    return located.directories["."], model.licence, located.source


def _describe(
    name: str,
    family: str,
    *,
    revision: str | None = None,
    endpoint: str | None = None,
    progress: hub.Progress = lambda done, total: None,
) -> HubModel:
    """Looks at a repository, and fetches what was looked at; `hub.locate` fetches the rest. As for `fetch_checkpoint`."""

    def entry(files: Sequence[str], **details: Any) -> HubModel:
        return HubModel(
            name=installed_name(name),
            family=family,
            format="checkpoint",
            summary="translation",
            repository=name,
            files=files,
            optional_files=_SMALL_FILES,
            converter=family,
            command=f"maatu models convert {family}",
            **{"licence": repository.LICENCE_UNKNOWN, **details},
        )

    def fetch(patterns: Sequence[str], pinned: str | None) -> Path:
        part = HubFiles(name, patterns, revision=pinned)
        return hub.download(
            entry(("config.json", repository.WEIGHTS[0][0]), revision=revision), part, endpoint, progress
        )

    small = fetch(_SMALL_FILES, revision)
    families.check_kind(family, small)
    weights = repository.weights_of(lambda patterns: fetch(patterns, small.name))
    return entry(["config.json", *weights], revision=small.name, licence=repository.licence_of(small))
