"""The layout of docs/architecture.md holds: who may import whom, and what each package is made of."""

import itertools
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("stt", "translate", "agent", "tts", "gateway")


def test_imports_point_one_way() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_its_rooms(service: str) -> None:
    package = ROOT / "services" / service / "src" / f"maatu_{service}"
    for name in ("__main__.py", "config.py", "servicer.py", "metrics.py", "py.typed"):
        assert (package / name).is_file(), name
    assert len((package / "__main__.py").read_text().splitlines()) <= 45


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_depends_on_another(service: str) -> None:
    project = tomllib.loads((ROOT / "services" / service / "pyproject.toml").read_text())["project"]
    ours = [name for name in project["dependencies"] if name.startswith("maatu")]
    assert ours == ["maatu-runtime"]


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_checks_its_imports_and_configuration(service: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"maatu_{service}", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "sound" in done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_a_wrong_setting_ends_the_start_with_its_name(service: str) -> None:
    variable = f"MAATU_{service.upper()}_PORT"
    done = subprocess.run(
        [sys.executable, "-m", f"maatu_{service}", "--check"],
        env={"PATH": "/usr/bin", variable: "seventy"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert variable in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_help_lists_every_setting_with_its_meaning(service: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"maatu_{service}", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    for variable in (f"MAATU_{service.upper()}_PORT", "MAATU_MODELS_DIR", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        assert variable in done.stdout
    lines = done.stdout.splitlines()
    undocumented = [line for line, meaning in itertools.pairwise(lines) if "(default " in line and not meaning.strip()]
    assert not undocumented
