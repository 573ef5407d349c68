"""Lints the contract and holds it against protos/baseline.binpb, with buf and without a network.

The protos import google/rpc/status.proto, which buf would fetch from its registry; the package googleapis-common-protos
carries it, so both are laid side by side in build/buf and checked there.

    python tools/protocheck.py              lint, then look for breaking changes
    python tools/protocheck.py --baseline   write the present contract as the new baseline
"""

import argparse
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "protos" / "baseline.binpb"


def workspace(protos: Path, directory: Path) -> Path:
    """Lays out a buf workspace of `protos` (the contract) and googleapis in `directory`."""
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "google" / "rpc").mkdir(parents=True)
    shutil.copy(protos / "buf.yaml", directory)
    shutil.copytree(protos / "maatu", directory / "maatu")
    shutil.copy(str(files("google.rpc") / "status.proto"), directory / "google" / "rpc")
    return directory


def buf(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs the buf that the package buf-bin installed beside this Python."""
    binary = shutil.which("buf", path=str(Path(sys.executable).parent)) or "buf"
    return subprocess.run([binary, *args], cwd=cwd, capture_output=True, text=True, check=False)


def check(protos: Path, directory: Path, baseline: Path = BASELINE) -> list[str]:
    """Returns what lint and the comparison with the baseline complain of; empty means sound."""
    at = workspace(protos, directory)
    complaints = []
    for args in (["lint"], ["breaking", "--against", str(baseline)]):
        done = buf(*args, cwd=at)
        if done.returncode != 0:
            complaints += [f"buf {args[0]}: {line}" for line in (done.stdout + done.stderr).strip().splitlines()]
    return complaints


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks the contract in protos/ with buf.")
    parser.add_argument("--baseline", action="store_true", help="write the present contract as the new baseline")
    options = parser.parse_args()
    if options.baseline:
        at = workspace(ROOT / "protos", ROOT / "build" / "buf")
        done = buf("build", "--exclude-source-info", "-o", str(BASELINE), cwd=at)
        print(done.stdout + done.stderr, end="")
        return done.returncode
    complaints = check(ROOT / "protos", ROOT / "build" / "buf")
    print("\n".join(complaints) or "contract: lint clean, nothing broken since the baseline")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
