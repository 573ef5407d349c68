"""What a profile needs and this machine does not have, found before anything is started."""

import contextlib
import ctypes
import importlib.util
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from maatu_client.profiles.schema import Profile, RequiredEndpoint, environment, setting_variable
from maatu_runtime.errors import ModelNotInstalled
from maatu_runtime.models import ModelStore

_CONNECT_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Missing:
    """Something that a profile needs and that is not there."""

    what: str
    """What is missing: "the model whisper-small"."""
    remedy: str
    """What to do about it."""


def missing_requirements(
    profile: Profile, models_dir: Path, *, has_cuda: Callable[[], bool] | None = None
) -> list[Missing]:
    """Looks for everything that a profile requires.

    Args:
        profile: The profile.
        models_dir: Where models are.
        has_cuda: Whether there is a CUDA device; by default the driver is asked.

    Returns:
        What is missing, in the order device, engines, packages, models, endpoints; empty where the profile can start.
    """
    requires = profile.requires
    missing: list[Missing] = []
    if requires.cuda and not (has_cuda or cuda_available)():
        missing.append(
            Missing("a CUDA device", "run on a machine with an NVIDIA GPU and its driver, or take the profile embedded")
        )
    missing += [
        Missing(f"the engine {engine.name}", _engine_remedy(engine.module))
        for engine in requires.engines
        if not _module_exists(engine.module)
    ]
    missing += [
        Missing(f"{', '.join(absent)} for the engine {engine.name}", f"pip install {' '.join(absent)}")
        for engine in requires.engines
        if (absent := [package for package in engine.packages if not _module_exists(package)])
    ]
    missing += [
        Missing(f"the model {name}: {defect}", f"maatu models pull {name}")
        for name in requires.models
        if (defect := _model_defect(name, models_dir)) is not None
    ]
    missing += [item for endpoint in requires.endpoints if (item := _endpoint_missing(profile, endpoint)) is not None]
    return missing


def cuda_available() -> bool:
    """Whether the NVIDIA driver of this machine knows a device. Asks the driver itself: no other library is needed."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def _engine_remedy(module: str) -> str:
    """Which package to install for an engine's module: that of its service, or a newer one."""
    service = module.partition(".")[0]
    package = service.replace("_", "-")
    if _module_exists(service):
        return f"the installed {package} has no {module}: pip install --upgrade {package}"
    return f"pip install {package}, which has {module}"


def _module_exists(module: str) -> bool:
    with contextlib.suppress(ModuleNotFoundError):  # a package above it is missing
        return importlib.util.find_spec(module) is not None
    return False


def _model_defect(name: str, models_dir: Path) -> str | None:
    """What is wrong with a model, or None where it is ready."""
    if not (models_dir / name).is_dir():
        return f"not in {models_dir}"
    try:
        ModelStore(models_dir).path(name)
    except ModelNotInstalled:
        return f"damaged or half-made in {models_dir}"
    return None


def _endpoint_missing(profile: Profile, endpoint: RequiredEndpoint) -> Missing | None:
    """What is wrong with a server that has to run, or None where it answers."""
    variable = setting_variable(endpoint.service, endpoint.setting)
    url = os.environ.get(variable) or environment(profile, endpoint.service).get(variable)
    start = f"start it: {endpoint.start}"
    if not url:
        setting = f"the profile's services.{endpoint.service}.{endpoint.setting}"
        return Missing(f"the URL of a server in {variable}", f"set it, or {setting}, to its URL; {start}")
    try:
        address = _address(url)
    except ValueError as error:
        return Missing(
            f'a URL in {variable}: "{url}" is none ({error})', 'set it to one like "http://127.0.0.1:8000/v1"'
        )
    return None if _answers(address) else Missing(f"a server at {url}", f"{start}; or set {variable} to another")


def _address(url: str) -> tuple[str, int]:
    """Host and port of a URL.

    Raises:
        ValueError: It has none.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("it names no host")
    parts.hostname.encode("idna")  # as connecting does; an empty or overlong label fails
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=_CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
