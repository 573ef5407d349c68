"""What a profile file may say, and what it comes to for each service."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from maatu_runtime.errors import ConfigurationError

ServiceName = Literal["stt", "translate", "agent", "tts", "gateway"]
SERVICES: tuple[ServiceName, ...] = get_args(ServiceName)
"""The services, in the order of the chain; the gateway, which needs the others, is last."""
DEFAULT_PROFILE = "embedded"
"""The profile that needs nothing but packages."""
_DIRECTORY = Path(__file__).parent


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RequiredEngine(_Closed):
    """An engine that the profile runs on."""

    name: str
    """What it is called."""
    module: str
    """The Python module that holds it; an installation without the module does not have the engine."""
    packages: tuple[str, ...] = ()
    """Packages that it imports and that not every installation has."""


class RequiredEndpoint(_Closed):
    """A server that has to run already."""

    service: ServiceName
    """The service that calls it."""
    setting: str
    """The setting of that service that holds its URL."""
    start: str = Field(min_length=1)
    """How it is started."""


class Requirements(_Closed):
    """What has to be there before the profile can start."""

    models: tuple[str, ...] = ()
    """Names in the model directory."""
    engines: tuple[RequiredEngine, ...] = ()
    """Engines that not every installation has."""
    cuda: bool = False
    """A CUDA device."""
    endpoints: tuple[RequiredEndpoint, ...] = ()
    """Servers that are not started by Maatu."""


# YAML reads an empty section as null.
Settings = Annotated[Mapping[str, JsonValue], BeforeValidator(lambda value: {} if value is None else value)]


class ServiceSettings(_Closed):
    """The settings of each service: names of fields of its `Config` and their values."""

    stt: Settings = Field(default_factory=dict)
    translate: Settings = Field(default_factory=dict)
    agent: Settings = Field(default_factory=dict)
    tts: Settings = Field(default_factory=dict)
    gateway: Settings = Field(default_factory=dict)


class Profile(_Closed):
    """One profile."""

    name: str = Field(pattern="^[a-z0-9][a-z0-9-]*$")
    """Its name, which is that of its file."""
    description: str = Field(min_length=1)
    """What it is for, in a sentence or two."""
    requires: Requirements = Requirements()
    """What has to be there."""
    services: ServiceSettings = ServiceSettings()
    """The settings of each service."""


def profile_names() -> list[str]:
    """The profiles that come with Maatu, the default first."""
    return sorted((path.stem for path in _DIRECTORY.glob("*.yaml")), key=lambda name: (name != DEFAULT_PROFILE, name))


def load_profile(name: str) -> Profile:
    """Reads and checks a profile.

    Args:
        name: Name of one that comes with Maatu, or path of a YAML file (ending in .yaml).

    Raises:
        ConfigurationError: There is no such profile, or the file is wrong: each wrong place is named by its path.
    """
    path = Path(name) if name.endswith(".yaml") else _DIRECTORY / f"{name}.yaml"
    if not name.endswith(".yaml") and name not in profile_names():
        raise ConfigurationError(f'there is no profile "{name}"; there are {", ".join(profile_names())}')
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"the profile {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: it is not UTF-8, or holds a date that does not exist
        raise ConfigurationError(f"the profile {path} is no YAML: {error}") from None
    try:
        return Profile.model_validate(content)
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in issue['loc'])}: {issue['msg']}" for issue in error.errors()]
        raise ConfigurationError("\n".join([f"the profile {path} is wrong:", *lines])) from None


def environment(profile: Profile, service: ServiceName) -> dict[str, str]:
    """The variables MAATU_<SERVICE>_… that give a service its settings. Lists and mappings are JSON, null is left out."""
    settings: Mapping[str, JsonValue] = getattr(profile.services, service)
    return {setting_variable(service, key): _text(value) for key, value in settings.items() if value is not None}


def setting_variable(service: ServiceName, setting: str) -> str:
    """The environment variable of a service's setting."""
    return f"MAATU_{service}_{setting}".upper()


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
