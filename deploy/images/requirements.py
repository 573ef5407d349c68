"""Prints what packages of this repository need from elsewhere, as a requirements file.

    python requirements.py libs/runtime 'services/tts[parler]'

An image installs this before it copies any source, so that a change of our code leaves the large layer as it was.
"""

import re
import sys
import tomllib
from pathlib import Path


def requirements(package: str) -> list[str]:
    """The requirements of one package, without those on other packages of this repository.

    Args:
        package: Its directory, with extras in brackets: "services/tts[parler]".

    Raises:
        ValueError: It has no such extra.
    """
    directory, _, extras = package.rstrip("]").partition("[")
    project = tomllib.loads(Path(directory, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project.get("dependencies", []))
    for extra in filter(None, extras.split(",")):
        offered = project.get("optional-dependencies", {})
        if extra not in offered:
            raise ValueError(f"{directory} has no extra {extra}, only {', '.join(offered) or 'none'}")
        wanted += offered[extra]
    return [requirement for requirement in wanted if not re.match(r"maatu\b", requirement)]


def main() -> None:
    """Reads the command line."""
    lines = {line for package in sys.argv[1:] for line in requirements(package)}
    sys.stdout.write("".join(f"{line}\n" for line in sorted(lines)))


if __name__ == "__main__":
    main()
