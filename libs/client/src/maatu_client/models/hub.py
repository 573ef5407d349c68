"""Models of the Hugging Face hub, from the hub itself or from a directory with the same files."""

import shutil
from fnmatch import fnmatch
from pathlib import Path

from maatu_client.models.entries import HubModel
from maatu_runtime.errors import ModelNotInstalled


def locate(model: HubModel, directory: Path | None, endpoint: str | None = None) -> tuple[Path, str]:
    """Finds the files of a model.

    Args:
        model: The catalogue's entry.
        directory: Where the files lie already; None fetches them from the hub into the hub's own cache, which resumes
            a download that broke off and answers offline when it has them.
        endpoint: Address of a mirror of the hub; None takes the usual one, or what HF_ENDPOINT says.

    Returns:
        The directory and the revision found ("local" for a given directory).

    Raises:
        ModelNotInstalled: the hub cannot be reached, refuses, or a file is missing; says which files to put where.
    """
    if directory is not None:
        revision = "local"
    else:
        directory = _download(model, endpoint)
        # The hub's cache names each snapshot after its commit.
        revision = directory.name
    missing = [file for file in model.files if not (directory / file).is_file()]
    if missing:
        raise _unavailable(model, f"{', '.join(missing)} missing in {directory}")
    return directory, revision


def copy(model: HubModel, source: Path, destination: Path) -> None:
    """Copies the files the catalogue names, and no others, from `source` into `destination`."""
    patterns = [*model.files, *model.optional_files]
    for path in sorted(source.iterdir()):
        if path.is_file() and any(fnmatch(path.name, pattern) for pattern in patterns):
            shutil.copyfile(path, destination / path.name)


def _download(model: HubModel, endpoint: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    # The first base of the hub's error is that of its HTTP library, which a transfer that breaks off raises.
    transport_error: type[Exception] = HfHubHTTPError.__bases__[0]
    try:
        return Path(
            snapshot_download(model.repository, allow_patterns=[*model.files, *model.optional_files], endpoint=endpoint)
        )
    except (OSError, transport_error) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise _unavailable(model, f"the hub does not give it ({first_line})") from error


def _unavailable(model: HubModel, defect: str) -> ModelNotInstalled:
    return ModelNotInstalled(
        f"the model {model.name} is not ready: {defect}. Where the hub can be reached, run `maatu models pull {model.name}`. "
        f"Otherwise put these files of the hub model {model.repository} into a directory DIR: {', '.join(model.files)}; "
        f"then run `maatu models pull {model.name} --from DIR`",
        metadata={"model": model.name},
    )
