"""Files of the hub into its own cache: a transfer that broke off goes on where it was, and what came is what the hub states.

The hub's own client begins a file anew when the process that fetched it has ended, to be safe where file locks do not work
(huggingface_hub, pull request 4228). That is hours for a model of gigabytes on a slow line. So large files, those in the hub's
LFS, are fetched here into the place where that client looks for them: `blobs/<SHA-256>` of a repository's folder in the cache.
Until a file is whole it is called `<SHA-256>.incomplete`.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from huggingface_hub import HfApi, constants, hf_hub_url, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from maatu_client.models.entries import HubFiles
from maatu_client.models.hub_progress import progress_bars
from maatu_runtime.models import sha256_of

Progress = Callable[[int, int], None]
_COMMIT = re.compile("[0-9a-f]{40}")
_SHA256 = re.compile("[0-9a-f]{64}")
_IN_FOLDERS = "*/*"


@dataclass(frozen=True)
class _LargeFile:
    """A file in the hub's LFS."""

    name: str
    commit: str
    size: int
    sha256: str


def fetch(part: HubFiles, endpoint: str | None, progress: Progress) -> Path:
    """Fetches those files that a repository has, as far as the cache lacks them. Answers offline when it has them all.

    Returns:
        The snapshot's directory, named after the commit.

    Raises:
        OSError: the hub cannot be reached or refuses; or the error of its HTTP library.
    """
    # The first base of the hub's error is that of its HTTP library.
    transport_error: type[Exception] = HfHubHTTPError.__bases__[0]
    files: list[_LargeFile] = []
    offline: Exception | None = None
    try:
        files = _missing_large_files(part, endpoint)
    except HfHubHTTPError:
        pass  # the hub refuses: the client says why, or answers from the cache
    except (OSError, transport_error) as error:
        # The client would ask for half a minute before it looked into the cache.
        offline = error
    total, before = sum(file.size for file in files), 0
    for file in files:
        _resume(part.repository, file, endpoint, partial(_tell, progress, before, total))
        before += file.size
    try:
        snapshot = snapshot_download(
            part.repository,
            revision=part.revision,
            allow_patterns=part.patterns,
            ignore_patterns=_IN_FOLDERS,
            endpoint=endpoint,
            local_files_only=offline is not None,
            # What is left after the large files are small ones, not worth telling of.
            tqdm_class=progress_bars((lambda done, total: None) if files else progress),
        )
    except LocalEntryNotFoundError:
        if offline is not None:
            raise offline from None
        raise
    return Path(snapshot)


def remove_damaged(directory: Path, patterns: Sequence[str]) -> list[str]:
    """Removes from the cache what is not what the hub states, so that it is fetched anew.

    The cache names a file after its SHA-256 where it is in the hub's LFS, otherwise after its git object. A file that is no link
    into the cache has lost that name and is left alone.

    Args:
        directory: A snapshot's directory.
        patterns: The files to check.

    Returns:
        The names of the files removed.
    """
    damaged = []
    for link in sorted(directory.iterdir()):
        if not link.is_symlink() or not any(fnmatch(link.name, pattern) for pattern in patterns):
            continue
        stated = Path(os.readlink(link)).name
        if _COMMIT.fullmatch(stated):
            actual = _git_object(link)
        elif _SHA256.fullmatch(stated):
            actual = sha256_of(link)
        else:
            continue
        if actual != stated:
            (link.parent / os.readlink(link)).unlink()
            link.unlink()
            damaged.append(link.name)
    return damaged


def _missing_large_files(part: HubFiles, endpoint: str | None) -> list[_LargeFile]:
    """The large files that are wanted and that the cache lacks."""
    revision = part.revision or constants.DEFAULT_REVISION
    info = HfApi(endpoint=endpoint).model_info(part.repository, revision=revision, files_metadata=True)
    files = [
        _LargeFile(file.rfilename, str(info.sha), file.lfs.size, file.lfs.sha256)
        for file in info.siblings or ()
        if file.lfs is not None
        and any(fnmatch(file.rfilename, pattern) for pattern in part.patterns)
        and not fnmatch(file.rfilename, _IN_FOLDERS)
        and file.lfs.size <= constants.MAX_HTTP_DOWNLOAD_SIZE
    ]
    blobs = _blobs(part.repository)
    return [file for file in files if not (blobs / file.sha256).exists()]


def _resume(repository: str, file: _LargeFile, endpoint: str | None, progress: Progress) -> None:
    """Fetches the rest of a large file. The lock keeps other processes from writing to it."""
    blob = _blobs(repository) / file.sha256
    blob.parent.mkdir(parents=True, exist_ok=True)
    incomplete = blob.with_name(f"{blob.name}.incomplete")
    with open(incomplete, "ab") as output:
        fcntl.flock(output, fcntl.LOCK_EX)
        if blob.exists():
            return
        there = output.tell()
        if there > file.size:
            output.truncate(there := 0)
        http_get(
            hf_hub_url(repository, file.name, revision=file.commit, endpoint=endpoint),
            output,
            resume_size=there,
            headers=build_hf_headers(),
            expected_size=file.size,
            tqdm_class=progress_bars(progress),
        )
        output.flush()
        incomplete.rename(blob)


def _tell(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    """Tells how much there is of all files, told how much there is of one."""
    progress(before + done, total)


def _blobs(repository: str) -> Path:
    folder = repo_folder_name(repo_id=repository, repo_type="model")
    return Path(constants.HF_HUB_CACHE).expanduser() / folder / "blobs"


def _git_object(path: Path) -> str:
    """Name of a file's content as git computes it."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
