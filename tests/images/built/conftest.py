"""Really built images, run as Kubernetes runs them: `make images-test` builds them and runs these tests.

They are built by buildah, which needs no daemon, on a Debian made by debootstrap; both, and root, are needed.
A plain `make test` leaves them out and says so. Named on the command line they run.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
BUILD = ROOT / "build" / "images"
SERVICES = ("gateway", "agent", "stt", "translate", "tts")
BASE = "localhost/maatu-test-base:bookworm"
NEEDED = ("buildah", "debootstrap", "unshare", "setpriv", "chroot")

_UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
# Process 1 of namespaces of its own becomes the program. $1 root, $2 directory over /models or "", then environment and program.
_AS_A_POD = """
set -eu
root=$1 models=$2
shift 2
mount --bind "$root" "$root"
if [ -n "$models" ]; then
    mount --bind "$models" "$root/models"
    if [ -z "${WRITABLE_MODELS:-}" ]; then mount -o remount,bind,ro "$root/models"; fi
fi
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec=10001:10001 --groups= "$root" env -i "$@"
"""


@dataclass
class Running:
    """A container's process 1."""

    process: subprocess.Popen[str]
    """Its parent: it ends with the same status."""
    lines: list[str] = field(default_factory=list)
    """What it has written so far."""

    @property
    def pid(self) -> int:
        """As seen from outside."""
        (child,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(child)

    def until(self, event: str) -> dict[str, Any]:
        """Reads its log up to an event, which it returns; fails if the log ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            entry = json.loads(line) if line.startswith("{") else {}
            if entry.get("event") == event:
                return dict(entry)
        pytest.fail(f"no {event!r} in:\n{''.join(self.lines)}")

    def ended(self) -> int:
        """Reads the rest of its log and returns its exit status."""
        assert self.process.stdout is not None
        with self.process.stdout as rest:
            self.lines += rest
        return self.process.wait()


@dataclass
class BuiltImage:
    """An image and its root file system."""

    name: str
    output: str
    """What building it printed."""
    root: Path
    config: dict[str, Any]
    """The image's configuration in the words of the OCI specification."""
    _started: list[Running] = field(default_factory=list)

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        models: Path | None = None,
        writable_models: bool = False,
        entrypoint: Sequence[str] | None = None,
    ) -> Running:
        """Starts a container: user 10001, read-only root, /tmp in memory, nothing of this machine's environment."""
        variables = [*self.config["Env"], *(f"{name}={value}" for name, value in (environment or {}).items())]
        program = [*(entrypoint if entrypoint is not None else self.config["Entrypoint"]), *arguments]
        process = subprocess.Popen(
            [*_UNSHARE, "sh", "-c", _AS_A_POD, "pod", str(self.root), str(models or ""), *variables, *program],
            env={"PATH": os.environ["PATH"], "WRITABLE_MODELS": "yes" if writable_models else ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(Running(process))
        return self._started[-1]

    def output_of(self, *arguments: str, **options: Any) -> str:
        """Runs a container to its end, which must be a good one, and returns what it wrote."""
        running = self.start(*arguments, **options)
        status = running.ended()
        text = "".join(running.lines)
        assert status == 0, text
        return text

    def end_all(self) -> None:
        """Kills what a test left running."""
        for running in self._started:
            if running.process.poll() is None:
                running.process.kill()
                running.ended()
        self._started.clear()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment of buildah with a storage of its own, which holds the base image. Removed at the end."""
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing or os.getuid() != 0:
        pytest.fail(f"these tests need root, and on Debian: apt-get install {' '.join(missing or NEEDED)}")
    directory = tmp_path_factory.mktemp("buildah")
    driver = os.environ.get("STORAGE_DRIVER", "vfs")
    (directory / "storage.conf").write_text(
        f'[storage]\ndriver = "{driver}"\ngraphroot = "{directory}/graph"\nrunroot = "{directory}/run"\n'
    )
    (directory / "tmp").mkdir()
    environment = {
        **os.environ,
        "STORAGE_DRIVER": driver,
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_STORAGE_CONF": str(directory / "storage.conf"),
        "TMPDIR": str(directory / "tmp"),
    }
    try:
        container = _buildah(environment, "from", "scratch")
        _buildah(environment, "add", "--quiet", container, str(_base()), "/")
        _buildah(environment, "commit", "--quiet", "--rm", container, BASE)
        yield environment
    finally:
        subprocess.run(["buildah", "rm", "--all"], env=environment, capture_output=True, check=False)
        shutil.rmtree(directory)


def _base() -> Path:
    """A tar file of the smallest Debian with Python, made once and kept in build/images."""
    tar = BUILD / "base-bookworm.tar"
    if not tar.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        root = BUILD / "base-bookworm"
        include = "--include=python3,python3-venv,ca-certificates"
        subprocess.run(["debootstrap", "--variant=minbase", include, "bookworm", str(root)], check=True)
        partial = tar.with_suffix(".partial")
        leftovers = ("./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*")
        subprocess.run(
            ["tar", "-C", root, *(f"--exclude={left}" for left in leftovers), "-cf", partial, "."], check=True
        )
        partial.rename(tar)
        shutil.rmtree(root)
    return tar


def _buildah(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(["buildah", *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _built(name: str, environment: Mapping[str, str]) -> Iterator[BuiltImage]:
    """Builds an image with the script that users run; removes it afterwards, since each takes a gigabyte or more."""
    script = str(ROOT / "deploy/images/build.py")
    command = [sys.executable, script, "--builder", "buildah", "--base-image", BASE, name]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4_000:]
    tag = f"localhost/maatu-{name}:0.1.0"
    config = json.loads(_buildah(environment, "inspect", "--type", "image", tag))["OCIv1"]["config"]
    container = _buildah(environment, "from", tag)
    image = BuiltImage(name, done.stdout, Path(_buildah(environment, "mount", container)), config)
    try:
        yield image
    finally:
        image.end_all()
        _buildah(environment, "rm", container)
        _buildah(environment, "rmi", tag)


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest, storage: dict[str, str]) -> Iterator[BuiltImage]:
    """The image of each service, one after the other."""
    yield from _built(request.param, storage)


@pytest.fixture(scope="session")
def models_image(storage: dict[str, str]) -> Iterator[BuiltImage]:
    """The image with the `maatu` command and the converters."""
    yield from _built("models", storage)
