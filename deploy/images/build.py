#!/usr/bin/env python3
"""Builds Maatu's images with Docker or buildah, whichever is there, and prints their sizes.

    python deploy/images/build.py                                    # the CPU images of all services, and maatu-models
    python deploy/images/build.py --variant cuda stt translate tts
    python deploy/images/build.py --registry registry.example/maatu --push gateway

An image is named [REGISTRY/]maatu-NAME:TAG, with "-cuda" behind the tag in that variant. pip inside the build uses the package
index, the directories of wheels and the certificate authority that pip on this machine is set to; no image keeps them.
Needs nothing but Python 3.11.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent
BASE_IMAGE = "python:3.11-slim-bookworm"
_CA_IN_BUILD = "/run/ca.pem"
_INDEXES = ("index-url", "extra-index-url")
_PLACES = (*_INDEXES, "find-links")
_PASSED_ON = (*_PLACES, "no-index", "trusted-host", "timeout", "default-timeout", "proxy", "retries")
"""pip's settings that a build needs; the others are this machine's own affair."""


@dataclass(frozen=True)
class Image:
    """One image, in the variants it comes in."""

    name: str
    dockerfile: str
    """From the root of the repository."""
    variants: tuple[str, ...] = ("cpu",)


IMAGES = {
    image.name: image
    for image in [
        Image("gateway", "services/gateway/Dockerfile"),
        Image("stt", "services/stt/Dockerfile", ("cpu", "cuda")),
        Image("translate", "services/translate/Dockerfile", ("cpu", "cuda")),
        Image("agent", "services/agent/Dockerfile"),
        Image("tts", "services/tts/Dockerfile", ("cpu", "cuda")),
        Image("models", "deploy/images/models.Dockerfile"),
    ]
}


@dataclass(frozen=True)
class PipSettings:
    """Where packages come from."""

    conf: str
    """Content of a pip.conf."""
    ca: Path | None
    """PEM file of the authorities that pip trusts, where not the usual ones."""
    directories: tuple[Path, ...]
    """Local directories that the pip.conf names."""


def main() -> None:
    """Reads the command line and builds."""
    parser = _parser()
    options = parser.parse_args()
    if unknown := [name for name in options.images if name not in IMAGES]:
        parser.error(f"there is no image {', '.join(unknown)}: {', '.join(IMAGES)}")
    chosen = [IMAGES[name] for name in options.images or IMAGES]
    variants = ("cpu", "cuda") if options.variant == "all" else (options.variant,)
    builds = [(image, variant) for image in chosen for variant in variants if variant in image.variants]
    if options.images and (missing := [image.name for image in chosen if image not in [built for built, _ in builds]]):
        sys.exit(f"there is no {options.variant} variant of {', '.join(missing)}")
    try:
        builder = options.builder or find_builder()
        settings = pip_settings(_pip_config())
        tags = [reference(image, variant, options.registry, options.tag) for image, variant in builds]
        with tempfile.TemporaryDirectory(prefix="maatu-images-") as directory:
            for (image, variant), tag in zip(builds, tags, strict=True):
                print(f"▸ {tag} ({builder})", flush=True)
                subprocess.run(
                    build_command(builder, image, variant, tag, options.base_image, settings, Path(directory)),
                    check=True,
                    env={**os.environ, "DOCKER_BUILDKIT": "1"},
                )
        for tag in tags:
            print(f"{tag}\t{size(builder, tag)}")
        if options.push:
            for tag in tags:
                subprocess.run([builder, "push", tag], check=True)
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is not installed")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd[:2])} failed with status {error.returncode}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", metavar="IMAGE", help=f"{', '.join(IMAGES)}; default: all")
    parser.add_argument("--variant", choices=["cpu", "cuda", "all"], default="cpu", help="default: cpu")
    parser.add_argument("--registry", default="", help="put before the names, as in the chart's image.registry")
    parser.add_argument("--tag", default=version(), help="default: Maatu's version, %(default)s")
    parser.add_argument(
        "--base-image", default=BASE_IMAGE, help="a Debian with Python 3.11 or newer; default: %(default)s"
    )
    parser.add_argument(
        "--builder", choices=["docker", "buildah"], help="default: Docker if its daemon answers, else buildah"
    )
    parser.add_argument("--push", action="store_true", help="push the images when all are built")
    return parser


def version() -> str:
    """Maatu's version, which all its packages share."""
    project = tomllib.loads((ROOT / "libs/runtime/pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def reference(image: Image, variant: str, registry: str, tag: str) -> str:
    """Full name of an image: "registry.example/maatu-tts:0.1.0-cuda"."""
    prefix = f"{registry.rstrip('/')}/" if registry else ""
    return f"{prefix}maatu-{image.name}:{tag}{'-cuda' if variant == 'cuda' else ''}"


def find_builder() -> str:
    """What there is to build with.

    Raises:
        FileNotFoundError: neither a Docker whose daemon answers nor buildah.
    """
    if shutil.which("docker") and not subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "docker"
    if shutil.which("buildah"):
        return "buildah"
    raise FileNotFoundError(None, None, "neither a running Docker nor buildah")


def build_command(
    builder: str, image: Image, variant: str, tag: str, base_image: str, settings: PipSettings, directory: Path
) -> list[str]:
    """The command that builds an image.

    Args:
        builder: "docker" or "buildah".
        image: What is built.
        variant: "cpu" or "cuda".
        tag: Its full name.
        base_image: What it is based on.
        settings: Passed to pip inside.
        directory: For the files that the command reads.
    """
    conf = directory / "pip.conf"
    conf.write_text(settings.conf, encoding="utf-8")
    command = [builder, "build", "--file", str(ROOT / image.dockerfile), "--tag", tag]
    arguments = {
        "BASE_IMAGE": base_image,
        "VERSION": version(),
        "REVISION": _revision(),
        "CREATED": _created(os.environ),
    }
    if len(image.variants) > 1:
        arguments["VARIANT"] = variant
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    command += ["--secret", f"id=pip_conf,src={conf}"]
    if settings.ca is not None:
        command += ["--secret", f"id=ca,src={settings.ca}"]
    if builder == "buildah":
        command += [*_layers(os.environ), "--ignorefile", str(ROOT / ".dockerignore")]
        for place in settings.directories:
            command += ["--volume", f"{place}:{place}:ro"]
    elif settings.directories:
        print(f"  Docker builds do not see {', '.join(map(str, settings.directories))}", file=sys.stderr)
    return [*command, str(ROOT)]


def _layers(environment: Mapping[str, str]) -> list[str]:
    """Whether buildah keeps each step for the next build: not with the driver vfs, where a step is a copy of everything."""
    return [] if environment.get("STORAGE_DRIVER") == "vfs" else ["--layers"]


def pip_settings(configured: Mapping[str, str]) -> PipSettings:
    """What a build is told of pip's settings on this machine.

    Args:
        configured: Values by the names of pip's long options.
    """
    lines = ["[global]"]
    directories = []
    for name, value in configured.items():
        if name in _PASSED_ON:
            lines.append(f"{name} = {' '.join(value.split())}")
        if name in _PLACES:
            paths = [path for entry in value.split() if (path := _local_path(entry)) is not None]
            # The pages of an index link to files that lie beside them.
            directories += [path.parent if name in _INDEXES else path for path in paths]
    ca = Path(configured["cert"]) if "cert" in configured else None
    if ca is not None:
        lines.append(f"cert = {_CA_IN_BUILD}")
    present = dict.fromkeys(path for path in directories if path.is_dir())
    return PipSettings("\n".join(lines) + "\n", ca, tuple(present))


def _local_path(entry: str) -> Path | None:
    parts = urlsplit(entry)
    return Path(parts.path) if parts.scheme in ("", "file") and parts.path.startswith("/") else None


def _pip_config() -> dict[str, str]:
    """pip's settings on this machine: files first, then the environment, which wins."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print("  this Python has no pip, so nothing is known of a package index: the default is used", file=sys.stderr)
    entries = [line.partition("=") for line in done.stdout.splitlines()]
    found = {}
    for section in ("global", "install", ":env:"):
        for key, _, value in entries:
            if key.startswith(f"{section}."):
                found[key.removeprefix(f"{section}.")] = str(ast.literal_eval(value))
    return found


def _revision() -> str:
    """The commit, with "-dirty" behind it if files differ; empty outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _created(environment: Mapping[str, str]) -> str:
    """Now, or the moment that SOURCE_DATE_EPOCH names, in seconds since 1970, for builds that repeat."""
    epoch = environment.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def size(builder: str, tag: str) -> str:
    """Unpacked size of a built image, for people: "312 MB"."""
    if builder == "docker":
        command: Sequence[str] = ["docker", "image", "inspect", "--format", "{{.Size}}", tag]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return f"{int(done.stdout) / 1e6:.0f} MB"
    command = ["buildah", "images", "--format", "{{.Size}}", tag]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
