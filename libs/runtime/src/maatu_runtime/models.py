"""The model directory: which models are installed, whether they are whole, and how one gets there.

A model is a directory <root>/<name>/ with its files and a manifest.json that names each file with its size and SHA-256. The
manifest is written last and the directory appears under its name by one rename, so a process that was stopped half-way
leaves nothing that looks like a model. `maatu_client.models` makes the models; services only read them.
"""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from maatu_runtime.errors import ModelNotInstalled

MANIFEST = "manifest.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


def installed_name(name: str) -> str:
    """Under which name a model is installed: "org/name" of the hub as "org--name", any other as it is called.

    No two collide, since the hub allows no "--" in an id.
    """
    return name.replace("/", "--") if _HUB_ID.fullmatch(name) else name


def hub_id(name: str) -> str:
    """The inverse of `installed_name`: what a person types to get a model."""
    return name.replace("--", "/", 1)


class ModelFile(BaseModel):
    """One file of a model."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    """Hexadecimal digest of the content."""
    size: int
    """Length in bytes."""


class Manifest(BaseModel):
    """What a model is, where it comes from and which files it has."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Name in the model directory, for example "whisper-base"."""
    family: str
    """Architecture, which tells the engines that can run it: "whisper", "llama", "gemma3", "piper"."""
    format: str
    """How the files are laid out, for example "ctranslate2-int8"."""
    licence: str
    """SPDX identifier where there is one, otherwise the name of the terms."""
    source: str
    """Packages or hub model with their versions, as the catalogue names them."""
    created_by: Mapping[str, str]
    """Versions of the programs that made it."""
    files: Mapping[str, ModelFile]
    """Each file by its path relative to the model's directory, with forward slashes; the manifest itself is not listed."""


class ModelStore:
    """The models under one directory. Reading needs no lock: what is there is whole or names its defect."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """The directory of a model that is ready to load.

        Checks the manifest and the size of each file, which takes well under a millisecond a file.

        Raises:
            ModelNotInstalled: the model is missing or damaged; says what is wrong and which command puts it right.
        """
        self.manifest(name)
        return self.root / name

    def manifest(self, name: str) -> Manifest:
        """What is known of an installed model.

        Raises:
            ModelNotInstalled: as `path` does.
        """
        manifest = self._read_manifest(name)
        directory = self.root / name
        for relative, file in manifest.files.items():
            path = directory / relative
            if not path.is_file():
                raise self._not_installed(name, f"{relative} is missing")
            if (size := path.stat().st_size) != file.size:
                raise self._not_installed(name, f"{relative} has {size} bytes instead of {file.size}")
        return manifest

    def installed(self) -> list[Manifest]:
        """The models that are ready to load, by name. Damaged ones are not among them."""
        manifests = []
        for name in self.directories():
            try:
                manifests.append(self.manifest(name))
            except ModelNotInstalled:
                continue
        return manifests

    def directories(self) -> list[str]:
        """Names under which there is a directory, ready or damaged."""
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if entry.is_dir() and _NAME.fullmatch(entry.name))

    def verify(self, name: str, *, only_touched: bool = False) -> Manifest:
        """Reads the files and compares their SHA-256 with the manifest.

        Args:
            name: The model.
            only_touched: Reads only files that changed after the manifest was written, so that an untouched model costs
                no more than `path`.

        Raises:
            ModelNotInstalled: as `path` does, and for a file whose content is not the one installed.
        """
        manifest = self.manifest(name)
        directory = self.root / name
        written_ns = (directory / MANIFEST).stat().st_mtime_ns
        for relative, file in manifest.files.items():
            path = directory / relative
            if only_touched and path.stat().st_mtime_ns <= written_ns:
                continue
            if sha256_of(path) != file.sha256:
                raise self._not_installed(name, f"{relative} is not the file that was installed (its SHA-256 differs)")
        return manifest

    @contextmanager
    def lock(self, name: str, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Holds the right to install a model, against other processes and threads.

        Args:
            name: The model.
            on_wait: Called once when another holds the lock, before waiting for it.
        """
        self._check_name(name)
        self.root.mkdir(parents=True, exist_ok=True)
        # The lock's file stays: removing it while another process waits on it would let two in.
        with open(self.root / f".lock-{name}", "wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def install(
        self,
        name: str,
        *,
        family: str,
        format: str,  # noqa: A002 - the manifest's word
        licence: str,
        source: str,
        created_by: Mapping[str, str],
    ) -> Iterator[Path]:
        """Gives an empty directory to put the model's files in, and installs it when the block ends without error.

        The caller holds `lock(name)`. A model of that name that is already there is replaced. When the block raises, or the
        process is interrupted, what was made is removed and the model that was there stays.

        Raises:
            ValueError: the block put no file into the directory.
        """
        self._check_name(name)
        # The process id keeps a converter that outlived its killed parent out of this directory. No name has a "+" in it.
        staging = self.root / f".staging-{name}+{os.getpid()}"
        discarded = self.root / f".discarded-{name}"
        target = self.root / name
        for leftover in (*self.root.glob(f".staging-{name}+*"), staging):
            _tidy(leftover, discarded, target)
        staging.mkdir(parents=True)
        try:
            yield staging
            manifest = Manifest(
                name=name,
                family=family,
                format=format,
                licence=licence,
                source=source,
                created_by=created_by,
                files=_describe_files(staging),
            )
            if not manifest.files:
                raise ValueError(f"the model {name} has no files")
            _write_durably(staging / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
            if target.exists():
                target.rename(discarded)
            staging.rename(target)
        finally:
            _tidy(staging, discarded, target)

    def _read_manifest(self, name: str) -> Manifest:
        self._check_name(name)
        directory = self.root / name
        if not directory.is_dir():
            raise self._not_installed(name, "there is no such directory")
        try:
            manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
        except FileNotFoundError:
            raise self._not_installed(name, f"it has no {MANIFEST}, so it was not installed to the end") from None
        except (ValidationError, OSError) as error:
            detail = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise self._not_installed(name, f"its {MANIFEST} cannot be read: {detail}") from None
        if manifest.name != name:
            raise self._not_installed(name, f"its {MANIFEST} is that of the model {manifest.name}")
        return manifest

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ModelNotInstalled(
                f"{name!r} is not the name of a model: names have letters, digits, dots, dashes and underscores; "
                "`maatu models list` shows them",
                metadata={"model": name},
            )

    def _not_installed(self, name: str, defect: str) -> ModelNotInstalled:
        return ModelNotInstalled(
            f"the model {name} is not ready in {self.root}: {defect}. Run `maatu models pull {hub_id(name)}` "
            "(`maatu models pull embedded` gets all embedded models)",
            metadata={"model": name},
        )


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tidy(staging: Path, discarded: Path, target: Path) -> None:
    """Removes what an installation left; puts the old model back if it was interrupted between the two renames."""
    shutil.rmtree(staging, ignore_errors=True)
    if discarded.exists() and not target.exists():
        discarded.rename(target)
    shutil.rmtree(discarded, ignore_errors=True)


def _describe_files(directory: Path) -> dict[str, ModelFile]:
    """Digest and size of each file; each is on the disk before the manifest vouches for it."""
    files = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            files[path.relative_to(directory).as_posix()] = ModelFile(sha256=digest, size=path.stat().st_size)
    return files


def _write_durably(path: Path, text: str) -> None:
    """Writes a file and waits until it is on the disk."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
