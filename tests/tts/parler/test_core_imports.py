"""The core runs on a plain PyTorch image: it needs none of the service's packages."""

import subprocess
import sys
from pathlib import Path

import maatu_tts.engine.parler as parler

NOT_THERE = (
    "maatu",
    "grpc",
    "google",
    "pydantic",
    "pydantic_settings",
    "structlog",
    "av",
    "opentelemetry",
    "prometheus_client",
)
MAY_NEED_THEM = ("accelerate",)
"""Packages that transformers takes where they are installed."""
NOT_CORE = ("engine", "voices")

SCRIPT = """
import importlib
import sys

# Importing what is None here fails as if it were not installed.
sys.modules |= dict.fromkeys(sys.argv[1].split(","))
for name in sys.argv[2:]:
    importlib.import_module(name)
ours = {name for name in sys.modules if name.startswith("maatu_runtime.")}
print(*sorted(ours))
"""


def test_the_core_imports_nothing_of_the_service() -> None:
    directory = Path(parler.__file__).parent
    modules = [path.stem for path in directory.glob("*.py") if path.stem not in (*NOT_CORE, "__init__")]
    assert len(modules) >= 15
    packages = [path.parent.name for path in directory.glob("*/__init__.py")]
    names = [f"{parler.__name__}.{name}" for name in sorted(modules + packages)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, ",".join(NOT_THERE + MAY_NEED_THEM), *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {"maatu_runtime.errors", "maatu_runtime.places"}
