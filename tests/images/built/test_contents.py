"""What is in the images, and what is not."""

import os
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent.parent
EXTRAS = {"tts": "parler", "translate": "indictrans2"}
WITHOUT_THEIR_DEPENDENCIES = {"translate": {"indictranstoolkit", "indic-nlp-library-itt"}}
UNPINNED = {"async-timeout", "setuptools"}
"""What constraints.txt cannot have: needed by Debian's Python 3.11.2 and no later one; never written by `pip freeze`."""
OURS = {"maatu-protos", "maatu-runtime", *(f"maatu-{name}" for name in ("gateway", "agent", "stt", "translate", "tts"))}
COMPILERS = re.compile(
    r"^(\S+-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|clang\+\+|tcc|ld|ld\.bfd|ld\.gold|as|make|cmake|go|rustc|cargo|nvcc)(-\d+)?$"
)

pytestmark = pytest.mark.timeout(1800)  # the first test of an image builds it


def packages(image: Any) -> dict[str, metadata.Distribution]:
    """The Python packages in the image, by name."""
    (directory,) = image.root.glob("opt/maatu/lib/python3.*/site-packages")
    found = metadata.distributions(path=[str(directory)])
    return {canonicalize_name(distribution.metadata["Name"]): distribution for distribution in found}


def needed(root: str, present: Mapping[str, metadata.Distribution], python: str) -> set[str]:
    """What a requirement leads to on a release of Python, directly and indirectly, as packages declare it."""
    environment = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    waiting = [Requirement(root)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            declared = (present[name].requires or []) if name in present else []
            others = map(Requirement, declared)
            waiting += [it for it in others if not it.marker or it.marker.evaluate({**environment, "extra": extra})]
    return {name for name, _ in seen}


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def test_a_service_has_its_own_dependencies_and_no_others(service: Any) -> None:
    extra = f"[{EXTRAS[service.name]}]" if service.name in EXTRAS else ""
    python = service.output_of("-c", "import platform; print(platform.python_version())", entrypoint=["python"]).strip()
    present = packages(service)
    expected = needed(f"maatu-{service.name}{extra}", present, python)
    assert set(present) == expected | WITHOUT_THEIR_DEPENDENCIES.get(service.name, set())


def test_every_package_has_the_pinned_version(service: Any) -> None:
    pinned = constraints()
    found = {name: package.version.partition("+")[0] for name, package in packages(service).items() if name not in OURS}
    assert {name: version for name, version in found.items() if version != pinned.get(name, version)} == {}
    assert found.keys() - pinned.keys() <= UNPINNED


def test_torch_is_where_parler_is_and_nowhere_else(service: Any) -> None:
    assert ("torch" in packages(service)) == (service.name == "tts")


def test_there_are_no_compilers_and_no_installer(service: Any) -> None:
    found = [
        Path(directory, file)
        for directory, _, files in os.walk(service.root)
        for file in files
        if COMPILERS.match(file) and os.access(Path(directory, file), os.X_OK)
    ]
    assert not found
    assert "pip" not in packages(service)


def test_nothing_of_the_build_is_left(service: Any) -> None:
    for left in ("src", "tools", "wheels", "code", "etc/pip.conf", "run/ca.pem", "run/secrets"):
        assert not (service.root / left).exists(), left


def test_labels_say_what_it_is(service: Any) -> None:
    labels = {name.rpartition("image.")[2]: value for name, value in service.config["Labels"].items()}
    assert labels["title"] == f"maatu-{service.name}"
    assert labels["version"] == "0.1.0"
    assert labels["licenses"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["revision"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["created"])
    assert labels["base.name"] == "localhost/maatu-test-base:bookworm"
    assert labels["description"]


def test_it_starts_without_a_shell_and_without_privilege(service: Any) -> None:
    assert service.config["User"] == "10001:10001"
    assert service.config["Entrypoint"] == ["python", "-m", f"maatu_{service.name}"]
    assert "Cmd" not in service.config


def test_its_size_is_printed(service: Any) -> None:
    assert re.search(rf"^maatu-{service.name}:0\.1\.0\t[\d.]+ [MG]B$", service.output, re.MULTILINE)
