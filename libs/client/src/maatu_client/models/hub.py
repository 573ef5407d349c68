"""Models of the Hugging Face hub, from the hub itself or from a directory with the same files."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from maatu_client.models.entries import HubFiles, HubModel
from maatu_runtime.errors import ModelNotInstalled
from maatu_runtime.models import hub_id

Progress = Callable[[int, int], None]
"""Told now and then of the bytes that are there of one repository, and of the bytes there will be."""


@dataclass(frozen=True)
class Located:
    """Where the files of a model are."""

    directories: Mapping[str, Path]
    """The directory that holds each part of the model, by the part's folder."""
    source: str
    """Each repository with its revision; "local" for files that somebody brought."""


def locate(
    model: HubModel, directory: Path | None, endpoint: str | None = None, progress: Progress = lambda done, total: None
) -> Located:
    """Finds the files of a model.

    Args:
        model: The catalogue's entry.
        directory: Where the files lie already, laid out as the model is; None fetches them from the hub into the hub's own
            cache, which resumes a download that broke off and answers offline when it has them.
        endpoint: Address of a mirror of the hub; None takes the usual one, or what HF_ENDPOINT says.
        progress: Called while files are fetched, from several threads.

    Raises:
        ModelNotInstalled: the hub cannot be reached, refuses, or a file is missing; says which files to put where.
    """
    directories = {}
    sources = []
    for folder, part in model.parts.items():
        if directory is not None:
            directories[folder] = directory / folder
            sources.append(f"{part.repository}@local")
        else:
            directories[folder] = download(model, part, endpoint, progress)
            # The hub's cache names each snapshot after its commit.
            sources.append(f"{part.repository}@{directories[folder].name}")
    missing = [
        f"{', '.join(absent)} missing in {directories[folder]}"
        for folder, part in model.parts.items()
        if (absent := [file for file in part.files if not (directories[folder] / file).is_file()])
    ]
    if missing:
        raise NotFetched(model, "; ".join(missing))
    return Located(directories, ", ".join(sources))


def copy(model: HubModel, located: Located, destination: Path) -> None:
    """Copies the files the catalogue names, and no others, into `destination`, each part into its folder."""
    for folder, part in model.parts.items():
        (destination / folder).mkdir(exist_ok=True)
        for path in sorted(located.directories[folder].iterdir()):
            if path.is_file() and any(fnmatch(path.name, pattern) for pattern in part.patterns):
                shutil.copyfile(path, destination / folder / path.name)


def download(model: HubModel, part: HubFiles, endpoint: str | None, progress: Progress) -> Path:
    """Fetches those files of one part that its repository has into the hub's own cache, and checks what came.

    Returns:
        The snapshot's directory, named after the commit.

    Raises:
        ModelNotInstalled: the hub cannot be reached or refuses; says which files of the model to put where.
    """
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    from maatu_client.models import hub_transfer

    # The first base of the hub's error is that of its HTTP library, which a transfer that breaks off raises.
    transport_error: type[Exception] = HfHubHTTPError.__bases__[0]
    try:
        directory = hub_transfer.fetch(part, endpoint, progress)
    except GatedRepoError as error:
        raise NotFetched(
            model,
            f"{part.repository} is given only to those who accepted its terms. Accept them on its page of the hub, then log in "
            "with `hf auth login` or put a token of the same account into HF_TOKEN",
        ) from error
    except RepositoryNotFoundError as error:
        raise NotFetched(
            model,
            f"the hub has no {part.repository}, or keeps it private. Check the name, or log in with `hf auth login`",
        ) from error
    except RevisionNotFoundError as error:
        raise NotFetched(model, f"{part.repository} has no revision {part.revision}") from error
    except (OSError, transport_error) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise NotFetched(model, f"the hub does not give {part.repository} ({first_line})") from error
    if damaged := hub_transfer.remove_damaged(directory, part.patterns):
        raise NotFetched(
            model,
            f"{', '.join(damaged)} of {part.repository} did not come as the hub has it (the digest differs) and was removed",
        )
    return directory


class NotFetched(ModelNotInstalled):
    """The files of a model cannot be had from where they were looked for; says which to put where.

    Args:
        model: The model.
        defect: What went wrong.
    """

    def __init__(self, model: HubModel, defect: str) -> None:
        self.model = model
        self.defect = defect
        name = hub_id(model.name)
        get = f"{model.command} --from {name}" if model.command else f"maatu models pull {name}"
        bring = model.command or get
        super().__init__(
            f"the model {name} is not ready: {defect}. Where the hub can be reached, run `{get}`. "
            f"Otherwise put {'; and '.join(self.places())}; then run `{bring} --from DIR`",
            metadata={"model": model.name},
        )

    def places(self, directory: str = "") -> list[str]:
        """Which files of which repository go where, a line each.

        Args:
            directory: Where the model is to be put together; none: any.
        """
        return [
            f"{', '.join(part.files)} of the hub model {part.repository}"
            + (f" (revision {part.revision})" if part.revision else "")
            + (" into " + (directory or "a directory DIR") if folder == "." else f" into {directory or 'DIR'}/{folder}")
            for folder, part in self.model.parts.items()
        ]


def recorded_revisions(source: str) -> dict[str, str]:
    """The revision of each repository that a manifest's source names."""
    parts = (part.partition("@") for part in source.split(", "))
    return {repository: revision for repository, _, revision in parts if revision}
